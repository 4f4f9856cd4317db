#include "sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "wal_vfs.h"

namespace fortium::store {

namespace {

constexpr std::size_t kMostWords = 300;  // of a message that may quote what stands in a damaged file

Errc code_of(int sqlite_code) {
  switch (sqlite_code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return Errc::busy;
    case SQLITE_FULL: return Errc::full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA: return Errc::corrupt;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOMEM:
    case SQLITE_NOLFS: return Errc::unavailable;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG: return Errc::invalid;
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT: return Errc::cancelled;
    default: return Errc::internal;
  }
}

Error error_of(sqlite3* handle) {
  return {code_of(sqlite3_extended_errcode(handle)), "SQLite: " + printable(sqlite3_errmsg(handle))};
}

// The way to the store may lead over links, as that to many a home does; the file itself must not be one (NOFOLLOW).
std::string without_links_on_the_way(const std::string& path) {
  const std::filesystem::path given(path);
  std::error_code error;
  const auto folder = std::filesystem::canonical(given.has_parent_path() ? given.parent_path() : ".", error);
  return error ? path : (folder / given.filename()).string();
}

int remember_frames(void* frames, sqlite3* /*db*/, const char* /*name*/, int count) {
  *static_cast<int*>(frames) = count;
  return SQLITE_OK;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMostWords));
  for (char& c : out)
    if (c < 0x20 || c > 0x7E) c = '?';
  return out;
}

// Statements that are not used, the newest last.
class Prepared {
 public:
  Prepared() = default;
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  ~Prepared() { close(); }

  // nullptr: there is none of this text.
  sqlite3_stmt* take(std::string_view sql) {
    const auto at = std::ranges::find(idle_, sql, [](sqlite3_stmt* one) { return std::string_view(sqlite3_sql(one)); });
    if (at == idle_.end()) return nullptr;
    sqlite3_stmt* const found = *at;
    idle_.erase(at);
    return found;
  }
  void give(sqlite3_stmt* statement) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    idle_.push_back(statement);
    if (idle_.size() <= most_) return;
    sqlite3_finalize(idle_.front());
    idle_.erase(idle_.begin());
  }
  // Whatever is given from now on is not kept.
  void close() {
    for (sqlite3_stmt* one : std::exchange(idle_, {})) sqlite3_finalize(one);
    most_ = 0;
  }

 private:
  static constexpr std::size_t kMost = 16;  // ten thousand bytes each
  std::vector<sqlite3_stmt*> idle_;
  std::size_t most_ = kMost;
};

Statement::Statement(Statement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), home_(std::move(other.home_)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(home_, other.home_);
  return *this;
}

Statement::~Statement() {
  if (handle_ != nullptr) home_->give(handle_);
}

void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

void Statement::bind_one(int index, std::int64_t number) { sqlite3_bind_int64(handle_, index, number); }
void Statement::bind_one(int index, double number) { sqlite3_bind_double(handle_, index, number); }
void Statement::bind_one(int index, std::nullopt_t) { sqlite3_bind_null(handle_, index); }
void Statement::bind_one(int index, std::string_view text) {
  // Copied by SQLite, so that a caller's temporary may end before the step.
  sqlite3_bind_text64(handle_, index, text.data() != nullptr ? text.data() : "", text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
}
void Statement::borrow(int index, std::string_view text) {
  sqlite3_bind_text64(handle_, index, text.data() != nullptr ? text.data() : "", text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
}

void Statement::borrow(int index, Blob blob) {
  // Without an address it would be NULL.
  sqlite3_bind_blob64(handle_, index, blob.bytes.empty() ? "" : blob.bytes.data(), blob.bytes.size(), SQLITE_STATIC);
}

Statement& Statement::bind_row(const schema::Row& row) {
  reset();
  for (std::size_t i = 0; i < row.size(); ++i) {
    const int index = static_cast<int>(i) + 1;
    if (const auto* number = std::get_if<std::int64_t>(&row[i]))
      bind_one(index, *number);
    else if (const auto* real = std::get_if<double>(&row[i]))
      bind_one(index, *real);
    else if (const auto* text = std::get_if<std::string>(&row[i]))
      borrow(index, *text);  // the row outlives the step
  }
  return *this;
}

Statement& Statement::bind_at(int index, std::string_view text) {
  bind_one(index, text);
  return *this;
}

Statement& Statement::bind_at(int index, std::int64_t number) {
  bind_one(index, number);
  return *this;
}

Statement& Statement::bind_at(int index, Blob blob) {
  sqlite3_bind_blob64(handle_, index, blob.bytes.empty() ? "" : blob.bytes.data(), blob.bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_);
    return false;
  }
  Error error = error_of(sqlite3_db_handle(handle_));
  sqlite3_reset(handle_);
  return error;
}

Result<void> Statement::run() {
  FM_TRY(const bool row, step());
  if (row) sqlite3_reset(handle_);
  return {};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
double Statement::real(int column) const { return sqlite3_column_double(handle_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return text != nullptr ? std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column)))
                         : std::string_view();
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return bytes != nullptr ? std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column)))
                          : std::string_view();
}

int Statement::columns() const { return sqlite3_column_count(handle_); }

schema::Value Statement::value(int column) const {
  switch (sqlite3_column_type(handle_, column)) {
    case SQLITE_INTEGER: return integer(column);
    case SQLITE_FLOAT: return real(column);
    case SQLITE_TEXT: return std::string(text(column));
    default: return {};
  }
}

Db::Db(Db&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      prepared_(std::move(other.prepared_)),
      wal_frames_(std::move(other.wal_frames_)) {}

Db& Db::operator=(Db&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(prepared_, other.prepared_);
  std::swap(wal_frames_, other.wal_frames_);
  return *this;
}

Db::~Db() {
  if (prepared_) prepared_->close();
  sqlite3_close_v2(handle_);
}

Result<Db> Db::open(const std::string& path, Mode mode) {
  Db db;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                    (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(without_links_on_the_way(path).c_str(), &db.handle_, flags, wal_vfs());
  if (code != SQLITE_OK) {
    Error error = db.handle_ != nullptr ? error_of(db.handle_) : Error{code_of(code), sqlite3_errstr(code)};
    error.what += " (" + path + ")";
    return error;
  }
  db.prepared_ = std::make_shared<Prepared>();
  sqlite3_extended_result_codes(db.handle_, 1);
  sqlite3_busy_timeout(db.handle_, kBusyMs);
  // Every checkpoint is ours, inside the write lock; also not the one that SQLite makes when the last one closes.
  sqlite3_wal_hook(db.handle_, remember_frames, db.wal_frames_.get());
  sqlite3_db_config(db.handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return db;
}

Result<Statement> Db::prepare(std::string_view sql) {
  Statement statement;
  statement.home_ = prepared_;
  if ((statement.handle_ = prepared_->take(sql)) != nullptr) return statement;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement.handle_, nullptr);
  if (code != SQLITE_OK) return error_of(handle_);
  return statement;
}

Result<void> Db::exec(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error_of(handle_);
  return {};
}

Result<std::int64_t> Db::integer(std::string_view sql) {
  FM_TRY(Statement statement, prepare(sql));
  FM_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

std::int64_t Db::changes() const { return sqlite3_changes64(handle_); }

unsigned Db::data_version() const {
  unsigned version = 0;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_DATA_VERSION, &version);
  return version;
}

Db::Watch::Watch(Db& db, const std::function<bool()>& go_on) : handle_(go_on ? db.handle_ : nullptr) {
  constexpr int kInstructions = 200'000;  // of SQLite's machine: a few milliseconds
  const auto ask = [](void* question) { return (*static_cast<const std::function<bool()>*>(question))() ? 0 : 1; };
  if (handle_ != nullptr)
    sqlite3_progress_handler(handle_, kInstructions, ask, const_cast<std::function<bool()>*>(&go_on));
}

Db::Watch::~Watch() {
  if (handle_ != nullptr) sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
}

Result<void> Db::checkpoint() {
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK && code != SQLITE_BUSY) return error_of(handle_);
  *wal_frames_ = 0;
  return {};
}

Result<void> Db::sync_file() {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  const int code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (code != SQLITE_OK) return Error{code_of(code), sqlite3_errstr(code)};
  return {};
}

Result<void> Db::empty_log(Millis wait) {
  sqlite3_busy_timeout(handle_, static_cast<int>(wait.count()));
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  Result<void> done;
  if (code != SQLITE_OK) done = error_of(handle_);
  sqlite3_busy_timeout(handle_, kBusyMs);
  if (done) *wal_frames_ = 0;
  return done;
}

}  // namespace fortium::store
