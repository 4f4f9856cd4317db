// The store's file: opened, brought to our version, and written to by one writer at a time.
//
// `full` durability: a commit has reached the disk when it returns. `normal`: it survives the end of the process, not a
// power loss. One instance belongs to one thread; any number of processes share the file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "sqlite.h"
#include "write_lock.h"

namespace fortium::store {

enum class Durability { full, normal };

struct DatabaseOptions {
  std::string path;
  Durability durability = Durability::full;
  Millis lock_wait{5'000};
};

class Database {
 public:
  // Makes the file (0600 by the program's umask) and its tables where they are missing.
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options, Entropy& entropy);

  // Everything `work` does is one transaction inside the write lock: committed when it returns ok, undone when not.
  template <class Work>
  Result<void> write(Work&& work) {
    FM_TRY_(begin());
    Ending ending{*this};  // also when an exception passes
    ending.done = work();
    return ending.end();
  }
  // Everything that `work` reads is of one moment.
  template <class Work>
  Result<void> read(Work&& work) {
    FM_TRY_(db_.exec("BEGIN"));
    struct Close {
      Db& db;
      ~Close() { (void)db.exec("COMMIT"); }
    } close{db_};
    return work();
  }

  Db& db() { return db_; }
  const std::string& device_id() const { return device_id_; }
  const std::string& path() const { return options_.path; }

  // Moves the log into the database file when it has grown beyond `frames`. A few milliseconds: not on the path of a
  // reply.
  Result<void> tidy(int frames);

 private:
  Database(DatabaseOptions options, Db db, WriteLock lock);
  struct Ending {
    Database& database;
    Result<void> done = Error{Errc::internal, "the transaction was left early"};
    bool open = true;

    Result<void> end() {
      open = false;
      return database.end(std::move(done));
    }
    ~Ending() {
      if (open) (void)database.end(std::move(done));
    }
  };

  Result<void> begin();
  Result<void> end(Result<void> done);
  Result<void> prepare(Entropy& entropy);

  const DatabaseOptions options_;
  Db db_;
  WriteLock lock_;
  Statement begin_, commit_, rollback_;
  std::string device_id_;
};

}  // namespace fortium::store
