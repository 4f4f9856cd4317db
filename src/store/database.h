// The store's file: opened, brought to our version, and written to by one writer at a time.
//
// `full` durability: a commit has reached the disk when it returns. `normal`: it survives the end of the process, not a
// power loss. `deferred`: the same, until sync() has returned ok. One instance belongs to one thread, but for sync();
// any number of processes share the file.
//
// After a sync that failed, the system takes the pages for clean although the disk never got them: a commit behind them
// in the log would be lost with them. So the log is emptied into the file before anything else is committed. Where that
// does not work at once, a file beside the store (`metrics.db.unsynced`) tells every later connection.
//
// Where other machines may write to the file, too (NFS and its like), memory is not shared, and a log like ours may be
// torn: there the file has a rollback journal instead, whose end is the commit. Slower, and a reader may hold up a
// writer, who then keeps its records in the spool. A file that comes from such a place, or goes to one, changes over
// when it is opened and nobody else has it open.
//
// Fixed bugs: records acknowledged after a failed sync were lost with the power.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "migrations.h"
#include "sqlite.h"
#include "write_lock.h"

namespace fortium::store {

// Of the files that this program makes. A record touches a page of each of three trees, and a commit writes them whole:
// pages of half the usual size halve the log.
constexpr int kPageBytes = 2'048;

enum class Durability { full, normal, deferred };

struct DatabaseOptions {
  std::string path;
  Durability durability = Durability::full;
  Millis lock_wait{5'000};
  // Where a file goes that is damaged or no store of ours, so that a new one can be begun. Empty: it stays, and opening
  // it is an error.
  std::string quarantine = "";
  Layout layout = Layout::by_id;  // of a file that is made
};

class Database {
 public:
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  // Makes the file (0600 by the program's umask) and its tables where they are missing. unavailable: it is of a newer
  // version, and left untouched.
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options, Entropy& entropy);

  // A damaged file was moved to this directory when the store was opened; empty: none was.
  const std::string& moved_to() const { return moved_to_; }
  // The file was found to be damaged while it was used: it goes to the quarantine, unless another process has done that
  // meanwhile. This instance is of no use afterwards.
  Result<void> condemn(std::string_view why);
  // Another process has moved the file away and begun a new one. Costs nothing.
  bool replaced() const { return lock_.generation() != generation_; }
  // Nobody could find this file any more: its directory was removed, or another file is in its place.
  bool vanished();

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

  // With `deferred` durability: whatever was committed before has reached the disk when this returns ok. Any thread,
  // also while another one writes the next transaction.
  Result<void> sync();

  Db& db() { return db_; }
  const std::string& device_id() const { return device_id_; }
  const std::string& path() const { return options_.path; }

  // Moves the log into the database file when it has grown beyond `frames`. A few milliseconds: not on the path of a
  // reply.
  Result<void> tidy(int frames);
  // The same before a program ends, and the log is empty afterwards if nobody else uses it: which of its frames were
  // moved is not known to the next program, which would read and move all of them again.
  Result<void> leave(int frames);

 private:
  Database(DatabaseOptions options, WriteLock lock);
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
  Result<void> open_locked(Entropy& entropy);
  void note_failure(const Error& error);
  void doubt_log();
  Result<void> trust_log();
  Result<void> prepare(Entropy& entropy);
  Result<void> choose_journal(bool network);
  Result<void> defer_syncs();
  Result<void> move_away(std::string_view why);

  const DatabaseOptions options_;
  Db db_;
  WriteLock lock_;
  unsigned generation_ = 0;
  Statement begin_, commit_, rollback_;
  std::string device_id_;
  std::string moved_to_;
  std::optional<std::uint64_t> inode_;  // of the file, from when it was first looked for
  const std::string unsynced_;          // the file that tells others
  std::atomic<bool> unsure_ = false;
  int log_ = -1;  // for sync(); none where a commit is durable when it returns
};

}  // namespace fortium::store
