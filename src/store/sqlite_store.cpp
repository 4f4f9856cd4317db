#include "sqlite_store.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "fortium/schema/sql.h"
#include "ledger.h"
#include "open_calls.h"
#include "roll_ups.h"

namespace fortium::store {

using metrics::Event;
using metrics::Kind;
using metrics::Stored;

namespace {

constexpr std::size_t kMostCounters = 1'000;  // of a run of commits: bounded memory

// By kind and the begin of the id: near enough. Changes of a session stay in their order, as `seq` says it.
std::vector<std::size_t> order_of_tables(const metrics::EventPack& events) {
  const Kind* const session = metrics::find_kind("user_session");
  std::vector<std::tuple<std::size_t, std::uint64_t, std::size_t>> keys;
  for (std::size_t place = 0; place < events.size(); ++place) {
    const Kind& kind = events.kind(place);
    std::uint64_t begin = 0;
    if (&kind != session)
      for (const char c : events.id(place).substr(0, sizeof begin)) begin = begin << 8 | static_cast<unsigned char>(c);
    keys.emplace_back(metrics::index_of(kind), begin, place);
  }
  std::ranges::sort(keys);
  std::vector<std::size_t> order;
  order.reserve(keys.size());
  for (const auto& key : keys) order.push_back(std::get<2>(key));
  return order;
}

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
  FM_TRY(get_seq_, db.prepare("SELECT coalesce(max(last), 0) FROM ledger WHERE session_id = ?"));
  FM_TRY(last_place_, db.prepare("SELECT max(place) FROM outbox WHERE lane = ?"));
  FM_TRY(enqueue_, db.prepare("INSERT INTO outbox (lane, place, kind, id, since) VALUES (?, ?, ?, ?, ?)"));
  FM_TRY(get_ledger_, db.prepare("SELECT count, digest, last FROM ledger " + std::string(kWhereLine)));
  FM_TRY(add_ledger_, db.prepare("INSERT INTO ledger (session_id, day, kind, device_id, lane, count, digest, last) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  FM_TRY(put_ledger_, db.prepare("UPDATE ledger SET count = ?6, digest = ?7, last = ?8 " + std::string(kWhereLine)));
  return {};
}

Result<std::vector<Stored>> SqliteStore::append(std::span<Event> events, const metrics::Changes& changes) {
  std::vector<Event*> numbered, named;  // whose seq, whose device_id is filled in here
  for (Event& event : events) {
    if (!event.has(metrics::kSeq)) numbered.push_back(&event);
    if (!event.has(metrics::kDeviceId)) named.push_back(&event);
  }
  std::vector<Stored> stored;
  const Result<void> done = write([&]() -> Result<void> {
    FM_TRY(stored, add(events, changes));
    return {};
  });
  if (done) return stored;
  // Nothing was kept: the numbers go back, as others will take them.
  for (Event* event : numbered) event->row[metrics::kSeq] = {};
  for (Event* event : named) event->row[metrics::kDeviceId] = {};
  return done.error();
}

Result<std::vector<Stored>> SqliteStore::append(const metrics::EventPack& events) {
  const std::vector<std::size_t> order = order_of_tables(events);
  std::vector<Stored> stored(events.size());
  FM_TRY_(write([&]() -> Result<void> {
    Event event;  // one for all: its texts keep their room
    for (const std::size_t place : order) {
      events.read(place, event);
      FM_TRY(stored[place], add(event));
    }
    return {};
  }));
  return stored;
}

Result<void> SqliteStore::write(const std::function<Result<void>()>& work) {
  Result<void> done = database_.write([&]() -> Result<void> {
    const bool others_wrote = database_.db().data_version() != counters_.version;
    if (others_wrote || counters_.ledger.size() + counters_.seq.size() + slices_.remembered() > kMostCounters) forget();
    FM_TRY_(work());
    FM_TRY_(write_counters());
    return slices_.write();
  });
  if (done)
    counters_.version = database_.db().data_version();
  else
    forget();
  return done;
}

Result<std::vector<Stored>> SqliteStore::add(std::span<Event> events, const metrics::Changes& changes) {
  std::vector<Stored> stored;
  stored.reserve(events.size());
  for (Event& event : events) {
    FM_TRY(const Stored one, add(event));
    stored.push_back(one);
  }
  FM_TRY_(change_open_calls(database_.db(), changes));
  return stored;
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
  std::int64_t* last = nullptr;
  if (!had_seq && event.has(metrics::kSessionId)) {
    FM_TRY(last, last_of(event.text(metrics::kSessionId)));
    event.row[metrics::kSeq] = *last + 1;
  }
  insert_[kind].bind_row(event.row).bind_at(static_cast<int>(event.row.size()) + 1, lane_);
  FM_TRY_(insert_[kind].run());
  if (database_.db().changes() == 0) {
    // Kept before: what the store filled in that time is not compared.
    if (!had_seq) event.row[metrics::kSeq] = {};
    if (!had_device) event.row[metrics::kDeviceId] = {};
    return compare(event);
  }
  FM_TRY(Tally* const tally, tally_of(event));
  if (last != nullptr) tally->last = ++*last;
  ++tally->count;
  tally->digest.add(event.id());
  tally->grown = true;
  FM_TRY_(slices_.add(event));
  if (queued_) FM_TRY_(enqueue(event));
  return Stored::fresh;
}

// Where nothing was ever let go, which is the common case, one look tells for a run of records.
Result<bool> SqliteStore::is_gone(const Event& event) {
  if (!counters_.any_gone) {
    if (!any_gone_) {
      FM_TRY(any_gone_, database_.db().prepare("SELECT EXISTS (SELECT 1 FROM gone), " + std::string(kNewestFoldedDay)));
    }
    FM_TRY_(any_gone_.step());
    counters_.any_gone = any_gone_.integer(0) != 0;
    slices_.know_folded(any_gone_.integer(1));
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

Result<std::int64_t*> SqliteStore::last_of(std::string_view session) {
  if (const auto at = counters_.seq.find(session); at != counters_.seq.end()) return &at->second;
  FM_TRY_(get_seq_.bind(session).step());
  std::int64_t& last = counters_.seq[std::string(session)];
  last = get_seq_.integer(0);
  get_seq_.reset();
  return &last;
}

Result<SqliteStore::Tally*> SqliteStore::tally_of(const Event& event) {
  const std::string_view session = event.text(metrics::kSessionId);
  const std::string_view device = event.text(metrics::kDeviceId);
  const std::size_t kind = metrics::index_of(*event.kind);
  const auto day = std::chrono::floor<std::chrono::days>(event.timestamp()).time_since_epoch().count();
  const auto at = counters_.ledger.find(Line<std::string_view>(session, day, kind, device));
  if (at != counters_.ledger.end()) return &at->second;
  FM_TRY(const bool known,
         get_ledger_.bind(session, day_of(event.timestamp()), event.kind->name, device, lane_).step());
  Tally& tally = counters_.ledger[{std::string(session), day, kind, std::string(device)}];
  if (known) tally = {get_ledger_.integer(0), LedgerDigest::from_hex(get_ledger_.text(1)), get_ledger_.integer(2)};
  get_ledger_.reset();
  return &tally;
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
  for (auto& [line, tally] : counters_.ledger) {
    if (!std::exchange(tally.grown, false)) continue;
    const auto& [session, day, kind, device] = line;
    // An upsert in two statements: a line is nearly always there, and then this is the cheaper half of one.
    for (Statement* put : {&put_ledger_, &add_ledger_}) {
      Result<void> done = put->run_with(session, day_of(WallTime(std::chrono::days(day))), metrics::kinds()[kind].name,
                                        device, lane_, tally.count, tally.digest.hex(), tally.last);
      // The numbers are our own: a table that will neither change nor take a line is damaged.
      if (!done && done.error().code == Errc::invalid) return Error{Errc::corrupt, std::move(done).error().what};
      FM_TRY_(done);
      if (database_.db().changes() > 0) break;
    }
  }
  return {};
}

void SqliteStore::forget() {
  counters_ = {};
  slices_.forget();
}

}  // namespace fortium::store
