#include "database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "fortium/base/files.h"
#include "migrations.h"
#include "quarantine.h"

namespace fortium::store {

namespace {

// 1 MiB of pages is plenty for appending at the right edge of a few trees, and keeps the process small. A log that had
// to grow, because somebody read from it for long, is cut back to 32 MiB when it begins anew: that much it may hold on
// any busy day (kMostFrames of sqlite_outbox.cpp).
const std::string kPragmas = "PRAGMA page_size = " + std::to_string(kPageBytes) +
                             "; PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; "
                             "PRAGMA journal_size_limit = 33554432;";

// Who made the directories may have been killed before their names were synced, and nobody can see that.
void sync_way_to(const std::string& path) {
  std::error_code error;
  std::filesystem::path dir = std::filesystem::absolute(path, error).parent_path();
  for (; !error && dir.has_relative_path(); dir = dir.parent_path()) (void)sync_dir(dir.parent_path());
}

}  // namespace

Database::Database(DatabaseOptions options, WriteLock lock)
    : options_(std::move(options)), lock_(std::move(lock)), unsynced_(options_.path + ".unsynced") {}

Database::~Database() {
  if (log_ >= 0) ::close(log_);
}

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options, Entropy& entropy) {
  FM_TRY(WriteLock lock, WriteLock::open(options.path + ".lock"));
  FM_TRY_(lock.take(options.lock_wait));
  std::unique_ptr<Database> database(new Database(options, std::move(lock)));
  Result<void> opened = database->open_locked(entropy);
  if (!opened && opened.error().code == Errc::corrupt && !options.quarantine.empty()) {
    opened = database->move_away(opened.error().what);
    if (opened) opened = database->open_locked(entropy);
  }
  database->lock_.give_back();
  if (!opened) return std::move(opened).error();
  return database;
}

Result<void> Database::open_locked(Entropy& entropy) {
  if (is_orphaned_log(options_.path)) return Error{Errc::corrupt, "the store is gone, and its log was left behind"};
  FM_TRY(db_, Db::open(options_.path, Db::Mode::create));
  Result<void> prepared = prepare(entropy);
  if (prepared) prepared = trust_log();
  if (prepared && options_.durability == Durability::deferred) prepared = defer_syncs();
  if (!prepared) {
    note_failure(prepared.error());
    return prepared;
  }
  generation_ = lock_.generation();
  return {};
}

Result<void> Database::move_away(std::string_view why) {
  for (Statement* statement : {&begin_, &commit_, &rollback_}) *statement = Statement();
  db_ = Db();
  FM_TRY(moved_to_, move_to_quarantine(options_.path, options_.quarantine, why, SystemClock().now()));
  lock_.next_generation();
  return {};
}

Result<void> Database::condemn(std::string_view why) {
  FM_TRY_(lock_.take(options_.lock_wait));
  Result<void> done = replaced() || options_.quarantine.empty() ? Result<void>() : move_away(why);
  lock_.give_back();
  return done;
}

bool Database::vanished() {
  struct stat info {};
  if (::lstat(options_.path.c_str(), &info) != 0) return errno == ENOENT || errno == ENOTDIR;
  if (!inode_) inode_ = info.st_ino;
  return *inode_ != info.st_ino;
}

Result<void> Database::prepare(Entropy& entropy) {
  FM_TRY_(db_.exec(kPragmas));
  FM_TRY(const std::int64_t version, db_.integer("PRAGMA user_version"));
  if (version == 0) {
    FM_TRY_(refuse_foreign(db_));
    sync_way_to(options_.path);
  }
  const bool network = !network_file_system(options_.path).empty();
  if (version <= kSchemaVersion) FM_TRY_(choose_journal(network));
  const char* const full = network ? "PRAGMA synchronous = EXTRA" : "PRAGMA synchronous = FULL";
  FM_TRY_(db_.exec(options_.durability == Durability::normal ? "PRAGMA synchronous = NORMAL" : full));
  FM_TRY_(migrate(db_, options_.layout));
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
  if (!options_.quarantine.empty())
    for (const Quarantined& before : list_quarantine(options_.quarantine))
      if (std::string device = device_of(before.dir); !device.empty()) device_id_ = std::move(device);
  if (device_id_.empty()) device_id_ = uuid7(SystemClock().now(), entropy);
  FM_TRY(Statement add, db_.prepare("INSERT INTO meta (name, value) VALUES ('device_id', ?)"));
  return add.bind(device_id_).run();
}

Result<void> Database::choose_journal(bool network) {
  if (!network) return db_.exec("PRAGMA journal_mode = WAL");
  // While somebody has the file open with a log, it keeps the log: not this time, then.
  (void)db_.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE");
  return db_.exec("PRAGMA busy_timeout = " + std::to_string(kBusyMs));
}

// Where there is no log, a commit goes on to be durable when it returns.
Result<void> Database::defer_syncs() {
  FM_TRY(Statement mode, db_.prepare("PRAGMA journal_mode"));
  FM_TRY_(mode.step());
  if (mode.text(0) != "wal") return {};
  mode.reset();
  const std::string log = options_.path + "-wal";
  log_ = ::open(log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (log_ < 0) return file_error("open", log);
  return db_.exec("PRAGMA synchronous = NORMAL");
}

Result<void> Database::sync() {
  if (log_ < 0) return {};
  // What an earlier sync could not bring to the disk lies before ours in the log, and is not tried again.
  if (unsure_) return Error{Errc::unavailable, "the log of the store could not be synced"};
  if (::fdatasync(log_) == 0) return {};
  Error error = file_error("sync", options_.path + "-wal");
  doubt_log();
  return error;
}

Result<void> Database::begin() {
  FM_TRY_(lock_.take(options_.lock_wait));
  if (replaced()) {
    lock_.give_back();
    return Error{Errc::conflict, "the store was damaged and has been replaced: it is opened again"};
  }
  Result<void> begun = unsure_ ? trust_log() : Result<void>();
  if (begun) begun = begin_.run();
  if (!begun) lock_.give_back();
  return begun;
}

Result<void> Database::end(Result<void> done) {
  if (done) done = commit_.run();
  if (!done) {
    (void)rollback_.run();  // fails where SQLite has rolled back by itself
    note_failure(done.error());
  }
  lock_.give_back();
  return done;
}

// Inside the lock. Any error of the file layer may have been that of a sync.
void Database::note_failure(const Error& error) {
  if (error.code != Errc::unavailable) return;
  if (const auto version = db_.integer("PRAGMA user_version"); version && *version > kSchemaVersion) return;
  doubt_log();
}

// Any thread.
void Database::doubt_log() {
  unsure_ = true;
  const int fd = ::open(unsynced_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) ::close(fd);
}

// Inside the lock.
Result<void> Database::trust_log() {
  if (!unsure_ && ::access(unsynced_.c_str(), F_OK) != 0) return {};
  FM_TRY_(db_.empty_log());
  ::unlink(unsynced_.c_str());
  unsure_ = false;
  return {};
}

Result<void> Database::leave(int frames) {
  if (db_.wal_frames() <= frames) return {};
  FM_TRY_(lock_.take(options_.lock_wait));
  Result<void> done = replaced() ? Result<void>() : db_.empty_log(Millis(0));
  lock_.give_back();
  return done;
}

Result<void> Database::tidy(int frames) {
  if (db_.wal_frames() <= frames) return {};
  FM_TRY_(lock_.take(options_.lock_wait));
  Result<void> done = replaced() ? Result<void>() : db_.checkpoint();
  lock_.give_back();
  return done;
}

}  // namespace fortium::store
