// SQLite with C++ lifetimes: a connection, a prepared statement. The only header of the house that stands for
// sqlite3.h.
//
// Errors carry SQLite's code mapped to Errc and its message, never a bound value. A connection and its statements
// belong to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"
#include "fortium/schema/check.h"

struct sqlite3;
struct sqlite3_stmt;

namespace fortium::store {

class Db;
class Prepared;

// What SQLite says, on one line of ASCII: it may quote a damaged file.
std::string printable(std::string_view text);

// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

// Prepared once, run often. Binding starts a new run.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  explicit operator bool() const { return handle_ != nullptr; }

  // run("text", 3, 1.5, nullopt): binds from the first parameter on, and forgets what was bound before.
  template <class... Args>
  Statement& bind(const Args&... args) {
    reset();
    int index = 0;
    (bind_one(++index, args), ...);
    return *this;
  }
  // Binds, runs and forgets, without a copy of the texts: for statements without rows.
  template <class... Args>
  Result<void> run_with(const Args&... args) {
    int index = 0;
    (borrow(++index, args), ...);
    Result<void> done = run();
    reset();
    return done;
  }
  Statement& bind_row(const schema::Row& row);
  Statement& bind_at(int index, std::string_view text);
  Statement& bind_at(int index, std::int64_t number);
  Statement& bind_at(int index, Blob blob);

  // True: there is a row. False: done, and reset.
  Result<bool> step();
  // For statements without rows.
  Result<void> run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;  // until the next step
  std::string_view blob(int column) const;  // the same
  bool is_null(int column) const;
  schema::Value value(int column) const;
  int columns() const;
  void reset();

 private:
  friend class Db;
  void bind_one(int index, std::int64_t number);
  void bind_one(int index, int number) { bind_one(index, static_cast<std::int64_t>(number)); }
  void bind_one(int index, bool flag) { bind_one(index, static_cast<std::int64_t>(flag)); }
  void bind_one(int index, double number);
  void bind_one(int index, std::string_view text);
  void bind_one(int index, const char* text) { bind_one(index, std::string_view(text)); }
  void bind_one(int index, const std::string& text) { bind_one(index, std::string_view(text)); }
  void bind_one(int index, std::nullopt_t);
  template <class T>
  void bind_one(int index, const std::optional<T>& maybe) {
    if (maybe)
      bind_one(index, *maybe);
    else
      bind_one(index, std::nullopt);
  }

  void borrow(int index, std::string_view text);
  void borrow(int index, const std::string& text) { borrow(index, std::string_view(text)); }
  void borrow(int index, Blob blob);
  void borrow(int index, std::int64_t number) { bind_one(index, number); }

  sqlite3_stmt* handle_ = nullptr;
  std::shared_ptr<Prepared> home_;  // where it goes in the end
};

// SQLite's own locks; our write lock comes first and waits by its own limit.
constexpr int kBusyMs = 5'000;

class Db {
 public:
  Db() = default;
  Db(Db&& other) noexcept;
  Db& operator=(Db&& other) noexcept;
  ~Db();

  explicit operator bool() const { return handle_ != nullptr; }

  enum class Mode { create, existing };
  static Result<Db> open(const std::string& path, Mode mode);

  // To prepare costs tens of microseconds, so what is no longer used is kept for who asks for the same text again.
  Result<Statement> prepare(std::string_view sql);
  Result<void> exec(const std::string& sql);
  Result<std::int64_t> integer(std::string_view sql);  // first column of the first row; 0 without a row
  std::int64_t changes() const;
  // Changes whenever anything was committed, by whomever; what others committed shows once a transaction has begun.
  unsigned data_version() const;
  // Frames in the write-ahead log after the newest commit of this connection.
  int wal_frames() const { return *wal_frames_; }
  // Moves what it can from the log to the database file without waiting for readers.
  Result<void> checkpoint();
  // Brings to the disk what checkpoints have put into the database file: where one of them left something in the log,
  // or somebody reads from there, it has not done so itself.
  Result<void> sync_file();
  // Moves all of it, and leaves an empty log. busy: somebody still reads from it, after that wait.
  Result<void> empty_log(Millis wait = Millis(5'000));

  // While one lives, whatever this connection runs asks `go_on` every few milliseconds; `no` ends it with `cancelled`.
  // `go_on` must not use the connection, and must outlive this. Without a function nobody is asked.
  class Watch {
   public:
    Watch(Db& db, const std::function<bool()>& go_on);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    sqlite3* const handle_;
  };

 private:
  sqlite3* handle_ = nullptr;
  std::shared_ptr<Prepared> prepared_;
  std::unique_ptr<int> wal_frames_ = std::make_unique<int>(0);
};

}  // namespace fortium::store
