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

Result<std::map<std::string, ImportedFile>> Imports::load() {
  FM_TRY(Statement all,
         database_.db().prepare("SELECT file, inode, size, \"offset\", rest, carried FROM imported_file"));
  std::map<std::string, ImportedFile> files;
  for (;;) {
    FM_TRY(const bool more, all.step());
    if (!more) return files;
    files.emplace(all.text(0), ImportedFile{static_cast<std::uint64_t>(all.integer(1)), all.integer(2), all.integer(3),
                                            all.integer(4), std::string(all.text(5))});
  }
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
