#include "sqlite_reader.h"

#include <algorithm>

#include "fortium/schema/sql.h"
#include "records.h"
#include "roll_ups.h"
#include "slices.h"
#include "sqlite_store.h"

namespace fortium::store {

using metrics::Kind;
using metrics::Period;

namespace {

std::string name_column(const Kind& kind) { return std::string(kind.shape[metrics::kEnvelopeSize].name); }

}  // namespace

Result<void> SqliteReader::at_one_moment(const std::function<Result<void>()>& work) {
  const Db::Watch watching = watch();
  return database_.read(work);
}

Result<bool> SqliteReader::each_slice(std::int64_t from, std::int64_t until, const metrics::Wanted& wanted,
                                      const metrics::TakeSlice& take) {
  return store::each_slice(database_.db(), from, until, wanted, take);
}

Result<std::int64_t> SqliteReader::each_session_hour(std::int64_t from, std::int64_t until,
                                                     const metrics::Within& within,
                                                     const metrics::SessionHours::Take& take) {
  FM_TRY(const std::int64_t newest, newest_folded_day(database_.db()));
  const std::int64_t end = std::clamp((newest + 1) * metrics::kHoursADay, from, until);
  FM_TRY_(store::each_session_hour(database_.db(), from, end, within, take));
  return end;
}

Result<std::int64_t> SqliteReader::each_name_span(std::int64_t hours, std::int64_t from, std::int64_t until,
                                                  const metrics::Wanted& wanted, const metrics::NameSpans::Take& take) {
  return store::each_name_span(database_.db(), hours, from, until, wanted, take);
}

// The tables have no index by session, which each record would have to pay for; but by time there is one, and whoever
// asks for a session knows its days.
Result<void> SqliteReader::each_record(const Kind& kind, const Period& period, std::string_view session,
                                       const metrics::TakeEvent& take) {
  return store::each_record(database_, kind, period.since, period.until, [&](const metrics::Event& event) {
    return (!session.empty() && event.text(metrics::kSessionId) != session) || take(event);
  });
}

Result<void> SqliteReader::each_sliced(const Kind& kind, const Period& period, const metrics::TakeEvent& take) {
  return store::each_sliced(database_, kind, period.since, period.until, take);
}

Result<std::optional<WallTime>> SqliteReader::first_record(const Period& period) {
  return next_record(database_, period.since, period.until);
}

Result<Period> SqliteReader::days_of(std::string_view session) {
  FM_TRY(Statement days,
         database_.db().prepare("SELECT unixepoch(min(day)) * 1000, unixepoch(max(day), '+1 day') * 1000 "
                                "FROM ledger WHERE session_id = ?"));
  FM_TRY_(days.bind(session).step());
  return Period{from_ms(days.integer(0)), from_ms(days.integer(1))};
}

Result<std::vector<metrics::Recent>> SqliteReader::recent(const Kind& kind, const Period& period,
                                                          std::string_view session, std::int64_t limit) {
  const Db::Watch watching = watch();
  std::vector<metrics::Recent> out;
  FM_TRY(Statement list,
         database_.db().prepare("SELECT " + name_column(kind) + ", execution_time_ms, status, timestamp FROM " +
                                std::string(kind.name) +
                                " WHERE timestamp >= ?1 AND timestamp < ?2 "
                                "AND (?3 = '' OR session_id = ?3) ORDER BY timestamp DESC LIMIT ?4"));
  list.bind(to_ms(period.since), to_ms(period.until), session, limit);
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return out;
    out.push_back({std::string(list.text(0)), list.real(1), std::string(list.text(2)), from_ms(list.integer(3))});
  }
}

Result<std::optional<double>> SqliteReader::average_metric(std::string_view type, const Period& period) {
  const Db::Watch watching = watch();
  FM_TRY(Statement mean, database_.db().prepare("SELECT avg(value) FROM productivity_metric WHERE metric_type = ? "
                                                "AND timestamp >= ? AND timestamp < ?"));
  FM_TRY_(mean.bind(type, to_ms(period.since), to_ms(period.until)).step());
  if (mean.is_null(0)) return std::optional<double>();
  return std::optional(mean.real(0));
}

Result<std::vector<std::string>> SqliteReader::words_of_records(std::string_view field,
                                                                const std::vector<const Kind*>& kinds,
                                                                const Period& period, std::int64_t limit) {
  std::string all;
  for (const Kind* kind : kinds)
    all += (all.empty() ? "SELECT " : " UNION ALL SELECT ") + std::string(field) + " AS word, timestamp FROM " +
           std::string(kind->name) + " WHERE timestamp >= ?1 AND timestamp < ?2";
  FM_TRY(Statement list, database_.db().prepare("SELECT word FROM (" + all +
                                                ") WHERE word <> '' GROUP BY word ORDER BY max(timestamp) DESC, word "
                                                "LIMIT ?3"));
  list.bind(to_ms(period.since), to_ms(period.until), limit);
  std::vector<std::string> out;
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return out;
    out.emplace_back(list.text(0));
  }
}

Result<std::vector<std::int64_t>> SqliteReader::counts() {
  // Both numbers only grow: what others have committed, and what this connection has changed.
  FM_TRY(const std::int64_t others, database_.db().integer("PRAGMA data_version"));
  FM_TRY(const std::int64_t own, database_.db().integer("SELECT total_changes()"));
  if (others + own == counted_at_) return counts_;
  FM_TRY(counts_, count_records(database_));
  counted_at_ = others + own;
  return counts_;
}

}  // namespace fortium::store
