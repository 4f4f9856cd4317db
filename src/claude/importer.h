// Reads transcripts and hands their records over, lot by lot. It does not know the store.
//
// Files are read in parallel by a few threads, a few MiB a lot, and ahead of the caller (read_ahead.h); lots are handed
// over in the order of the files, on the caller's thread, so that what is counted does not depend on which thread was
// faster. Only whole lines are taken. Memory is bounded. One instance belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "find_transcripts.h"
#include "fortium/base/clock.h"
#include "fortium/metrics/event_pack.h"
#include "prices.h"
#include "transcript.h"

namespace fortium::claude {

constexpr std::int64_t kLotBytes = 2 << 20;
constexpr std::size_t kMostThreads = 4;
constexpr std::size_t kMostLineBytes = 16 << 20;  // a longer one is left out, and told
constexpr Millis kStill{600'000};                 // not written to for so long: what is open is settled
constexpr Millis kEnded{86'400'000};  // and for so long: the session is over, and calls without a result too

// How far a file was read, and what was left open there.
struct Progress {
  std::uint64_t inode = 0;
  std::int64_t size = 0;    // of the file, when it was looked at
  std::int64_t offset = 0;  // behind the last line that was taken
  Rest rest = Rest::busy;   // nothing is left to do unless the file grows, or has not been written to for longer
  std::string carried;      // JSON
};

struct SkippedLine {
  std::string file;
  std::int64_t line = 0;  // from 1; 0: the file as a whole. Of a file that was read before, counted from there
  std::string why;
};

// Of a record, beside what it says.
struct Counted {
  bool side = false;     // of a side chain: it may replay a message of its session
  std::size_t file = 0;  // of the lot's paths
};

// What one reading of a piece brought.
struct Lot {
  metrics::EventPack records;                // checked and stamped
  std::vector<Counted> counted;              // the same in order
  std::vector<std::string> paths;            // that they came from
  std::map<std::string, Progress> progress;  // by path; counts once the records are kept
  std::vector<SkippedLine> skipped;
  std::int64_t read_bytes = 0;
  std::int64_t files = 0;  // that were begun in this lot
  TranscriptCounts counts;
  std::map<std::string, std::int64_t> unpriced;
  std::string session;   // the path of the session's own transcript
  bool resumed = false;  // a part of the session was read in an earlier run
};

class Importer {
 public:
  // What an earlier run left; nullptr: never read.
  using Known = std::function<const Progress*(const std::string& path)>;
  using Take = std::function<Result<void>(Lot& lot)>;
  // Whether nothing of what happened in this directory is wanted. Asked by several threads at once.
  using Off = std::function<bool(const std::string& dir)>;

  // `at_least`: for how long the files have been left alone, where one knows better than by their times.
  Importer(const Prices& prices, std::string user_id, WallTime now, Known known, Off off, Rest at_least = Rest::busy)
      : how_{prices, std::move(user_id), now, std::move(off)}, known_(std::move(known)), at_least_(at_least) {}

  // What all that is read has in common.
  struct How {
    const Prices& prices;
    std::string user_id;  // of the records; may be empty
    WallTime now;
    Off off;
  };

  // Bytes of these sessions that are new.
  std::int64_t unread(const std::vector<SessionFiles>& sessions) const;
  // An error of `take` ends the reading; what was taken stays.
  Result<void> run(const std::vector<SessionFiles>& sessions, const Take& take);

 private:
  const How how_;
  const Known known_;
  const Rest at_least_;
};

}  // namespace fortium::claude
