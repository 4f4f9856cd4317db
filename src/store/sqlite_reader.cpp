#include "sqlite_reader.h"

#include <algorithm>
#include <functional>

#include "fortium/schema/sql.h"
#include "sqlite_store.h"

namespace fortium::store {

using metrics::Percentiles;
using metrics::Period;
using metrics::Session;
using metrics::Summary;
using metrics::Trend;
using metrics::Usage;

namespace {

// The kinds that have an outcome, as one table.
constexpr std::string_view kOutcomes =
    "(SELECT 'command' AS what, session_id, user_id, project, timestamp, status, execution_time_ms FROM "
    "command_execution "
    "UNION ALL SELECT 'tool', session_id, user_id, project, timestamp, status, execution_time_ms FROM tool_usage "
    "UNION ALL SELECT 'agent', session_id, user_id, project, timestamp, status, execution_time_ms FROM "
    "agent_interaction)";

// Every record's session and time.
std::string all_times() {
  std::string sql;
  for (const metrics::Kind& kind : metrics::kinds())
    sql += (sql.empty() ? "(" : " UNION ALL ") + std::string("SELECT session_id, timestamp FROM ") +
           std::string(kind.name);
  return sql + ")";
}

// One session's records. The tables have no index by session, which each record would have to pay for; but the ledger
// knows the session's days, and by time there is one. ?1: the session; ?2, ?3: its days.
constexpr std::string_view kOfSession = " WHERE session_id = ?1 AND timestamp >= ?2 AND timestamp < ?3";

std::string name_column(const metrics::Kind& kind) { return std::string(kind.shape[metrics::kEnvelopeSize].name); }

}  // namespace

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

Result<void> SqliteReader::slices(const Period& period, Millis phase,
                                  const std::function<bool(const metrics::Slice&)>& take) {
  const Db::Watch watching = watch();
  return database_.read([&]() -> Result<void> {
    FM_TRY([[maybe_unused]] const bool more, slices_of_records(period, phase, take));
    return {};
  });
}

// Hour by hour, so that no more is held than one. False: `take` has said no.
Result<bool> SqliteReader::slices_of_records(const Period& period, Millis phase,
                                             const std::function<bool(const metrics::Slice&)>& take) {
  WallTime from = period.since;
  while (true) {
    FM_TRY(const std::optional<WallTime> next, next_record({from, period.until}));
    if (!next) return true;
    const WallTime until = std::min(metrics::begin_of(metrics::hour_of(*next, phase) + 1, phase), period.until);
    metrics::Slicer slicer(phase);
    for (const metrics::Kind& kind : metrics::kinds())
      FM_TRY_(each_record(database_, kind, *next, until, [&](const metrics::Event& event) {
        slicer.add(event);
        return true;
      }));
    for (const auto& [key, figures] : slicer.slices())
      if (!take({key, figures})) return false;
    from = until;
  }
}

// When the first one of the period happened, of whatever kind.
Result<std::optional<WallTime>> SqliteReader::next_record(const Period& period) {
  std::optional<WallTime> next;
  for (const metrics::Kind& kind : metrics::kinds()) {
    FM_TRY(Statement first, database_.db().prepare("SELECT min(timestamp) FROM " + std::string(kind.name) +
                                                   " WHERE timestamp >= ? AND timestamp < ?"));
    FM_TRY_(first.bind(to_ms(period.since), to_ms(period.until)).step());
    if (!first.is_null(0)) next = std::min(next.value_or(period.until), from_ms(first.integer(0)));
  }
  return next;
}

Result<Summary> SqliteReader::summary(const Period& period) {
  const Db::Watch watching = watch();
  Summary out;
  out.period = period;
  const std::int64_t since = to_ms(period.since), until = to_ms(period.until);
  Db& db = database_.db();
  FM_TRY_(database_.read([&]() -> Result<void> {
    FM_TRY(
        Statement outcomes,
        db.prepare("SELECT sum(what = 'command'), sum(what = 'tool'), sum(what = 'agent'), sum(status <> 'success'), "
                   "count(*), avg(CASE WHEN what = 'command' THEN execution_time_ms END) FROM " +
                   std::string(kOutcomes) + " WHERE timestamp >= ? AND timestamp < ?"));
    FM_TRY_(outcomes.bind(since, until).step());
    out.commands = outcomes.integer(0);
    out.tools = outcomes.integer(1);
    out.agents = outcomes.integer(2);
    out.errors = outcomes.integer(3);
    const std::int64_t all = outcomes.integer(4);
    if (all > 0) out.success_rate = static_cast<double>(all - out.errors) / static_cast<double>(all);
    if (!outcomes.is_null(5)) out.avg_command_ms = outcomes.real(5);
    outcomes.reset();

    FM_TRY(
        Statement active,
        db.prepare("SELECT count(DISTINCT session_id), coalesce(sum(gap) FILTER (WHERE gap <= ?), 0) FROM "
                   "(SELECT session_id, timestamp - lag(timestamp) OVER (PARTITION BY session_id ORDER BY timestamp) "
                   "AS gap FROM " +
                   all_times() + " WHERE session_id IS NOT NULL AND timestamp >= ? AND timestamp < ?)"));
    FM_TRY_(active.bind(metrics::kActiveGap.count(), since, until).step());
    out.sessions = active.integer(0);
    out.active_ms = active.integer(1);
    active.reset();

    FM_TRY(Statement tokens, db.prepare("SELECT sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), "
                                        "sum(cache_creation_tokens), sum(cost_usd) FROM model_usage "
                                        "WHERE timestamp >= ? AND timestamp < ?"));
    FM_TRY_(tokens.bind(since, until).step());
    out.tokens = {tokens.integer(0), tokens.integer(1), tokens.integer(2), tokens.integer(3)};
    if (!tokens.is_null(4)) out.cost_usd = tokens.real(4);
    return {};
  }));
  return out;
}

Result<std::vector<Usage>> SqliteReader::usage(const metrics::Kind& kind, const Period& period, std::string_view only,
                                               std::int64_t limit) {
  const Db::Watch watching = watch();
  const std::string table(kind.name), column = name_column(kind);
  const bool agents = kind.name == "agent_interaction";
  std::vector<Usage> rows;
  FM_TRY(Statement all,
         database_.db().prepare("SELECT " + column +
                                ", count(*), sum(status = 'success'), sum(execution_time_ms), "
                                "avg(execution_time_ms), min(execution_time_ms), max(execution_time_ms), "
                                "max(timestamp), " +
                                (agents ? "sum(input_tokens), sum(output_tokens)" : "0, 0") +
                                ", count(execution_time_ms) FROM " + table +
                                " WHERE timestamp >= ?1 AND timestamp < ?2 AND (?3 = '' OR " + column +
                                " = ?3) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?4"));
  FM_TRY_(database_.read([&]() -> Result<void> {
    all.bind(to_ms(period.since), to_ms(period.until), only, limit);
    while (true) {
      FM_TRY(const bool more, all.step());
      if (!more) break;
      Usage row;
      row.name = all.text(0);
      row.count = all.integer(1);
      row.successes = all.integer(2);
      row.errors = row.count - row.successes;
      row.total_ms = all.real(3);
      row.average_ms = all.real(4);
      row.min_ms = all.real(5);
      row.max_ms = all.real(6);
      row.last_used = from_ms(all.integer(7));
      row.tokens.input = all.integer(8);
      row.tokens.output = all.integer(9);
      row.timed = all.integer(10);
      rows.push_back(std::move(row));
    }
    for (Usage& row : rows) {
      FM_TRY(row.percentiles, percentiles(table, column, period, row));
      FM_TRY(row.trend, trend(table, column, period, row.name));
    }
    return {};
  }));
  return rows;
}

Result<Percentiles> SqliteReader::percentiles(const std::string& table, const std::string& column, const Period& period,
                                              const Usage& of) {
  FM_TRY(Statement at, database_.db().prepare("SELECT execution_time_ms FROM " + table +
                                              " WHERE execution_time_ms IS NOT NULL AND " + column +
                                              " = ? AND timestamp >= ? AND timestamp < ? "
                                              "ORDER BY execution_time_ms LIMIT 1 OFFSET ?"));
  Percentiles out;
  const std::pair<double*, std::int64_t> wanted[] = {{&out.p50, 50}, {&out.p90, 90}, {&out.p95, 95}, {&out.p99, 99}};
  for (const auto& [value, percent] : wanted) {
    const std::int64_t rank = (of.timed * percent + 99) / 100;  // nearest rank, from 1
    FM_TRY_(at.bind(of.name, to_ms(period.since), to_ms(period.until), std::max<std::int64_t>(rank, 1) - 1).step());
    *value = at.real(0);
    at.reset();
  }
  return out;
}

Result<Trend> SqliteReader::trend(const std::string& table, const std::string& column, const Period& period,
                                  std::string_view name) {
  const Millis newest = std::max<Millis>((period.until - period.since) / 5, std::chrono::days(2));
  FM_TRY(Statement means,
         database_.db().prepare("SELECT avg(execution_time_ms) FILTER (WHERE timestamp < ?4), "
                                "avg(execution_time_ms) FILTER (WHERE timestamp >= ?4) FROM " +
                                table + " WHERE " + column + " = ?1 AND timestamp >= ?2 AND timestamp < ?3"));
  FM_TRY_(means.bind(name, to_ms(period.since), to_ms(period.until), to_ms(period.until - newest)).step());
  if (means.is_null(0) || means.is_null(1)) return Trend::stable;
  const double before = means.real(0), now = means.real(1);
  if (now < before * 0.9) return Trend::improving;
  if (now > before * 1.1) return Trend::degrading;
  return Trend::stable;
}

Result<std::vector<Session>> SqliteReader::sessions(const Period& period, std::int64_t limit) {
  const Db::Watch watching = watch();
  std::vector<Session> rows;
  FM_TRY(Statement ids, database_.db().prepare("SELECT session_id FROM " + all_times() +
                                               " WHERE session_id IS NOT NULL AND timestamp >= ? AND timestamp < ? "
                                               "GROUP BY session_id ORDER BY max(timestamp) DESC, session_id LIMIT ?"));
  FM_TRY_(database_.read([&]() -> Result<void> {
    ids.bind(to_ms(period.since), to_ms(period.until), limit);
    while (true) {
      FM_TRY(const bool more, ids.step());
      if (!more) return {};
      FM_TRY(Session row, describe(ids.text(0)));
      rows.push_back(std::move(row));
    }
  }));
  return rows;
}

Result<std::optional<Session>> SqliteReader::session(std::string_view id) {
  const Db::Watch watching = watch();
  FM_TRY(Session found, describe(id));
  if (found.last == WallTime{}) return std::optional<Session>();
  return std::optional(std::move(found));
}

Result<Session> SqliteReader::describe(std::string_view id) {
  Db& db = database_.db();
  Session out;
  out.id = id;
  FM_TRY(const Period days, days_of(id));
  FM_TRY(Statement times,
         db.prepare("SELECT min(timestamp), max(timestamp) FROM " + all_times() + std::string(kOfSession)));
  FM_TRY_(times.bind(id, to_ms(days.since), to_ms(days.until)).step());
  out.start = from_ms(times.integer(0));
  out.last = from_ms(times.integer(1));
  times.reset();

  FM_TRY(Statement outcomes,
         db.prepare("SELECT sum(what = 'command'), sum(what = 'tool'), sum(status <> 'success'), count(*), "
                    "avg(CASE WHEN what = 'command' THEN execution_time_ms END), sum(execution_time_ms), max(user_id), "
                    "max(project) FROM " +
                    std::string(kOutcomes) + std::string(kOfSession)));
  FM_TRY_(outcomes.bind(id, to_ms(days.since), to_ms(days.until)).step());
  out.commands = outcomes.integer(0);
  out.tools = outcomes.integer(1);
  out.errors = outcomes.integer(2);
  const std::int64_t all = outcomes.integer(3);
  if (all > 0) out.success_rate = static_cast<double>(all - out.errors) / static_cast<double>(all);
  if (!outcomes.is_null(4)) out.avg_command_ms = outcomes.real(4);
  out.total_ms = outcomes.real(5);
  out.user_id = outcomes.text(6);
  out.project = outcomes.text(7);
  outcomes.reset();

  // Changes merge by field, the newest wins; a session without any is active.
  FM_TRY(Statement changes, db.prepare("SELECT change, status, session_start, session_end, total_duration_ms, "
                                       "productivity_score, user_id, project, timestamp FROM user_session" +
                                       std::string(kOfSession) + " ORDER BY timestamp, seq"));
  changes.bind(id, to_ms(days.since), to_ms(days.until));
  out.status = "active";
  while (true) {
    FM_TRY(const bool more, changes.step());
    if (!more) break;
    const bool ended = changes.text(0) == "end";
    if (changes.text(0) == "start") {
      out.started = true;
      out.status = "active";
      out.end.reset();
    }
    if (!changes.is_null(1))
      out.status = changes.text(1);
    else if (ended)
      out.status = "completed";
    if (!changes.is_null(2)) out.start = from_ms(changes.integer(2));
    if (!changes.is_null(3))
      out.end = from_ms(changes.integer(3));
    else if (ended)
      out.end = from_ms(changes.integer(8));
    if (!changes.is_null(4) && ended) out.end = out.start + Millis(static_cast<std::int64_t>(changes.real(4)));
    if (!changes.is_null(5)) out.productivity_score = changes.real(5);
    if (!changes.is_null(6)) out.user_id = changes.text(6);
    if (!changes.is_null(7)) out.project = changes.text(7);
  }
  FM_TRY(out.tools_used, names("tool_name", "tool_usage", id, days));
  FM_TRY(out.agents_used, names("agent_name", "agent_interaction", id, days));
  return out;
}

Result<Period> SqliteReader::days_of(std::string_view session) {
  FM_TRY(Statement days,
         database_.db().prepare("SELECT unixepoch(min(day)) * 1000, unixepoch(max(day), '+1 day') * 1000 "
                                "FROM ledger WHERE session_id = ?"));
  FM_TRY_(days.bind(session).step());
  return Period{from_ms(days.integer(0)), from_ms(days.integer(1))};
}

Result<std::vector<std::string>> SqliteReader::names(std::string_view column, std::string_view table,
                                                     std::string_view session, const Period& days) {
  std::vector<std::string> out;
  FM_TRY(Statement list, database_.db().prepare("SELECT DISTINCT " + std::string(column) + " FROM " +
                                                std::string(table) + std::string(kOfSession) + " ORDER BY 1"));
  list.bind(session, to_ms(days.since), to_ms(days.until));
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return out;
    out.emplace_back(list.text(0));
  }
}

Result<std::vector<metrics::Recent>> SqliteReader::recent(const metrics::Kind& kind, const Period& period,
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

Result<std::vector<metrics::Person>> SqliteReader::people(const Period& period) {
  const Db::Watch watching = watch();
  std::vector<metrics::Person> out;
  FM_TRY(Statement list, database_.db().prepare(
                             "SELECT coalesce(user_id, ''), count(DISTINCT session_id), sum(what = 'command'), "
                             "sum(what = 'tool'), sum(status <> 'success') FROM " +
                             std::string(kOutcomes) + " WHERE timestamp >= ? AND timestamp < ? GROUP BY 1 ORDER BY 1"));
  list.bind(to_ms(period.since), to_ms(period.until));
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return out;
    out.push_back({std::string(list.text(0)), list.integer(1), list.integer(2), list.integer(3), list.integer(4)});
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

Result<std::vector<metrics::Day>> SqliteReader::days(const Period& period) {
  const Db::Watch watching = watch();
  std::vector<metrics::Day> out;
  FM_TRY(Statement list, database_.db().prepare(
                             "SELECT date(timestamp / 1000, 'unixepoch'), sum(what = 'command'), sum(what = 'tool'), "
                             "sum(status <> 'success') FROM " +
                             std::string(kOutcomes) + " WHERE timestamp >= ? AND timestamp < ? GROUP BY 1 ORDER BY 1"));
  list.bind(to_ms(period.since), to_ms(period.until));
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return out;
    out.push_back({std::string(list.text(0)), list.integer(1), list.integer(2), list.integer(3)});
  }
}

Result<std::vector<std::string>> SqliteReader::words(std::string_view field, const Period& period, std::int64_t limit) {
  const Db::Watch watching = watch();
  std::string all;
  for (const metrics::Kind& kind : metrics::kinds())
    for (const schema::Field& one : kind.shape)
      if (one.name == field && std::holds_alternative<schema::Text>(one.type))
        all += (all.empty() ? "SELECT " : " UNION ALL SELECT ") + std::string(field) + " AS word, timestamp FROM " +
               std::string(kind.name) + " WHERE timestamp >= ?1 AND timestamp < ?2";
  std::vector<std::string> out;
  if (all.empty()) return out;
  FM_TRY(Statement list, database_.db().prepare("SELECT word FROM (" + all +
                                                ") WHERE word <> '' GROUP BY word ORDER BY max(timestamp) DESC, word "
                                                "LIMIT ?3"));
  list.bind(to_ms(period.since), to_ms(period.until), limit);
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
