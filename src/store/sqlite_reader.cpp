#include "sqlite_reader.h"

#include <algorithm>
#include <functional>
#include <set>

#include "fortium/metrics/active_time.h"
#include "records.h"
#include "slices.h"

namespace fortium::store {

using metrics::Figures;
using metrics::Percentiles;
using metrics::Period;
using metrics::Session;
using metrics::Slice;
using metrics::Summary;
using metrics::Trend;
using metrics::Usage;

namespace {

// One session's changes. The table has no index by session, which each record would have to pay for; but the ledger
// knows the session's days, and by time there is one. ?1: the session; ?2, ?3: its days.
constexpr std::string_view kOfSession = " WHERE session_id = ?1 AND timestamp >= ?2 AND timestamp < ?3";

std::string name_column(const metrics::Kind& kind) { return std::string(kind.shape[metrics::kEnvelopeSize].name); }

const std::size_t kCommand = metrics::index_of(*metrics::find_kind("command_execution"));
const std::size_t kTool = metrics::index_of(*metrics::find_kind("tool_usage"));
const std::size_t kAgent = metrics::index_of(*metrics::find_kind("agent_interaction"));
const std::size_t kModel = metrics::index_of(*metrics::find_kind("model_usage"));

bool has_outcome(const Slice& slice) {
  return slice.key.kind == kCommand || slice.key.kind == kTool || slice.key.kind == kAgent;
}

double to_millis(std::int64_t us) { return static_cast<double>(us) / 1'000; }

std::optional<double> mean_ms(std::int64_t total_us, std::int64_t timed) {
  if (timed == 0) return std::nullopt;
  return to_millis(total_us) / static_cast<double>(timed);
}
std::optional<double> mean_ms(const Figures& of) { return mean_ms(of.total_us, of.timed); }

std::optional<double> success_rate(std::int64_t all, std::int64_t errors) {
  if (all == 0) return std::nullopt;
  return static_cast<double>(all - errors) / static_cast<double>(all);
}

Result<void> done(const Result<bool>& more) { return more ? Result<void>() : Result<void>(more.error()); }

// The text of a slice that stands in this field of its records; nullptr: they have none, or it is in no slice.
const std::string* word_of(const Slice& slice, std::string_view field) {
  if (field == "session_id") return &slice.key.session_id;
  if (field == "user_id") return &slice.key.user_id;
  if (field == "project") return &slice.key.project;
  return field == metrics::kinds()[slice.key.kind].shape[metrics::kEnvelopeSize].name ? &slice.key.name : nullptr;
}

using Times = std::map<std::string, WallTime, std::less<>>;

std::vector<std::string> newest_first(const Times& last, std::int64_t limit) {
  std::vector<Times::const_iterator> order;
  for (auto at = last.begin(); at != last.end(); ++at) order.push_back(at);
  std::ranges::stable_sort(order, std::greater(), [](const auto& at) { return at->second; });
  if (order.size() > static_cast<std::size_t>(limit)) order.resize(static_cast<std::size_t>(limit));
  std::vector<std::string> words;
  words.reserve(order.size());
  for (const auto& at : order) words.push_back(at->first);
  return words;
}

// Durations of one name, before and after the moment that a trend compares.
struct Halves {
  Figures before, now;
};

Trend trend_of(const Halves& halves) {
  const auto before = mean_ms(halves.before), now = mean_ms(halves.now);
  if (!before || !now) return Trend::stable;
  if (*now < *before * 0.9) return Trend::improving;
  if (*now > *before * 1.1) return Trend::degrading;
  return Trend::stable;
}

Usage usage_of(std::string name, const Halves& halves) {
  Figures all = halves.before;
  all.merge(halves.now);
  Usage row;
  row.name = std::move(name);
  row.count = all.count;
  row.successes = all.by_status[0];
  row.errors = all.errors();
  row.timed = all.timed;
  row.total_ms = to_millis(all.total_us);
  row.average_ms = mean_ms(all).value_or(0);
  row.min_ms = to_millis(all.min_us);
  row.max_ms = to_millis(all.max_us);
  for (const auto& [value, percent] :
       {std::pair{&Percentiles::p50, 50}, {&Percentiles::p90, 90}, {&Percentiles::p95, 95}, {&Percentiles::p99, 99}})
    row.percentiles.*value = all.durations.percentile(percent);
  row.last_used = all.last;
  row.trend = trend_of(halves);
  row.tokens.input = all.input_tokens;
  row.tokens.output = all.output_tokens;
  return row;
}

double nearest_rank(std::vector<double>& values, std::size_t percent) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>((values.size() * percent + 99) / 100) - 1;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// What slices say of one session.
struct Facts {
  std::int64_t tools = 0;
  Figures outcomes, commands;
  WallTime first{}, last{};
  std::string user_id, project;
  std::set<std::string> tools_used, agents_used;

  void add(const Slice& slice) {
    first = last == WallTime{} ? slice.figures.first : std::min(first, slice.figures.first);
    last = std::max(last, slice.figures.last);
    if (!has_outcome(slice)) return;
    outcomes.merge(slice.figures);
    if (slice.key.kind == kCommand) commands.merge(slice.figures);
    if (slice.key.kind == kTool) tools += slice.figures.count;
    if (slice.key.kind == kTool) tools_used.insert(slice.key.name);
    if (slice.key.kind == kAgent) agents_used.insert(slice.key.name);
    user_id = std::max(user_id, slice.key.user_id);
    project = std::max(project, slice.key.project);
  }
};

Session session_of(std::string_view id, const Facts& facts) {
  Session out;
  out.id = id;
  out.start = facts.first;
  out.last = facts.last;
  out.status = "active";
  out.user_id = facts.user_id;
  out.project = facts.project;
  out.commands = facts.commands.count;
  out.tools = facts.tools;
  out.errors = facts.outcomes.errors();
  out.total_ms = to_millis(facts.outcomes.total_us);
  out.avg_command_ms = mean_ms(facts.commands);
  out.success_rate = success_rate(facts.outcomes.count, out.errors);
  out.tools_used.assign(facts.tools_used.begin(), facts.tools_used.end());
  out.agents_used.assign(facts.agents_used.begin(), facts.agents_used.end());
  return out;
}

}  // namespace

Result<void> SqliteReader::slices(const Period& period, Millis phase, const TakeSlice& take) {
  const Db::Watch watching = watch();
  return database_.read([&]() -> Result<void> {
    if (phase != Millis(0)) return done(slices_of_records(period, phase, take));
    return fold(period, nullptr, take);
  });
}

Result<void> SqliteReader::fold(const Period& period, const metrics::Kind* kind, const TakeSlice& take) {
  std::int64_t hour = metrics::hour_of(period.since);
  const std::int64_t last = metrics::hour_of(period.until);
  bool more = true;
  if (metrics::begin_of(hour) < period.since) {
    FM_TRY(more, part_of_hour(hour++, period, take));
  }
  if (more && hour < last) {
    FM_TRY(more, each_slice(database_.db(), hour, last, kind, take));
  }
  if (more && hour <= last) return done(part_of_hour(last, period, take));
  return {};
}

// Of an hour that the period cuts: its rows, if it cuts none of them, else its records.
Result<bool> SqliteReader::part_of_hour(std::int64_t hour, const Period& period, const TakeSlice& take) {
  std::vector<Slice> within;
  FM_TRY(const bool whole, each_slice(database_.db(), hour, hour + 1, nullptr, [&](const Slice& slice) {
           const auto& [first, last] = std::pair(slice.figures.first, slice.figures.last);
           if (last < period.since || first >= period.until) return true;
           within.push_back(slice);
           return first >= period.since && last < period.until;
         }));
  if (!whole)
    return slices_of_records(
        {std::max(period.since, metrics::begin_of(hour)), std::min(period.until, metrics::begin_of(hour + 1))},
        Millis(0), take);
  return std::ranges::all_of(within, take);
}

// Hour by hour, so that no more is held than one. False: `take` has said no.
Result<bool> SqliteReader::slices_of_records(const Period& period, Millis phase, const TakeSlice& take) {
  WallTime from = period.since;
  while (true) {
    FM_TRY(const std::optional<WallTime> next, next_record(database_, from, period.until));
    if (!next) return true;
    const WallTime until = std::min(metrics::begin_of(metrics::hour_of(*next, phase) + 1, phase), period.until);
    FM_TRY(const metrics::Slicer slicer, slice_records(database_, *next, until, phase));
    for (const auto& [key, figures] : slicer.slices())
      if (!take({key, figures})) return false;
    from = until;
  }
}

Result<Summary> SqliteReader::summary(const Period& period) {
  Summary out;
  out.period = period;
  std::int64_t timed = 0, total_us = 0, priced = 0, cost_nano_usd = 0;
  metrics::ActiveTime active;
  FM_TRY_(slices(period, Millis(0), [&](const Slice& slice) {
    const Figures& figures = slice.figures;
    active.add(slice);
    if (has_outcome(slice)) out.errors += figures.errors();
    if (slice.key.kind == kTool) out.tools += figures.count;
    if (slice.key.kind == kAgent) out.agents += figures.count;
    if (slice.key.kind == kCommand) {
      out.commands += figures.count;
      timed += figures.timed;
      metrics::grow(total_us, figures.total_us);
    }
    if (slice.key.kind == kModel) {
      metrics::grow(out.tokens.input, figures.input_tokens);
      metrics::grow(out.tokens.output, figures.output_tokens);
      metrics::grow(out.tokens.cache_read, figures.cache_read_tokens);
      metrics::grow(out.tokens.cache_creation, figures.cache_creation_tokens);
      priced += figures.priced;
      metrics::grow(cost_nano_usd, figures.cost_nano_usd);
    }
    return true;
  }));
  out.sessions = active.sessions();
  out.active_ms = active.total().count();
  if (priced > 0) out.cost_usd = static_cast<double>(cost_nano_usd) / 1e9;
  out.avg_command_ms = mean_ms(total_us, timed);
  out.success_rate = success_rate(out.commands + out.tools + out.agents, out.errors);
  return out;
}

Result<std::vector<Usage>> SqliteReader::usage(const metrics::Kind& kind, const Period& period, std::string_view only,
                                               std::int64_t limit) {
  const Db::Watch watching = watch();
  const Millis newest = std::max<Millis>((period.until - period.since) / 5, std::chrono::days(2));
  const WallTime cut = std::max(period.until - newest, period.since);
  const std::size_t index = metrics::index_of(kind);
  std::map<std::string, Halves, std::less<>> names;
  std::int64_t records = 0;
  const auto into = [&](Figures Halves::*half) {
    return [&, half](const Slice& slice) {
      if (slice.key.kind != index) return true;
      records += slice.figures.count;
      if (only.empty() || slice.key.name == only) (names[slice.key.name].*half).merge(slice.figures);
      return true;
    };
  };
  std::vector<Usage> rows;
  FM_TRY_(database_.read([&]() -> Result<void> {
    FM_TRY_(fold({period.since, cut}, &kind, into(&Halves::before)));
    FM_TRY_(fold({cut, period.until}, &kind, into(&Halves::now)));
    for (const auto& [name, halves] : names) rows.push_back(usage_of(name, halves));
    std::ranges::stable_sort(rows, std::greater(), &Usage::count);
    if (rows.size() > static_cast<std::size_t>(limit)) rows.resize(static_cast<std::size_t>(limit));
    if (records > metrics::kMostExactPercentiles) return {};
    return make_exact(kind, period, rows);
  }));
  return rows;
}

// Percentiles of more than a few durations, from the records, if they are still here.
Result<void> SqliteReader::make_exact(const metrics::Kind& kind, const Period& period, std::vector<Usage>& rows) {
  std::map<std::string_view, std::vector<double>> durations;
  for (const Usage& row : rows)
    if (row.timed > static_cast<std::int64_t>(metrics::Durations::kExact)) durations[row.name];
  if (durations.empty()) return {};
  FM_TRY(Statement list,
         database_.db().prepare("SELECT " + name_column(kind) + ", execution_time_ms FROM " + std::string(kind.name) +
                                " WHERE timestamp >= ? AND timestamp < ? "
                                "AND execution_time_ms IS NOT NULL"));
  list.bind(to_ms(period.since), to_ms(period.until));
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) break;
    if (const auto at = durations.find(list.text(0)); at != durations.end()) at->second.push_back(list.real(1));
  }
  for (Usage& row : rows) {
    const auto at = durations.find(row.name);
    if (at == durations.end() || static_cast<std::int64_t>(at->second.size()) != row.timed) continue;
    row.percentiles = {nearest_rank(at->second, 50), nearest_rank(at->second, 90), nearest_rank(at->second, 95),
                       nearest_rank(at->second, 99)};
  }
  return {};
}

Result<std::vector<Session>> SqliteReader::sessions(const Period& period, std::int64_t limit) {
  const Db::Watch watching = watch();
  std::vector<Session> rows;
  FM_TRY_(database_.read([&]() -> Result<void> {
    Times last;
    FM_TRY_(fold(period, nullptr, [&](const Slice& slice) {
      if (slice.key.session_id.empty()) return true;
      WallTime& at = last[slice.key.session_id];
      at = std::max(at, slice.figures.last);
      return true;
    }));
    FM_TRY(rows, describe(newest_first(last, limit)));
    return {};
  }));
  return rows;
}

Result<std::optional<Session>> SqliteReader::session(std::string_view id) {
  const Db::Watch watching = watch();
  std::vector<Session> found;
  FM_TRY_(database_.read([&]() -> Result<void> {
    FM_TRY(found, describe({std::string(id)}));
    return {};
  }));
  if (found.front().last == WallTime{}) return std::optional<Session>();
  return std::optional(std::move(found.front()));
}

// Whole sessions, also what of them lies outside of any period.
Result<std::vector<Session>> SqliteReader::describe(const std::vector<std::string>& ids) {
  std::map<std::string_view, Facts> facts;
  std::map<std::string_view, Period> days;
  Period all{WallTime::max(), WallTime::min()};
  for (const std::string& id : ids) {
    FM_TRY(const Period of_one, days_of(id));
    days[id] = of_one;
    facts[id];
    if (of_one.until == WallTime{}) continue;
    all = {std::min(all.since, of_one.since), std::max(all.until, of_one.until)};
  }
  if (all.since < all.until)
    FM_TRY_(fold(all, nullptr, [&](const Slice& slice) {
      if (const auto at = facts.find(slice.key.session_id); at != facts.end()) at->second.add(slice);
      return true;
    }));
  std::vector<Session> sessions;
  for (const std::string& id : ids) {
    Session& session = sessions.emplace_back(session_of(id, facts[id]));
    FM_TRY_(add_changes(session, days[id]));
  }
  return sessions;
}

// Changes merge by field, the newest wins; a session without any is active.
Result<void> SqliteReader::add_changes(Session& out, const Period& days) {
  FM_TRY(Statement changes,
         database_.db().prepare("SELECT change, status, session_start, session_end, total_duration_ms, "
                                "productivity_score, user_id, project, timestamp FROM user_session" +
                                std::string(kOfSession) + " ORDER BY timestamp, seq"));
  changes.bind(out.id, to_ms(days.since), to_ms(days.until));
  while (true) {
    FM_TRY(const bool more, changes.step());
    if (!more) return {};
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
}

Result<Period> SqliteReader::days_of(std::string_view session) {
  FM_TRY(Statement days,
         database_.db().prepare("SELECT unixepoch(min(day)) * 1000, unixepoch(max(day), '+1 day') * 1000 "
                                "FROM ledger WHERE session_id = ?"));
  FM_TRY_(days.bind(session).step());
  return Period{from_ms(days.integer(0)), from_ms(days.integer(1))};
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
  struct Work {
    metrics::Person person;
    std::set<std::string> sessions;
  };
  std::map<std::string, Work> all;
  FM_TRY_(slices(period, Millis(0), [&](const Slice& slice) {
    if (!has_outcome(slice)) return true;
    Work& work = all[slice.key.user_id];
    if (!slice.key.session_id.empty()) work.sessions.insert(slice.key.session_id);
    if (slice.key.kind == kCommand) work.person.commands += slice.figures.count;
    if (slice.key.kind == kTool) work.person.tools += slice.figures.count;
    work.person.errors += slice.figures.errors();
    return true;
  }));
  std::vector<metrics::Person> out;
  for (auto& [user_id, work] : all) {
    work.person.user_id = user_id;
    work.person.sessions = static_cast<std::int64_t>(work.sessions.size());
    out.push_back(std::move(work.person));
  }
  return out;
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
  std::vector<metrics::Day> out;  // hours come in order, and so do days
  FM_TRY_(slices(period, Millis(0), [&](const Slice& slice) {
    if (!has_outcome(slice)) return true;
    std::string day = day_of(metrics::begin_of(slice.key.hour));
    if (out.empty() || out.back().day != day) out.push_back({.day = std::move(day)});
    if (slice.key.kind == kCommand) out.back().commands += slice.figures.count;
    if (slice.key.kind == kTool) out.back().tools += slice.figures.count;
    out.back().errors += slice.figures.errors();
    return true;
  }));
  return out;
}

Result<std::vector<std::string>> SqliteReader::words(std::string_view field, const Period& period, std::int64_t limit) {
  std::string all;
  bool sliced = true;
  for (const metrics::Kind& kind : metrics::kinds())
    for (const schema::Field& one : kind.shape) {
      if (one.name != field || !std::holds_alternative<schema::Text>(one.type)) continue;
      const auto at = static_cast<std::size_t>(&one - kind.shape.data());
      sliced = sliced && (at == metrics::kSessionId || at == metrics::kUserId || at == metrics::kProject ||
                          at == metrics::kEnvelopeSize);
      all += (all.empty() ? "SELECT " : " UNION ALL SELECT ") + std::string(field) + " AS word, timestamp FROM " +
             std::string(kind.name) + " WHERE timestamp >= ?1 AND timestamp < ?2";
    }
  if (all.empty()) return std::vector<std::string>();
  return sliced ? words_of_slices(field, period, limit) : words_of_records(all, period, limit);
}

Result<std::vector<std::string>> SqliteReader::words_of_slices(std::string_view field, const Period& period,
                                                               std::int64_t limit) {
  Times last;
  FM_TRY_(slices(period, Millis(0), [&](const Slice& slice) {
    const std::string* word = word_of(slice, field);
    if (word == nullptr || word->empty()) return true;
    WallTime& at = last[*word];
    at = std::max(at, slice.figures.last);
    return true;
  }));
  return newest_first(last, limit);
}

Result<std::vector<std::string>> SqliteReader::words_of_records(const std::string& all, const Period& period,
                                                                std::int64_t limit) {
  const Db::Watch watching = watch();
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
