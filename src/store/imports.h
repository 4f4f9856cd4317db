// How far each transcript was imported: the table `imported_file`. Files are known by a hash of their path, as paths
// are private. One instance belongs to one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "database.h"

namespace fortium::store {

struct ImportedFile {
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t offset = 0;
  bool settled = false;
  std::string carried;  // JSON of the importer's own
};

class Imports {
 public:
  explicit Imports(Database& database) : database_(database) {}

  // For as long as the file is open: many records a commit change pages all over the trees, and what does not fit into
  // the cache is written and read again and again.
  Result<void> enlarge_cache();
  // Everything that is known, by key_of(path).
  Result<std::map<std::string, ImportedFile>> load();
  // In one transaction; after the records that it covers are durable, never before.
  Result<void> save(const std::map<std::string, ImportedFile>& files);  // by key_of(path)
  // Messages of a session that were recorded, with their requests: "message id/request id".
  Result<std::set<std::string>> messages_of(const std::string& session_id);

  static std::string key_of(const std::string& path);

 private:
  Database& database_;
};

}  // namespace fortium::store
