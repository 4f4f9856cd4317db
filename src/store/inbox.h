// What hooks tell: `metrics.db.inbox`, a file beside the store, one synced line each. A hook is done when its line is
// on the disk; it needs no database for that, and any number of them write at once. Whoever has the store open takes
// what lies there, in order, in one transaction with a mark of how far that was: each line counts once, whoever dies
// when.
//
// The file is made, taken from and emptied inside the store's write lock only. Who leaves a line shares a lock on the
// file itself, so that it is not emptied under him. It begins with a name that is new whenever it was emptied, and a
// mark says whose it is. A line that is torn was acknowledged to nobody, and is passed over; one that is still being
// written waits. Where other machines may write, too (NFS and its like), appending is not safe, and there is no inbox.
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "database.h"
#include "fortium/base/entropy.h"
#include "fortium/metrics/note.h"
#include "sqlite_outbox.h"

namespace fortium::store {

// A hook that finds more than this takes it all itself: some hundred lines, which are a few milliseconds of work.
constexpr std::int64_t kMostLeft = 64 << 10;
constexpr std::size_t kMostNoteBytes = 256 << 10;  // as an event is condensed to

struct Left {
  metrics::Note note;
  Destination to;
  std::string mark;  // where the next line begins
};

class Inbox {
 public:
  Inbox(std::string path, Durability durability) : path_(std::move(path)), durability_(durability) {}

  // Durable when it returns ok. unavailable, busy: there is none yet, or somebody empties it; the store must be opened.
  Result<void> leave(const metrics::Note& note, const Destination& to) const;

  // Bytes of the file; 0: there is none.
  std::int64_t size() const { return state().size; }
  // Differs when somebody has written.
  struct State {
    std::int64_t size = 0, time = 0;
    bool operator==(const State&) const = default;
  };
  State state() const;

  // Whole lines from the mark on, the oldest first, a MiB at most; what the mark of another file leads to is the first
  // line. With no line left, `end` is where the next one will begin.
  struct Lines {
    std::vector<Left> lines;
    std::string end;
    bool all = true;  // that there are by now
  };
  Result<Lines> read(std::string_view mark) const;

  // Whether lines can be left, or never can be, and not too much has been.
  bool is_well() const;
  // Makes the file, or empties it. Inside the store's write lock; nothing where more was left behind this mark, which
  // is on the disk, or where somebody leaves a line just now.
  Result<void> begin(std::string_view mark, Entropy& entropy) const;

 private:
  const std::string path_;
  const Durability durability_;
};

// How far the store has taken; empty: nothing yet.
Result<std::string> inbox_mark(Db& db);

}  // namespace fortium::store
