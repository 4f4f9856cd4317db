#include "ledger.h"

#include <algorithm>

#include "fortium/base/clock.h"

namespace fortium::store {

using metrics::Kind;
using sync::Held;
using sync::Ledger;
using sync::LedgerKey;
using sync::Tally;

namespace {

constexpr std::size_t kChunk = 500;  // rows a transaction: a few milliseconds

// Midnight of "2026-01-02", which this program wrote.
Result<WallTime> begin_of(const std::string& day) { return parse_rfc3339(day + "T00:00:00Z"); }

}  // namespace

Result<void> add_to_ledger(Db& db, const LedgerLine& line, const Tally& tally, std::int64_t last) {
  FM_TRY(Statement get, db.prepare("SELECT count, digest FROM ledger " + std::string(kWhereLine)));
  FM_TRY(const bool known, get.bind(line.session_id, line.day, line.kind, line.device_id, line.lane).step());
  Tally sum = tally;
  if (known) sum.add({get.integer(0), LedgerDigest::from_hex(get.text(1))});
  get.reset();
  FM_TRY(Statement put, db.prepare("INSERT INTO ledger (session_id, day, kind, device_id, lane, count, digest, last) "
                                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = excluded.count, "
                                   "digest = excluded.digest, last = max(last, excluded.last)"));
  return put.bind(line.session_id, line.day, line.kind, line.device_id, line.lane, sum.count, sum.digest.hex(), last)
      .run();
}

Result<std::int64_t> move_tallies(Db& db, const Kind& kind, Statement& rows, std::int64_t to) {
  std::map<LedgerLine, Tally> moved;
  std::int64_t count = 0;
  while (true) {
    FM_TRY(const bool more, rows.step());
    if (!more) break;
    moved[{std::string(rows.text(2)), day_of(from_ms(rows.integer(1))), std::string(kind.name),
           std::string(rows.text(3)), rows.integer(4)}]
        .add(rows.text(0));
    ++count;
  }
  for (const auto& [line, tally] : moved) {
    if (line.lane == to) continue;
    Tally less;
    less.remove(tally);
    FM_TRY_(add_to_ledger(db, line, less));
    LedgerLine there = line;
    there.lane = to;
    FM_TRY_(add_to_ledger(db, there, tally));
  }
  return count;
}

Result<std::int64_t> move_records(Db& db, const Kind& kind, std::int64_t from, std::int64_t to) {
  const std::string table(kind.name);
  FM_TRY(Statement rows, db.prepare("SELECT " + std::string(kMoved) + " FROM " + table + " WHERE lane = ?"));
  FM_TRY(const std::int64_t moved, move_tallies(db, kind, rows.bind(from), to));
  FM_TRY(Statement mark, db.prepare("UPDATE " + table + " SET lane = ? WHERE lane = ?"));
  FM_TRY_(mark.bind(to, from).run());
  return moved;
}

Result<void> move_record(Db& db, const Kind& kind, std::string_view id, std::int64_t to) {
  const std::string table(kind.name);
  FM_TRY(Statement rows, db.prepare("SELECT " + std::string(kMoved) + " FROM " + table + " WHERE id = ?"));
  FM_TRY(const std::int64_t moved, move_tallies(db, kind, rows.bind(id), to));
  if (moved == 0) return {};
  FM_TRY(Statement mark, db.prepare("UPDATE " + table + " SET lane = ? WHERE id = ?"));
  return mark.bind(to, id).run();
}

Result<Ledger> SqliteLedger::tallies(const sync::Days& days) {
  Ledger ledger;
  FM_TRY(Statement rows, database_.db().prepare("SELECT day, kind, count, digest FROM ledger WHERE day BETWEEN ? AND ? "
                                                "AND device_id = ? AND lane = ? AND count > 0"));
  rows.bind(days.from, days.to, database_.device_id(), lane_);
  while (true) {
    FM_TRY(const bool more, rows.step());
    if (!more) return ledger;
    if (const Kind* kind = metrics::find_kind(rows.text(1)); kind != nullptr)
      ledger[{std::string(rows.text(0)), metrics::index_of(*kind)}].add(
          {rows.integer(2), LedgerDigest::from_hex(rows.text(3))});
  }
}

Result<SqliteLedger::Undelivered> SqliteLedger::undelivered() {
  Undelivered both;
  FM_TRY_(database_.read([&]() -> Result<void> {
    FM_TRY(both.waiting, tallies_of("outbox"));
    FM_TRY(both.set_aside, tallies_of("set_aside"));
    return {};
  }));
  return both;
}

Result<Ledger> SqliteLedger::tallies_of(const std::string& queue) {
  Ledger ledger;
  for (const Kind& kind : metrics::kinds()) {
    // DISTINCT: a record may have two places, when it was queued again by two at once.
    FM_TRY(Statement rows, database_.db().prepare("SELECT DISTINCT r.id, r.timestamp FROM " + queue + " q CROSS JOIN " +
                                                  std::string(kind.name) +
                                                  " r ON r.id = q.id WHERE q.lane = ? AND q.kind = ? "
                                                  "AND r.device_id = ?"));
    rows.bind(lane_, kind.name, database_.device_id());
    while (true) {
      FM_TRY(const bool more, rows.step());
      if (!more) break;
      ledger[{day_of(from_ms(rows.integer(1))), metrics::index_of(kind)}].add(rows.text(0));
    }
  }
  return ledger;
}

Result<SqliteLedger::Row> SqliteLedger::row(const LedgerKey& key) {
  Row row;
  FM_TRY(const WallTime begin, begin_of(key.day));
  const std::string kind(metrics::kinds()[key.kind].name);
  FM_TRY_(database_.read([&]() -> Result<void> {
    FM_TRY(const Ledger one, tallies({key.day, key.day}));
    if (const auto at = one.find(key); at != one.end()) row.recorded = at->second;
    FM_TRY(Statement rows,
           database_.db().prepare("SELECT id, id IN (SELECT id FROM outbox WHERE lane = ?1 AND kind = ?2), "
                                  "id IN (SELECT id FROM set_aside WHERE kind = ?2) FROM " +
                                  kind + " WHERE timestamp >= ?3 AND timestamp < ?4 AND device_id = ?5 AND lane = ?1"));
    rows.bind(lane_, kind, to_ms(begin), to_ms(begin + std::chrono::days(1)), database_.device_id());
    while (true) {
      FM_TRY(const bool more, rows.step());
      if (!more) return {};
      row.held.push_back({std::string(rows.text(0)), rows.integer(1) != 0   ? Held::State::waiting
                                                     : rows.integer(2) != 0 ? Held::State::set_aside
                                                                            : Held::State::delivered});
    }
  }));
  return row;
}

Result<std::vector<bool>> SqliteLedger::known(std::size_t kind, std::span<const std::string> ids) {
  const std::string name(metrics::kinds()[kind].name);
  FM_TRY(Statement find, database_.db().prepare("SELECT EXISTS (SELECT 1 FROM " + name +
                                                " WHERE id = ?1) OR EXISTS (SELECT 1 FROM gone WHERE kind = ?2 AND "
                                                "id = ?1)"));
  std::vector<bool> known;
  for (const std::string& id : ids) {
    FM_TRY_(find.bind(id, name).step());
    known.push_back(find.integer(0) != 0);
  }
  return known;
}

Result<std::int64_t> queue_again(Database& database, std::int64_t lane, const Kind& kind,
                                 std::span<const std::string> ids) {
  std::int64_t queued = 0;
  Db& db = database.db();
  FM_TRY(Statement add, db.prepare("INSERT INTO outbox (lane, place, kind, id, since) SELECT ?1, "
                                   "(SELECT coalesce(max(place), 0) + 1 FROM outbox WHERE lane = ?1), ?2, id, "
                                   "recorded_at FROM " +
                                   std::string(kind.name) + " WHERE id = ?3 AND lane = ?1"));
  while (!ids.empty()) {
    const auto chunk = ids.first(std::min(ids.size(), kChunk));
    ids = ids.subspan(chunk.size());
    FM_TRY_(database.write([&]() -> Result<void> {
      for (const std::string& id : chunk) {
        FM_TRY_(add.bind(lane, kind.name, id).run());
        queued += db.changes();
      }
      return {};
    }));
  }
  return queued;
}

}  // namespace fortium::store
