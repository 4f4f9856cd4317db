// What a person may ask of the queue: how much waits, what, why, and what to do with it.
#include <nlohmann/json.hpp>

#include "fortium/metrics/kind.h"
#include "ledger.h"
#include "sqlite_outbox.h"
#include "sqlite_store.h"

namespace fortium::store {

Result<QueueCounts> count_queue(Database& database, std::int64_t lane, WallTime now) {
  Db& db = database.db();
  QueueCounts counts;
  FM_TRY_(database.read([&]() -> Result<void> {
    FM_TRY(Statement mine, db.prepare("SELECT waiting, lease_until > ? FROM lane WHERE lane = ?"));
    FM_TRY(const bool known, mine.bind(to_ms(now), lane).step());
    if (known) counts.pending = mine.integer(0);
    if (known && mine.integer(1) != 0) counts.leased = counts.pending;
    mine.reset();
    FM_TRY(Statement first, db.prepare("SELECT since FROM outbox WHERE lane = ? ORDER BY place LIMIT 1"));
    FM_TRY(const bool waits, first.bind(lane).step());
    if (waits) counts.oldest = from_ms(first.integer(0));
    first.reset();
    FM_TRY(counts.elsewhere, db.integer("SELECT coalesce(sum(waiting), 0) FROM lane"));
    counts.elsewhere -= counts.pending;
    FM_TRY(counts.failed, db.integer("SELECT count(*) FROM set_aside"));
    FM_TRY(counts.unassigned, db.integer("SELECT coalesce(sum(count), 0) FROM ledger WHERE lane = 0"));
    return {};
  }));
  return counts;
}

Result<QueuePage> list_queue(Database& database, bool failed_only, std::int64_t limit, std::string_view cursor,
                             WallTime now) {
  constexpr std::string_view kAll =
      "SELECT since, id, kind, attempts, NULL AS reason, lane FROM outbox "
      "UNION ALL SELECT since, id, kind, attempts, reason, lane FROM set_aside";
  constexpr std::string_view kFailed = "SELECT since, id, kind, attempts, reason, lane FROM set_aside";
  FM_TRY(Statement list,
         database.db().prepare("SELECT q.since, q.id, q.kind, q.attempts, q.reason, l.lease_until FROM (" +
                               std::string(failed_only ? kFailed : kAll) +
                               ") q LEFT JOIN lane l USING (lane) WHERE (q.since, q.id) > (?, ?) "
                               "ORDER BY q.since, q.id LIMIT ?"));
  // A cursor is "<since>:<id>" of the last entry shown.
  std::int64_t since = INT64_MIN;
  std::string_view id;
  if (!cursor.empty()) {
    const auto colon = cursor.find(':');
    if (colon == cursor.npos) return Error{Errc::invalid, "cursor: must be one that `queue list` gave"};
    since = std::atoll(std::string(cursor.substr(0, colon)).c_str());
    id = cursor.substr(colon + 1);
  }
  QueuePage page;
  list.bind(since, id, limit + 1);
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return page;
    if (static_cast<std::int64_t>(page.entries.size()) == limit) {
      const QueueEntry& last = page.entries.back();
      page.next_cursor = std::to_string(to_ms(last.since)) + ":" + last.id;
      return page;
    }
    const bool failed = !list.is_null(4);
    const bool leased = !failed && list.integer(5) > to_ms(now);
    page.entries.push_back({std::string(list.text(1)), std::string(list.text(2)),
                            failed   ? "failed"
                            : leased ? "leased"
                                     : "pending",
                            static_cast<int>(list.integer(3)), from_ms(list.integer(0)), std::string(list.text(4))});
  }
}

namespace {

Result<std::int64_t> requeue(Database& database, std::string_view id) {
  Db& db = database.db();
  FM_TRY(Statement add,
         db.prepare("INSERT INTO outbox (lane, place, kind, id, since, attempts) SELECT s.lane, "
                    "(SELECT coalesce(max(place), 0) + 1 FROM outbox o WHERE o.lane = s.lane), s.kind, s.id, s.since, "
                    "s.attempts FROM set_aside s WHERE s.id = ?"));
  FM_TRY_(add.bind(id).run());
  const std::int64_t moved = db.changes();
  FM_TRY(Statement gone, db.prepare("DELETE FROM set_aside WHERE id = ?"));
  FM_TRY_(gone.bind(id).run());
  return moved;
}

}  // namespace

Result<std::int64_t> retry_set_aside(Database& database, std::span<const std::string> ids) {
  std::int64_t moved = 0;
  FM_TRY_(database.write([&]() -> Result<void> {
    std::vector<std::string> all(ids.begin(), ids.end());
    if (all.empty()) {
      FM_TRY(Statement list, database.db().prepare("SELECT id FROM set_aside ORDER BY since, id"));
      while (true) {
        FM_TRY(const bool more, list.step());
        if (!more) break;
        all.emplace_back(list.text(0));
      }
    }
    for (const std::string& id : all) {
      FM_TRY(const std::int64_t one, requeue(database, id));
      moved += one;
    }
    return {};
  }));
  return moved;
}

Result<std::int64_t> drop_queued(Database& database, std::span<const std::string> ids) {
  std::int64_t dropped = 0;
  FM_TRY_(database.write([&]() -> Result<void> {
    Db& db = database.db();
    for (const std::string& id : ids) {
      FM_TRY(Statement find, db.prepare("SELECT kind FROM outbox WHERE id = ?1 UNION SELECT kind FROM set_aside "
                                        "WHERE id = ?1"));
      FM_TRY(const bool there, find.bind(id).step());
      if (!there) continue;
      const metrics::Kind* kind = metrics::find_kind(find.text(0));
      find.reset();
      FM_TRY(Statement waiting, db.prepare("DELETE FROM outbox WHERE id = ?"));
      FM_TRY_(waiting.bind(id).run());
      FM_TRY(Statement aside, db.prepare("DELETE FROM set_aside WHERE id = ?"));
      FM_TRY_(aside.bind(id).run());
      if (kind != nullptr) FM_TRY_(move_record(db, *kind, id, kDroppedLane));
      ++dropped;
    }
    return {};
  }));
  return dropped;
}

Result<std::int64_t> adopt_unassigned(Database& database, std::int64_t lane) {
  std::int64_t moved = 0;
  FM_TRY_(database.write([&]() -> Result<void> {
    Db& db = database.db();
    for (const metrics::Kind& kind : metrics::kinds()) {
      const std::string table(kind.name);
      FM_TRY(Statement add,
             db.prepare("INSERT INTO outbox (lane, place, kind, id, since) SELECT ?1, "
                        "(SELECT coalesce(max(place), 0) FROM outbox WHERE lane = ?1) + row_number() OVER "
                        "(ORDER BY recorded_at, id), ?2, id, recorded_at FROM " +
                        table + " WHERE lane = 0"));
      FM_TRY_(add.bind(lane, kind.name).run());
      FM_TRY(const std::int64_t of_this_kind, move_records(db, kind, kNoLane, lane));
      moved += of_this_kind;
    }
    return {};
  }));
  return moved;
}

Result<void> mend_lanes(Database& database, std::int64_t lane, const Destination& destination) {
  FM_TRY(Statement find, database.db().prepare("SELECT lane FROM lane WHERE url = '' AND organization = ? "
                                               "AND credential = ? AND lane <> ?"));
  FM_TRY(const bool there, find.bind(destination.organization, destination.credential, lane).step());
  if (!there) return {};
  const std::int64_t from = find.integer(0);
  find.reset();
  FM_TRY(Statement count, database.db().prepare("SELECT EXISTS (SELECT 1 FROM ledger WHERE lane = ? AND count > 0)"));
  FM_TRY_(count.bind(from).step());
  if (count.integer(0) == 0) return {};  // mended before
  count.reset();
  return database.write([&]() -> Result<void> {
    FM_TRY(Statement move,
           database.db().prepare("UPDATE outbox SET lane = ?1, place = place + "
                                 "(SELECT coalesce(max(place), 0) FROM outbox WHERE lane = ?1) WHERE lane = ?2"));
    FM_TRY_(move.bind(lane, from).run());
    FM_TRY(Statement aside, database.db().prepare("UPDATE set_aside SET lane = ? WHERE lane = ?"));
    FM_TRY_(aside.bind(lane, from).run());
    for (const metrics::Kind& kind : metrics::kinds()) {
      FM_TRY([[maybe_unused]] const std::int64_t moved, move_records(database.db(), kind, from, lane));
    }
    return {};
  });
}

}  // namespace fortium::store
