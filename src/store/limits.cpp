#include "limits.h"

#include "ledger.h"
#include "roll_ups.h"
#include "slices.h"
#include "sqlite_store.h"

namespace fortium::store {

namespace {

constexpr std::int64_t kChunk = 500;  // rows a transaction: a few milliseconds
// A record that is in neither queue was delivered, or is nobody's.
constexpr std::string_view kDispensable =
    " AND (lane <= 0 OR (id NOT IN (SELECT id FROM outbox) AND id NOT IN (SELECT id FROM set_aside)))";

// Deletes up to a chunk of the oldest dispensable records of one kind before `cutoff`.
Result<std::int64_t> drop_oldest(Database& database, const metrics::Kind& kind, WallTime cutoff) {
  std::int64_t dropped = 0;
  const std::string table(kind.name);
  FM_TRY_(database.write([&]() -> Result<void> {
    // The same records both times: nothing else happens in between.
    const std::string which =
        " FROM " + table + " WHERE timestamp < ?" + std::string(kDispensable) + " ORDER BY timestamp, id LIMIT ?";
    FM_TRY(Statement remember, database.db().prepare("INSERT INTO gone (kind, id) SELECT '" + table + "', id" + which +
                                                     " ON CONFLICT DO NOTHING"));
    FM_TRY_(remember.bind(to_ms(cutoff), kChunk).run());
    FM_TRY(Statement thin, database.db().prepare(std::string(kThin) + which));
    FM_TRY_(thin.bind(to_ms(cutoff), kChunk).run());
    // What nobody asked for while it was here is no longer to be had: it is not "made before there was an account".
    FM_TRY(Statement nobodys,
           database.db().prepare("SELECT * FROM (SELECT " + std::string(kMoved) + which + ") WHERE lane = 0"));
    FM_TRY([[maybe_unused]] const std::int64_t moved,
           move_tallies(database.db(), kind, nobodys.bind(to_ms(cutoff), kChunk), kDroppedLane));
    FM_TRY(Statement drop, database.db().prepare("DELETE FROM " + table + " WHERE id IN (SELECT id" + which + ")"));
    FM_TRY_(drop.bind(to_ms(cutoff), kChunk).run());
    dropped = database.db().changes();
    return {};
  }));
  return dropped;
}

// The time before which lies a chunk of the dispensable records of the kind whose chunk is the oldest.
Result<WallTime> oldest_chunk(Db& db, WallTime now) {
  WallTime oldest = now;
  for (const metrics::Kind& kind : metrics::kinds()) {
    FM_TRY(const std::int64_t at,
           db.integer("SELECT max(timestamp) FROM (SELECT timestamp FROM " + std::string(kind.name) + " WHERE true" +
                      std::string(kDispensable) + " ORDER BY timestamp LIMIT " + std::to_string(kChunk) + ")"));
    if (at != 0) oldest = std::min(oldest, from_ms(at + 1));
  }
  return oldest;
}

}  // namespace

Result<std::int64_t> bytes_in_use(Db& db) {
  FM_TRY(const std::int64_t pages, db.integer("PRAGMA page_count"));
  FM_TRY(const std::int64_t free, db.integer("PRAGMA freelist_count"));
  FM_TRY(const std::int64_t size, db.integer("PRAGMA page_size"));
  return (pages - free) * size;
}

Result<std::int64_t> drop_older(Database& database, const metrics::Kind& kind, WallTime before) {
  std::int64_t all = 0, dropped = kChunk;
  while (dropped == kChunk) {
    FM_TRY(dropped, drop_oldest(database, kind, before));
    all += dropped;
  }
  return all;
}

Result<std::int64_t> erase_person(Database& database, std::string_view user_id) {
  std::int64_t erased = 0;
  FM_TRY_(database.write([&]() -> Result<void> {
    for (const metrics::Kind& kind : metrics::kinds()) {
      const std::string table(kind.name);
      FM_TRY(Statement remember, database.db().prepare("INSERT INTO gone (kind, id) SELECT '" + table + "', id FROM " +
                                                       table + " WHERE user_id = ? ON CONFLICT DO NOTHING"));
      FM_TRY_(remember.bind(user_id).run());
      FM_TRY(Statement remove, database.db().prepare("DELETE FROM " + table + " WHERE user_id = ?"));
      FM_TRY_(remove.bind(user_id).run());
      erased += database.db().changes();
    }
    FM_TRY(Statement slices, database.db().prepare("DELETE FROM slice WHERE user_id = ?"));
    FM_TRY_(slices.bind(user_id).run());
    return unfold(database.db(), 0);
  }));
  return erased;
}

Result<std::int64_t> keep_retention_and_size(Database& database, WallTime now, const StoreLimits& limits) {
  const WallTime cutoff = now - std::chrono::days(limits.retention_days);
  for (const metrics::Kind& kind : metrics::kinds()) FM_TRY_(drop_older(database, kind, cutoff));
  FM_TRY(std::int64_t used, bytes_in_use(database.db()));
  while (used > limits.max_bytes) {
    FM_TRY(const WallTime before, oldest_chunk(database.db(), now));
    std::int64_t dropped = 0;
    for (const metrics::Kind& kind : metrics::kinds()) {
      FM_TRY(const std::int64_t one, drop_oldest(database, kind, before));
      dropped += one;
    }
    if (dropped == 0) return used;  // what is left waits to be delivered
    FM_TRY(used, bytes_in_use(database.db()));
  }
  return used;
}

}  // namespace fortium::store
