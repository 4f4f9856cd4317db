#include "salvage.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "fortium/base/json.h"
#include "slices.h"
#include "sqlite_store.h"

namespace fortium::store {

using metrics::Event;
using metrics::Kind;

namespace {

constexpr std::size_t kMostSlices = 1'000;  // at once in memory

// In the new store's meta: written with the last of it, so that the ledger is brought in once.
std::string mark_of(const Quarantined& from) { return "salvaged " + from.dir.substr(from.dir.rfind('/') + 1); }

std::string queue_key(std::string_view kind, std::string_view id) { return std::string(kind) + " " + std::string(id); }
std::size_t hash_of(std::string_view kind, std::string_view id) {
  return std::hash<std::string>()(queue_key(kind, id));
}

// The record that a row is, if it is one: rows of all tables look alike, and so may bytes of a damaged page. Of the two
// kinds with as many columns, a metric of type "error_rate" in the unit "success" would be taken for a command.
std::optional<Event> event_of(schema::Row row) {
  for (const Kind& kind : metrics::kinds()) {
    if (row.size() != kind.shape.size() + 1) continue;
    Event event{&kind, schema::Row(row.begin(), row.end() - 1)};
    for (schema::Value& value : event.row)  // SQLite keeps whole numbers of real columns as integers
      if (const auto at = static_cast<std::size_t>(&value - event.row.data());
          std::holds_alternative<schema::Number>(kind.shape[at].type) && std::holds_alternative<std::int64_t>(value))
        value = static_cast<double>(std::get<std::int64_t>(value));
    if (!event.has(metrics::kId) || !event.has(metrics::kTimestamp) || !event.has(metrics::kRecordedAt)) continue;
    std::string wire;
    append_wire(wire, event);
    const auto json = parse_json(wire);
    if (!json) continue;
    if (auto checked = check_event(kind, *json, kAnyTime); checked.ok()) return Event{&kind, std::move(checked.row)};
  }
  return std::nullopt;
}

// Every row that can be read; false: not all could.
template <class Row>
bool read_all(Db& db, std::string_view sql, Row&& row) {
  if (!db) return false;
  auto rows = db.prepare(sql);
  if (!rows) return false;
  while (true) {
    const auto more = rows->step();
    if (!more) return false;
    if (!*more) return true;
    row(*rows);
  }
}

}  // namespace

Result<bool> Salvage::step(Database& into) {
  if (!looked_) {
    looked_ = true;
    left_ = list_quarantine(dir_);
    std::erase_if(left_, [](const Quarantined& one) { return !one.salvaged.empty(); });
  }
  if (!source_) return begin(into);
  FM_TRY(const bool more, read_rows(into));
  if (more) return true;
  FM_TRY_(finish(into));
  return !left_.empty();
}

// The next quarantined store, if there is one.
Result<bool> Salvage::begin(Database& into) {
  if (left_.empty()) return false;
  const Quarantined& from = left_.front();
  // Brought in before, and only the note was not written?
  FM_TRY(Statement done, into.db().prepare("SELECT value FROM meta WHERE name = ?"));
  FM_TRY(const bool known, done.bind(mark_of(from)).step());
  std::string what(known ? done.text(0) : "");
  done.reset();
  if (!known) {
    auto pages = PageScan::open(from.dir + "/metrics.db");
    if (pages) {
      source_ = std::make_unique<Source>(
          Source{.from = from, .tables = open_quarantined(from.dir), .pages = std::move(*pages)});
      FM_TRY_(read_queue(into));
      FM_TRY_(bring_gone(into));
      return true;
    }
    what = "nothing could be read: " + pages.error().what;
  }
  FM_TRY_(note_salvaged(from.dir, what));
  left_.erase(left_.begin());
  return !left_.empty();
}

// What waited, for whom, and what was refused.
Result<void> Salvage::read_queue(Database& into) {
  Source& from = *source_;
  std::vector<std::pair<std::int64_t, Destination>> lanes;
  read_all(from.tables, "SELECT lane, url, organization, credential FROM lane", [&](const Statement& row) {
    lanes.emplace_back(row.integer(0),
                       Destination{std::string(row.text(1)), std::string(row.text(2)), std::string(row.text(3))});
  });
  for (const auto& [lane, to] : lanes) {
    FM_TRY(from.lanes[lane], lane_of(into, to));
  }
  from.lanes[kDroppedLane] = kDroppedLane;
  const bool outbox = read_all(from.tables, "SELECT kind, id FROM outbox",
                               [&](const Statement& row) { from.waiting.insert(queue_key(row.text(0), row.text(1))); });
  const bool set_aside =
      read_all(from.tables, "SELECT kind, id, since, attempts, reason FROM set_aside", [&](const Statement& row) {
        from.set_aside[queue_key(row.text(0), row.text(1))] = {row.integer(2), row.integer(3),
                                                               std::string(row.text(4))};
      });
  from.queue_known = outbox && set_aside;
  return {};
}

// First, as pages that are no longer used still hold the rows of records that were let go.
Result<void> Salvage::bring_gone(Database& into) {
  std::vector<std::pair<std::string, std::string>> gone;
  std::vector<std::int64_t> thinned;
  read_all(source_->tables, "SELECT kind, id FROM gone", [&](const Statement& row) {
    gone.emplace_back(std::string(row.text(0)), std::string(row.text(1)));
    source_->gone.insert(hash_of(row.text(0), row.text(1)));
  });
  read_all(source_->tables, "SELECT hour FROM thinned",
           [&](const Statement& row) { thinned.push_back(row.integer(0)); });
  if (gone.empty() && thinned.empty()) return {};
  return into.write([&]() -> Result<void> {
    FM_TRY(Statement add, into.db().prepare("INSERT INTO gone (kind, id) VALUES (?, ?) ON CONFLICT DO NOTHING"));
    for (const auto& [kind, id] : gone) FM_TRY_(add.bind(kind, id).run());
    FM_TRY(Statement thin, into.db().prepare("INSERT INTO thinned (hour) VALUES (?) ON CONFLICT DO NOTHING"));
    for (const std::int64_t hour : thinned) FM_TRY_(thin.bind(hour).run());
    return {};
  });
}

Result<bool> Salvage::read_rows(Database& into) {
  Source& from = *source_;
  std::vector<schema::Row> rows;
  const bool more = from.pages.next(metrics::kEnvelopeSize + 1, rows);
  std::vector<Found> found;
  for (schema::Row& row : rows) {
    const auto* lane = std::get_if<std::int64_t>(&row.back());
    if (lane == nullptr) continue;
    Found one{.lane = *lane};
    auto event = event_of(std::move(row));
    if (!event) continue;
    one.event = std::move(*event);
    const std::size_t hash = hash_of(one.event.kind->name, one.event.id());
    if (!from.gone.contains(hash) && from.taken.insert(hash).second) found.push_back(std::move(one));
  }
  FM_TRY_(keep(into, std::move(found)));
  return more;
}

// Into the new store: by lane, and by whether they waited there.
Result<void> Salvage::keep(Database& into, std::vector<Found> rows) {
  Source& from = *source_;
  std::map<std::pair<std::int64_t, Queueing>, std::vector<Event>> groups;
  std::vector<std::pair<std::string, std::int64_t>> refused;  // queue key, lane
  for (Found& found : rows) {
    const auto known_lane = from.lanes.find(found.lane);
    const std::int64_t lane = known_lane != from.lanes.end() ? known_lane->second : kNoLane;
    const std::string key = queue_key(found.event.kind->name, found.event.id());
    const bool was_refused = from.set_aside.contains(key);
    const bool waits = !was_refused && lane > kNoLane && (from.waiting.contains(key) || !from.queue_known);
    if (was_refused) refused.emplace_back(key, lane);
    const Event& event = found.event;
    from.seen[{std::string(event.text(metrics::kSessionId)), day_of(event.timestamp()), std::string(event.kind->name),
               std::string(event.text(metrics::kDeviceId)), lane}]
        .add(event.id());
    from.slicer.add(event);
    groups[{lane, waits ? Queueing::queue : Queueing::delivered_before}].push_back(std::move(found.event));
  }
  for (auto& [where, events] : groups) {
    FM_TRY(auto store, SqliteStore::open(into, where.first, where.second));
    FM_TRY(const auto stored, store->append(events));
    from.read += static_cast<std::int64_t>(stored.size());
    from.fresh += std::ranges::count(stored, metrics::Stored::fresh);
  }
  if (refused.empty()) return {};
  return into.write([&]() -> Result<void> {
    FM_TRY(Statement add, into.db().prepare("INSERT INTO set_aside (id, lane, kind, since, attempts, reason) "
                                            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"));
    for (const auto& [key, lane] : refused) {
      const SetAside& why = from.set_aside[key];
      const auto blank = key.find(' ');
      FM_TRY_(add.bind(key.substr(blank + 1), lane, key.substr(0, blank), why.since, why.attempts, why.reason).run());
    }
    return {};
  });
}

// What is not in the rows: the numbers of sessions, and the ledger of records that could not be read.
Result<void> Salvage::finish(Database& into) {
  Source& from = *source_;
  struct Recorded {
    sync::Tally tally;
    std::int64_t last = 0;
  };
  std::map<LedgerLine, Recorded> recorded;
  read_all(from.tables, "SELECT session_id, day, kind, device_id, lane, count, digest, last FROM ledger",
           [&](const Statement& row) {
             const auto lane = from.lanes.find(row.integer(4));
             if (metrics::find_kind(row.text(2)) == nullptr || row.integer(5) < 0 || row.text(6).size() != 32) return;
             Recorded& line = recorded[{std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                                        std::string(row.text(3)), lane != from.lanes.end() ? lane->second : kNoLane}];
             line.tally.add({row.integer(5), LedgerDigest::from_hex(row.text(6))});
             line.last = std::max(line.last, row.integer(7));
           });
  const std::string what = std::to_string(from.read) + " records were brought over";

  FM_TRY_(into.write([&]() -> Result<void> {
    FM_TRY(Statement mark, into.db().prepare("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"));
    FM_TRY_(mark.bind(mark_of(from.from), what).run());
    if (into.db().changes() == 0) return {};  // another process was first
    for (auto& [line, there] : recorded) {
      if (const auto at = from.seen.find(line); at != from.seen.end()) there.tally.remove(at->second);
      if (there.tally.count <= 0) there.tally = {};  // a broken line: only its number is of use
      FM_TRY_(add_to_ledger(into.db(), line, there.tally, there.last));
    }
    return bring_slices(into);
  }));
  FM_TRY_(note_salvaged(from.from.dir, what));
  news_.push_back(what + " from the store in " + from.from.dir + ", " + std::to_string(from.fresh) +
                  " of them new here; remove the folder when you do not need it");
  source_.reset();
  left_.erase(left_.begin());
  return {};
}

// What slices count beyond the records that were brought over.
Result<void> Salvage::bring_slices(Database& into) {
  Source& from = *source_;
  if (!from.tables) return {};
  SliceTable slices(into);
  FM_TRY(Statement thin, into.db().prepare("INSERT INTO thinned (hour) VALUES (?) ON CONFLICT DO NOTHING"));
  const auto bring = [&](const metrics::Slice& there) -> Result<void> {
    const auto at = from.slicer.slices().find(there.key);
    const metrics::Figures common = at != from.slicer.slices().end() ? at->second : metrics::Figures{};
    if (there.figures.count <= common.count) return {};
    FM_TRY_(slices.add(there.key, there.figures, common));
    FM_TRY_(thin.bind(there.key.hour).run());
    if (slices.remembered() < kMostSlices) return {};
    FM_TRY_(slices.write());
    slices.forget();
    return {};
  };
  // As far as they can be read: what is broken in one hour leaves the others.
  std::vector<std::int64_t> hours;
  read_all(from.tables, "SELECT DISTINCT hour FROM slice",
           [&](const Statement& row) { hours.push_back(row.integer(0)); });
  for (const std::int64_t hour : hours) {
    Result<void> brought;
    (void)each_slice(from.tables, hour, hour + 1, {}, [&](const metrics::Slice& there) {
      brought = bring(there);
      return brought.ok();
    });
    FM_TRY_(brought);
  }
  return slices.write();
}

}  // namespace fortium::store
