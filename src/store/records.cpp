#include "records.h"

#include <algorithm>

#include "fortium/schema/sql.h"
#include "sqlite_store.h"

namespace fortium::store {

Result<void> each_record(Database& database, const metrics::Kind& kind, WallTime since, WallTime until,
                         const std::function<bool(const metrics::Event&)>& take) {
  FM_TRY(Statement list, database.db().prepare(schema::select_from(kind.name, kind.shape) +
                                               " WHERE timestamp >= ? AND timestamp < ? ORDER BY timestamp, id"));
  list.bind(to_ms(since), to_ms(until));
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more || !take(event_of(list, kind))) return {};
  }
}

Result<void> each_sliced(Database& database, const metrics::Kind& kind, WallTime since, WallTime until,
                         const std::function<bool(const metrics::Event&)>& take) {
  std::string columns;
  for (std::size_t field = 0; field < kind.shape.size(); ++field)
    columns += (field > 0 ? ", " : "") +
               (metrics::is_sliced(kind, field) ? std::string(kind.shape[field].name) : std::string("NULL"));
  FM_TRY(Statement list, database.db().prepare("SELECT " + columns + " FROM " + std::string(kind.name) +
                                               " WHERE timestamp >= ? AND timestamp < ? ORDER BY timestamp"));
  list.bind(to_ms(since), to_ms(until));
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more || !take(event_of(list, kind))) return {};
  }
}

Result<std::vector<metrics::Event>> newest_records(Database& database, std::int64_t limit) {
  std::vector<metrics::Event> newest;
  for (const metrics::Kind& kind : metrics::kinds()) {
    FM_TRY(Statement list, database.db().prepare(schema::select_from(kind.name, kind.shape) +
                                                 " ORDER BY timestamp DESC, id DESC LIMIT ?"));
    list.bind(limit);
    while (true) {
      FM_TRY(const bool more, list.step());
      if (!more) break;
      newest.push_back(event_of(list, kind));
    }
  }
  std::ranges::stable_sort(newest, std::greater(), &metrics::Event::timestamp);
  if (newest.size() > static_cast<std::size_t>(limit)) newest.resize(static_cast<std::size_t>(limit));
  return newest;
}

Result<std::vector<std::int64_t>> count_records(Database& database) {
  std::vector<std::int64_t> counts(metrics::kinds().size());
  FM_TRY(Statement all, database.db().prepare("SELECT kind, sum(count) FROM ledger GROUP BY kind"));
  while (true) {
    FM_TRY(const bool more, all.step());
    if (!more) return counts;
    if (const metrics::Kind* kind = metrics::find_kind(all.text(0))) counts[metrics::index_of(*kind)] = all.integer(1);
  }
}

Result<metrics::Slicer> slice_records(Database& database, WallTime since, WallTime until, Millis phase) {
  metrics::Slicer slicer(phase);
  for (const metrics::Kind& kind : metrics::kinds())
    FM_TRY_(each_sliced(database, kind, since, until, [&](const metrics::Event& event) {
      slicer.add(event);
      return true;
    }));
  return slicer;
}

Result<std::optional<WallTime>> next_record(Database& database, WallTime since, WallTime until) {
  std::optional<WallTime> next;
  for (const metrics::Kind& kind : metrics::kinds()) {
    FM_TRY(Statement first, database.db().prepare("SELECT min(timestamp) FROM " + std::string(kind.name) +
                                                  " WHERE timestamp >= ? AND timestamp < ?"));
    FM_TRY_(first.bind(to_ms(since), to_ms(until)).step());
    if (!first.is_null(0)) next = std::min(next.value_or(until), from_ms(first.integer(0)));
  }
  return next;
}

}  // namespace fortium::store
