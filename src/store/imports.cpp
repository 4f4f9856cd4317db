#include "imports.h"

#include "fortium/base/hash.h"

namespace fortium::store {

std::string Imports::key_of(const std::string& path) {
  constexpr std::size_t kBytes = 16;
  const Sha256 hash = sha256(path);
  return to_hex(hash.data(), kBytes);
}

Result<void> Imports::begin_bulk() {
  FM_TRY(synchronous_, database_.db().integer("PRAGMA synchronous"));
  return database_.db().exec("PRAGMA cache_size = -16384; PRAGMA synchronous = NORMAL");
}

Result<void> Imports::end_bulk() { return database_.db().exec("PRAGMA synchronous = " + std::to_string(synchronous_)); }

Result<std::optional<ImportedFile>> Imports::find(const std::string& key) {
  FM_TRY(Statement find, database_.db().prepare("SELECT inode, size, \"offset\", rest, carried FROM imported_file "
                                                "WHERE file = ?"));
  FM_TRY(const bool known, find.bind(key).step());
  if (!known) return std::optional<ImportedFile>();
  return std::optional(ImportedFile{static_cast<std::uint64_t>(find.integer(0)), find.integer(1), find.integer(2),
                                    find.integer(3), std::string(find.text(4))});
}

Result<void> Imports::save(const std::map<std::string, ImportedFile>& files) {
  if (files.empty()) return {};
  FM_TRY(Statement put, database_.db().prepare("INSERT OR REPLACE INTO imported_file (file, inode, size, \"offset\", "
                                               "rest, carried) VALUES (?, ?, ?, ?, ?, ?)"));
  return database_.write([&]() -> Result<void> {
    for (const auto& [file, one] : files) {
      put.bind(file, static_cast<std::int64_t>(one.inode), one.size, one.offset, one.rest, one.carried);
      FM_TRY_(put.run());
    }
    return {};
  });
}

Result<std::set<std::string>> Imports::messages_of(const std::string& session_id) {
  FM_TRY(Statement find, database_.db().prepare("SELECT message_id || '/' || coalesce(request_id, '') FROM model_usage "
                                                "WHERE session_id = ? AND message_id IS NOT NULL"));
  find.bind(session_id);
  std::set<std::string> messages;
  for (;;) {
    FM_TRY(const bool more, find.step());
    if (!more) return messages;
    messages.emplace(find.text(0));
  }
}

}  // namespace fortium::store
