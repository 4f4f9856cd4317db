// Where a store goes that cannot be used: moved whole, never changed, so that nothing which could be read is lost.
//
// <data>/quarantine/<time>/ holds the database with its log and index as they were, why.txt, and later salvaged.txt:
// what came of bringing its records into the new store. Functions; any thread, inside the write lock of the store.
#pragma once

#include <string>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"
#include "sqlite.h"

namespace fortium::store {

// Moves the store at `path` (metrics.db, -wal, -shm) to a new directory below `dir`. The directory.
Result<std::string> move_to_quarantine(const std::string& path, const std::string& dir, std::string_view why,
                                       WallTime now);

// A log without the database that it belongs to: SQLite would throw it away.
bool is_orphaned_log(const std::string& path);

struct Quarantined {
  std::string dir;
  std::string why;
  std::string salvaged;  // what came of it; empty: not done yet
};
// The oldest first; those whose move was not finished are not among them.
std::vector<Quarantined> list_quarantine(const std::string& dir);
Result<void> note_salvaged(const std::string& dir, std::string_view what);

// A quarantined store as a database, as far as that goes: where the file's header is broken, a copy with a new one.
// Empty where it cannot be read. Not inside anybody's transaction.
Db open_quarantined(const std::string& dir);
// The installation that a quarantined store belongs to, if it can still be told.
std::string device_of(const std::string& dir);

}  // namespace fortium::store
