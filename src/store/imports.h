// How far each transcript was imported: the table `imported_file`. Files are known by a hash of their path, as paths
// are private. One instance belongs to one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "database.h"

namespace fortium::store {

struct ImportedFile {
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t offset = 0;
  std::int64_t rest = 0;  // the importer's word for how long the file had not been written to
  std::string carried;    // JSON of the importer's own
  // Requests in it that were counted elsewhere: under another id, in the session that a side chain replays; under the
  // same id, in the file that it was copied from.
  std::int64_t replays = 0, copies = 0;
};

struct SessionUsage {
  std::int64_t tokens = 0;  // of all four sorts
  double cost_usd = 0;
};

class Imports {
 public:
  explicit Imports(Database& database) : database_(database) {}

  // From here to end_bulk(), commits are in order but reach the disk when the system likes, and the cache is large
  // enough for pages all over the trees. After a power loss the store is as it was after one of them, and as it says
  // how far files were read in the same log, the next import reads the rest again. Nobody may be told of a record
  // before end_bulk() and one more commit.
  Result<void> begin_bulk();
  Result<void> end_bulk();
  // By key_of(path); nothing: it was never read.
  Result<std::optional<ImportedFile>> find(const std::string& key);
  // All of them, whatever their files are called.
  Result<std::vector<ImportedFile>> all();
  // What model requests were recorded, by session.
  Result<std::map<std::string, SessionUsage>> usage_by_session();
  // `replays` and `copies` are added to what is there. In one transaction; after the records that it covers are
  // durable, never before.
  Result<void> save(const std::map<std::string, ImportedFile>& files);  // by key_of(path)
  // Messages of a session that were recorded, with their requests: "message id/request id".
  Result<std::set<std::string>> messages_of(const std::string& session_id);

  static std::string key_of(const std::string& path);

 private:
  Database& database_;
  std::int64_t synchronous_ = 2;  // FULL, as SQLite numbers it
};

}  // namespace fortium::store
