#include "shared_file.h"

#include "limits.h"

namespace fortium::service {

Result<std::unique_ptr<SharedFile>> SharedFile::open(const std::string& path, store::Durability durability,
                                                     std::span<const std::string_view> steps) {
  FM_TRY(store::WriteLock lock, store::WriteLock::open(path + ".lock"));
  FM_TRY_(lock.take(kLockWait));
  auto db = store::Db::open(path, store::Db::Mode::create);
  if (!db) {
    lock.give_back();
    return std::move(db).error();
  }
  std::unique_ptr<SharedFile> file(new SharedFile(std::move(*db), std::move(lock)));
  Result<void> prepared = file->prepare(durability, steps);
  file->lock_.give_back();
  if (!prepared) return std::move(prepared).error();
  return file;
}

Result<void> SharedFile::prepare(store::Durability durability, std::span<const std::string_view> steps) {
  FM_TRY_(db_.exec("PRAGMA trusted_schema = OFF"));
  FM_TRY(const std::int64_t version, db_.integer("PRAGMA user_version"));
  const auto ours = static_cast<std::int64_t>(steps.size());
  if (version > ours)
    return Error{Errc::corrupt, "the service's store has version " + std::to_string(version) +
                                    ", this program knows up to " + std::to_string(ours) +
                                    ": update fortium-metrics-server"};
  if (version == 0) FM_TRY_(db_.exec("PRAGMA journal_mode = WAL"));
  FM_TRY_(
      db_.exec(durability == store::Durability::full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  if (version == ours) return {};
  std::string sql = "BEGIN IMMEDIATE;";
  for (auto step = static_cast<std::size_t>(version); step < steps.size(); ++step) sql += steps[step];
  sql += "PRAGMA user_version = " + std::to_string(ours) + "; COMMIT;";
  Result<void> done = db_.exec(sql);
  if (!done) (void)db_.exec("ROLLBACK");
  return done;
}

Result<void> SharedFile::tidy() {
  if (db_.wal_frames() <= kTidyFrames) return {};
  FM_TRY_(lock_.take(kLockWait));
  Result<void> done = db_.checkpoint();
  lock_.give_back();
  return done;
}

}  // namespace fortium::service
