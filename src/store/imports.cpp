#include "imports.h"

#include "fortium/base/hash.h"

namespace fortium::store {

namespace {

ImportedFile file_of(const Statement& row) {
  return {static_cast<std::uint64_t>(row.integer(0)),
          row.integer(1),
          row.integer(2),
          row.integer(3),
          std::string(row.text(4)),
          row.integer(5),
          row.integer(6)};
}

}  // namespace

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
  FM_TRY(Statement find, database_.db().prepare("SELECT inode, size, \"offset\", rest, carried, replays, copies "
                                                "FROM imported_file WHERE file = ?"));
  FM_TRY(const bool known, find.bind(key).step());
  return known ? std::optional(file_of(find)) : std::nullopt;
}

Result<std::vector<ImportedFile>> Imports::all() {
  FM_TRY(Statement list, database_.db().prepare("SELECT inode, size, \"offset\", rest, carried, replays, copies "
                                                "FROM imported_file"));
  std::vector<ImportedFile> files;
  for (;;) {
    FM_TRY(const bool more, list.step());
    if (!more) return files;
    files.push_back(file_of(list));
  }
}

Result<std::map<std::string, SessionUsage>> Imports::usage_by_session() {
  FM_TRY(Statement sum,
         database_.db().prepare("SELECT session_id, sum(input_tokens + output_tokens + coalesce(cache_read_tokens, 0) "
                                "+ coalesce(cache_creation_tokens, 0)), coalesce(sum(cost_usd), 0) FROM model_usage "
                                "WHERE session_id IS NOT NULL GROUP BY session_id"));
  std::map<std::string, SessionUsage> sessions;
  for (;;) {
    FM_TRY(const bool more, sum.step());
    if (!more) return sessions;
    sessions[std::string(sum.text(0))] = {sum.integer(1), sum.real(2)};
  }
}

Result<void> Imports::save(const std::map<std::string, ImportedFile>& files) {
  if (files.empty()) return {};
  FM_TRY(
      Statement put,
      database_.db().prepare(
          "INSERT INTO imported_file (file, inode, size, \"offset\", rest, carried, replays, copies) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET inode = ?2, size = ?3, \"offset\" = ?4, "
          "rest = ?5, carried = ?6, replays = replays + ?7, copies = copies + ?8"));
  return database_.write([&]() -> Result<void> {
    for (const auto& [file, one] : files) {
      put.bind(file, static_cast<std::int64_t>(one.inode), one.size, one.offset, one.rest, one.carried, one.replays,
               one.copies);
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
