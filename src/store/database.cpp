#include "database.h"

#include <utility>

#include "migrations.h"

namespace fortium::store {

namespace {

// A record touches a page of each of four trees, and a commit writes them whole: pages of half the usual size halve the
// log. 1 MiB of them is plenty for appending at the right edge of a few trees, and keeps the process small.
constexpr const char* kPragmas =
    "PRAGMA page_size = 2048; PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";

}  // namespace

Database::Database(DatabaseOptions options, Db db, WriteLock lock)
    : options_(std::move(options)), db_(std::move(db)), lock_(std::move(lock)) {}

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options, Entropy& entropy) {
  FM_TRY(WriteLock lock, WriteLock::open(options.path + ".lock"));
  FM_TRY_(lock.take(options.lock_wait));
  auto opened = Db::open(options.path, Db::Mode::create);
  if (!opened) {
    lock.give_back();
    return std::move(opened).error();
  }
  std::unique_ptr<Database> database(new Database(options, std::move(*opened), std::move(lock)));
  Result<void> prepared = database->prepare(entropy);
  database->lock_.give_back();
  if (!prepared) return std::move(prepared).error();
  return database;
}

Result<void> Database::prepare(Entropy& entropy) {
  FM_TRY_(db_.exec(kPragmas));
  FM_TRY(const std::int64_t version, db_.integer("PRAGMA user_version"));
  if (version == 0) {
    FM_TRY_(refuse_foreign(db_));
    FM_TRY_(db_.exec("PRAGMA journal_mode = WAL"));
  }
  FM_TRY_(
      db_.exec(options_.durability == Durability::full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  FM_TRY_(migrate(db_));
  FM_TRY(begin_, db_.prepare("BEGIN IMMEDIATE"));
  FM_TRY(commit_, db_.prepare("COMMIT"));
  FM_TRY(rollback_, db_.prepare("ROLLBACK"));

  FM_TRY(Statement find, db_.prepare("SELECT value FROM meta WHERE name = 'device_id'"));
  FM_TRY(bool known, find.step());
  if (known) {
    device_id_ = find.text(0);
    find.reset();
    return {};
  }
  device_id_ = uuid7(SystemClock().now(), entropy);
  FM_TRY(Statement add, db_.prepare("INSERT INTO meta (name, value) VALUES ('device_id', ?)"));
  return add.bind(device_id_).run();
}

Result<void> Database::begin() {
  FM_TRY_(lock_.take(options_.lock_wait));
  if (auto begun = begin_.run(); !begun) {
    lock_.give_back();
    return begun;
  }
  return {};
}

Result<void> Database::end(Result<void> done) {
  if (done) done = commit_.run();
  if (!done) (void)rollback_.run();  // fails where SQLite has rolled back by itself
  lock_.give_back();
  return done;
}

Result<void> Database::tidy(int frames) {
  if (db_.wal_frames() <= frames) return {};
  FM_TRY_(lock_.take(options_.lock_wait));
  Result<void> done = db_.checkpoint();
  lock_.give_back();
  return done;
}

}  // namespace fortium::store
