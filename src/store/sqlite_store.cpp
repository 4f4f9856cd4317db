#include "sqlite_store.h"

#include "fortium/schema/sql.h"

namespace fortium::store {

using metrics::Event;
using metrics::Kind;
using metrics::Stored;

metrics::Event event_of(const Statement& statement, const Kind& kind) {
  Event event{&kind, schema::Row(kind.shape.size())};
  for (std::size_t i = 0; i < event.row.size(); ++i) event.row[i] = statement.value(static_cast<int>(i));
  return event;
}

Result<Event> read_event(Db& db, const Kind& kind, std::string_view id) {
  FM_TRY(Statement find, db.prepare(schema::select_from(kind.name, kind.shape) + " WHERE id = ?"));
  FM_TRY(const bool found, find.bind(id).step());
  if (!found) return Error{Errc::not_found, "no " + std::string(kind.name) + " has this id"};
  return event_of(find, kind);
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(Database& database, std::int64_t lane) {
  std::unique_ptr<SqliteStore> store(new SqliteStore(database, lane));
  FM_TRY_(store->prepare());
  return store;
}

Result<void> SqliteStore::prepare() {
  Db& db = database_.db();
  insert_.resize(metrics::kinds().size());
  find_.resize(metrics::kinds().size());
  FM_TRY(get_seq_, db.prepare("SELECT last FROM session_seq WHERE session_id = ?"));
  FM_TRY(put_seq_, db.prepare("INSERT INTO session_seq (session_id, last) VALUES (?, ?) "
                              "ON CONFLICT DO UPDATE SET last = excluded.last"));
  FM_TRY(last_place_, db.prepare("SELECT max(place) FROM outbox WHERE lane = ?"));
  FM_TRY(enqueue_, db.prepare("INSERT INTO outbox (lane, place, kind, id, since) VALUES (?, ?, ?, ?, ?)"));
  FM_TRY(get_ledger_, db.prepare("SELECT count, digest FROM ledger WHERE day = ? AND kind = ? AND device_id = ?"));
  FM_TRY(put_ledger_, db.prepare("INSERT INTO ledger (day, kind, device_id, count, digest) VALUES (?, ?, ?, ?, ?) "
                                 "ON CONFLICT DO UPDATE SET count = excluded.count, digest = excluded.digest"));
  return {};
}

Result<std::vector<Stored>> SqliteStore::append(std::span<Event> events) {
  std::vector<Stored> stored;
  stored.reserve(events.size());
  std::vector<Event*> numbered, named;  // whose seq, whose device_id is filled in here
  for (Event& event : events) {
    if (!event.has(metrics::kSeq)) numbered.push_back(&event);
    if (!event.has(metrics::kDeviceId)) named.push_back(&event);
  }
  Result<void> done = database_.write([&]() -> Result<void> {
    Pending pending;
    for (Event& event : events) {
      FM_TRY(const Stored one, add(event, pending));
      stored.push_back(one);
    }
    return finish(pending);
  });
  if (done) return stored;
  // Nothing was kept: the numbers go back, as others will take them.
  for (Event* event : numbered) event->row[metrics::kSeq] = {};
  for (Event* event : named) event->row[metrics::kDeviceId] = {};
  return std::move(done).error();
}

Result<Stored> SqliteStore::add(Event& event, Pending& pending) {
  const std::size_t kind = metrics::index_of(*event.kind);
  if (!insert_[kind]) {
    FM_TRY(insert_[kind], database_.db().prepare(schema::insert_into(event.kind->name, event.kind->shape, "lane")));
  }
  const bool had_device = event.has(metrics::kDeviceId);
  const bool had_seq = event.has(metrics::kSeq);
  if (!had_device) event.row[metrics::kDeviceId] = database_.device_id();
  if (!had_seq && event.has(metrics::kSessionId)) {
    FM_TRY(event.row[metrics::kSeq], next_seq(std::string(event.text(metrics::kSessionId)), pending));
  }
  insert_[kind].bind_row(event.row).bind_at(static_cast<int>(event.row.size()) + 1, lane_);
  FM_TRY_(insert_[kind].run());
  if (database_.db().changes() == 0) {
    // Kept before. The number taken for it goes back; what the store filled in that time is not compared.
    if (!had_seq && event.has(metrics::kSeq)) --pending.last_seq[std::string(event.text(metrics::kSessionId))];
    if (!had_seq) event.row[metrics::kSeq] = {};
    if (!had_device) event.row[metrics::kDeviceId] = {};
    return compare(event);
  }
  Tally& tally = pending.ledger[{day_of(event.timestamp()), std::string(event.kind->name),
                                 std::string(event.text(metrics::kDeviceId))}];
  ++tally.count;
  tally.digest.add(event.id());
  if (lane_ != kNoLane) FM_TRY_(enqueue(event, pending));
  return Stored::fresh;
}

Result<Stored> SqliteStore::compare(Event& event) {
  const std::size_t kind = metrics::index_of(*event.kind);
  if (!find_[kind]) {
    FM_TRY(find_[kind],
           database_.db().prepare(schema::select_from(event.kind->name, event.kind->shape) + " WHERE id = ?"));
  }
  FM_TRY(const bool found, find_[kind].bind(event.id()).step());
  FM_CHECK(found);
  const Event kept = event_of(find_[kind], *event.kind);
  find_[kind].reset();
  for (const metrics::Envelope filled : {metrics::kSeq, metrics::kDeviceId})
    if (!event.has(filled)) event.row[filled] = kept.row[filled];
  return metrics::same_content(kept, event) ? Stored::duplicate : Stored::conflict;
}

Result<std::int64_t> SqliteStore::next_seq(const std::string& session, Pending& pending) {
  const auto [last, fresh] = pending.last_seq.try_emplace(session, 0);
  if (fresh) {
    FM_TRY(const bool known, get_seq_.bind(session).step());
    if (known) last->second = get_seq_.integer(0);
    get_seq_.reset();
  }
  return ++last->second;
}

Result<void> SqliteStore::enqueue(const Event& event, Pending& pending) {
  if (pending.last_place < 0) {
    FM_TRY_(last_place_.bind(lane_).step());
    pending.last_place = last_place_.integer(0);
    last_place_.reset();
  }
  return enqueue_.bind(lane_, ++pending.last_place, event.kind->name, event.id(), event.integer(metrics::kRecordedAt))
      .run();
}

Result<void> SqliteStore::finish(Pending& pending) {
  for (const auto& [session, last] : pending.last_seq) FM_TRY_(put_seq_.bind(session, last).run());
  for (auto& [key, tally] : pending.ledger) {
    const auto& [day, kind, device] = key;
    FM_TRY(const bool known, get_ledger_.bind(day, kind, device).step());
    if (known) {
      tally.count += get_ledger_.integer(0);
      tally.digest.add(LedgerDigest::from_hex(get_ledger_.text(1)));
      get_ledger_.reset();
    }
    FM_TRY_(put_ledger_.bind(day, kind, device, tally.count, tally.digest.hex()).run());
  }
  return {};
}

}  // namespace fortium::store
