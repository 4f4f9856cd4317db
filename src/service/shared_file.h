// A small SQLite file of the service's own tables, shared by its processes: `serve` and the commands beside it.
//
// The same rule as for the store of records: every write transaction and every checkpoint runs inside the write lock.
// One instance belongs to one thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "store/database.h"

namespace fortium::service {

class SharedFile {
 public:
  // `steps`: the SQL that brings the file from version i to i + 1. A file of a newer version is left untouched.
  static Result<std::unique_ptr<SharedFile>> open(const std::string& path, store::Durability durability,
                                                  std::span<const std::string_view> steps);

  // Everything `work` does is one transaction: committed when it returns ok, undone when not.
  template <class Work>
  Result<void> write(Work&& work) {
    FM_TRY_(lock_.take(kLockWait));
    Result<void> done = db_.exec("BEGIN IMMEDIATE");
    if (done) {
      done = work();
      if (done) done = db_.exec("COMMIT");
      if (!done) (void)db_.exec("ROLLBACK");  // fails where SQLite has rolled back by itself
    }
    lock_.give_back();
    return done;
  }
  store::Db& db() { return db_; }
  // Moves a grown log into the file: not on the path of an answer.
  Result<void> tidy();

 private:
  static constexpr Millis kLockWait{5'000};
  SharedFile(store::Db db, store::WriteLock lock) : db_(std::move(db)), lock_(std::move(lock)) {}
  Result<void> prepare(store::Durability durability, std::span<const std::string_view> steps);

  store::Db db_;
  store::WriteLock lock_;
};

}  // namespace fortium::service
