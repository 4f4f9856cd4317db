#include "sqlite_store.h"

#include <utility>

#include "fortium/schema/sql.h"

namespace fortium::store {

using metrics::Event;
using metrics::Kind;
using metrics::Stored;

namespace {

constexpr std::size_t kMostCounters = 1'000;  // of a run of commits: bounded memory

}  // namespace

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

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(Database& database, std::int64_t lane, Queueing queueing) {
  std::unique_ptr<SqliteStore> store(new SqliteStore(database, lane, queueing));
  FM_TRY_(store->prepare());
  return store;
}

Result<void> SqliteStore::prepare() {
  Db& db = database_.db();
  insert_.resize(metrics::kinds().size());
  find_.resize(metrics::kinds().size());
  FM_TRY(get_seq_, db.prepare("SELECT last FROM session_seq WHERE session_id = ?"));
  FM_TRY(add_seq_, db.prepare("INSERT INTO session_seq (session_id, last) VALUES (?1, ?2)"));
  FM_TRY(put_seq_, db.prepare("UPDATE session_seq SET last = ?2 WHERE session_id = ?1"));
  FM_TRY(last_place_, db.prepare("SELECT max(place) FROM outbox WHERE lane = ?"));
  FM_TRY(enqueue_, db.prepare("INSERT INTO outbox (lane, place, kind, id, since) VALUES (?, ?, ?, ?, ?)"));
  FM_TRY(get_ledger_,
         db.prepare("SELECT count, digest FROM ledger WHERE day = ? AND kind = ? AND device_id = ? AND lane = ?"));
  FM_TRY(add_ledger_, db.prepare("INSERT INTO ledger (day, kind, device_id, lane, count, digest) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
  FM_TRY(put_ledger_, db.prepare("UPDATE ledger SET count = ?5, digest = ?6 WHERE day = ?1 AND kind = ?2 AND "
                                 "device_id = ?3 AND lane = ?4"));
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
    const bool others_wrote = database_.db().data_version() != counters_.version;
    if (others_wrote || counters_.ledger.size() + counters_.seq.size() > kMostCounters) counters_ = {};
    for (Event& event : events) {
      FM_TRY(const Stored one, add(event));
      stored.push_back(one);
    }
    return write_counters();
  });
  if (done) {
    counters_.version = database_.db().data_version();
    return stored;
  }
  // Nothing was kept: the numbers go back, as others will take them.
  counters_ = {};
  for (Event* event : numbered) event->row[metrics::kSeq] = {};
  for (Event* event : named) event->row[metrics::kDeviceId] = {};
  return std::move(done).error();
}

Result<Stored> SqliteStore::add(Event& event) {
  const std::size_t kind = metrics::index_of(*event.kind);
  FM_TRY(const bool gone, is_gone(event));
  if (gone) return Stored::duplicate;  // its content is no longer here to be compared
  if (!insert_[kind]) {
    FM_TRY(insert_[kind], database_.db().prepare(schema::insert_into(event.kind->name, event.kind->shape, "lane")));
  }
  const bool had_device = event.has(metrics::kDeviceId);
  const bool had_seq = event.has(metrics::kSeq);
  if (!had_device) event.row[metrics::kDeviceId] = database_.device_id();
  Last* last = nullptr;
  if (!had_seq && event.has(metrics::kSessionId)) {
    FM_TRY(last, last_of(std::string(event.text(metrics::kSessionId))));
    event.row[metrics::kSeq] = last->number + 1;
  }
  insert_[kind].bind_row(event.row).bind_at(static_cast<int>(event.row.size()) + 1, lane_);
  FM_TRY_(insert_[kind].run());
  if (database_.db().changes() == 0) {
    // Kept before: what the store filled in that time is not compared.
    if (!had_seq) event.row[metrics::kSeq] = {};
    if (!had_device) event.row[metrics::kDeviceId] = {};
    return compare(event);
  }
  if (last != nullptr) *last = {last->number + 1, true};
  FM_TRY(Tally* const tally, tally_of(event));
  ++tally->count;
  tally->digest.add(event.id());
  tally->grown = true;
  if (queued_) FM_TRY_(enqueue(event));
  return Stored::fresh;
}

// Where nothing was ever let go, which is the common case, one look tells for a run of records.
Result<bool> SqliteStore::is_gone(const Event& event) {
  if (!counters_.any_gone) {
    if (!any_gone_) {
      FM_TRY(any_gone_, database_.db().prepare("SELECT EXISTS (SELECT 1 FROM gone)"));
    }
    FM_TRY_(any_gone_.step());
    counters_.any_gone = any_gone_.integer(0) != 0;
    any_gone_.reset();
  }
  if (!*counters_.any_gone) return false;
  if (!gone_) {
    FM_TRY(gone_, database_.db().prepare("SELECT 1 FROM gone WHERE kind = ? AND id = ?"));
  }
  FM_TRY(const bool found, gone_.bind(event.kind->name, event.id()).step());
  gone_.reset();
  return found;
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

Result<SqliteStore::Last*> SqliteStore::last_of(const std::string& session) {
  const auto [at, unknown] = counters_.seq.try_emplace(session);
  if (unknown) {
    FM_TRY(const bool known, get_seq_.bind(session).step());
    if (known) at->second.number = get_seq_.integer(0);
    get_seq_.reset();
  }
  return &at->second;
}

Result<SqliteStore::Tally*> SqliteStore::tally_of(const Event& event) {
  const auto [at, unknown] = counters_.ledger.try_emplace(
      {day_of(event.timestamp()), std::string(event.kind->name), std::string(event.text(metrics::kDeviceId))});
  if (unknown) {
    const auto& [day, kind, device] = at->first;
    FM_TRY(const bool known, get_ledger_.bind(day, kind, device, lane_).step());
    if (known) at->second = {get_ledger_.integer(0), LedgerDigest::from_hex(get_ledger_.text(1))};
    get_ledger_.reset();
  }
  return &at->second;
}

Result<void> SqliteStore::enqueue(const Event& event) {
  if (counters_.place < 0) {
    FM_TRY_(last_place_.bind(lane_).step());
    counters_.place = last_place_.integer(0);
    last_place_.reset();
  }
  return enqueue_.run_with(lane_, ++counters_.place, event.kind->name, event.id(), event.integer(metrics::kRecordedAt));
}

Result<void> SqliteStore::write_counters() {
  for (auto& [session, last] : counters_.seq) {
    if (std::exchange(last.grown, false)) FM_TRY_(put(put_seq_, add_seq_, session, last.number));
  }
  for (auto& [key, tally] : counters_.ledger) {
    if (!std::exchange(tally.grown, false)) continue;
    const auto& [day, kind, device] = key;
    FM_TRY_(put(put_ledger_, add_ledger_, day, kind, device, lane_, tally.count, tally.digest.hex()));
  }
  return {};
}

// An upsert in two statements: a counter is nearly always there, and then this is the cheaper half of one.
template <class... Values>
Result<void> SqliteStore::put(Statement& change, Statement& add, const Values&... values) {
  FM_TRY_(change.run_with(values...));
  if (database_.db().changes() > 0) return {};
  return add.run_with(values...);
}

}  // namespace fortium::store
