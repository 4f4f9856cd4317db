// The writer of `import`: takes records from whoever reads, and commits many at once.
//
// How far files were read is written after the records that were read: an import that ends midway reads a little again,
// and knows it by the ids. A dry run checks everything and keeps nothing. One instance belongs to one thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../claude/importer.h"
#include "../store/imports.h"
#include "import_sources.h"
#include "local.h"
#include "terminal.h"

namespace fortium::app {

struct SkippedPart {
  std::string file;
  std::int64_t line = 0;  // 0: all of it
  std::string why;
};

struct ImportCounts {
  std::int64_t files = 0;
  std::int64_t read_bytes = 0;
  std::map<std::string, std::int64_t> imported;  // by kind
  std::int64_t duplicates = 0;                   // known before
  std::int64_t lines = 0;                        // of transcripts
  std::int64_t merged = 0;                       // of them, of a message that was counted already
  std::int64_t replays = 0;                      // requests of the session, told again in a side chain
  std::int64_t api_errors = 0;
  std::map<std::string, std::int64_t> unpriced;  // requests by model
  std::int64_t skipped_count = 0;
  std::vector<SkippedPart> skipped;  // the first of them
};

struct ImportHow {
  bool dry = false;
  bool fold = false;                           // adds up days that are long over, so that the first report need not
  std::int64_t most_bytes = INT64_MAX;         // of transcripts that are new; more is not begun
  claude::Rest at_least = claude::Rest::busy;  // for how long these transcripts have been left alone, as one knows
  Millis lock_wait{5'000};
};

class Importing {
 public:
  Importing(const Settings& settings, const ImportHow& how);

  // invalid: the file of prices is wrong; everything else is the store's.
  Result<void> run(const ImportSources& sources);

  const ImportCounts& counts() const { return counts_; }
  bool dry() const { return dry_; }
  // There was more that is new than `most_bytes`.
  bool refused() const { return refused_; }

 private:
  Result<void> import_transcripts(const std::vector<std::string>& paths);
  Result<void> import_legacy(const std::vector<std::string>& paths);
  Result<void> import_files(const std::vector<std::string>& paths, bool tables);
  Result<void> take(claude::Lot& lot);
  Result<bool> is_alive(const metrics::Event& event);
  Result<bool> is_replay(const claude::Lot& lot, const metrics::Event& event, bool side);
  // Why it cannot be a record; empty: it is one.
  std::string stage(const metrics::Kind& kind, const Json& record);
  void staged(const metrics::Kind& kind, std::size_t file = kNoFile);
  void skip(std::string file, std::int64_t line, std::string why);
  Result<void> commit();

  const claude::Progress* known(const std::string& path);

  const Settings& settings_;
  const ImportHow how_;
  const bool dry_;
  bool refused_ = false;
  Local local_;
  metrics::Recorder recorder_;
  ImportCounts counts_;
  static constexpr std::size_t kNoFile = SIZE_MAX;
  struct Staged {
    const metrics::Kind* kind;
    std::size_t file;  // the transcript that it is of: its place in group_files_
  };
  std::vector<Staged> staged_;
  metrics::EventPack group_;  // of transcripts, to be kept with the next commit; all else waits in the recorder
  std::vector<std::string> group_files_;  // keys of their paths
  std::optional<store::Imports> imports_;
  std::int64_t closed_ = 0;  // what the store said when imports_ was made: it goes with its file
  std::map<std::string, std::optional<claude::Progress>> known_;  // by key of the path, as it was at first
  std::map<std::string, store::ImportedFile> progress_;  // to be saved with the next commit; never empty after one
  metrics::Event event_;                                 // the one that is looked at
  // Messages of the session that is read now: "message id/request id".
  std::string session_;
  std::set<std::string> messages_;
};

}  // namespace fortium::app
