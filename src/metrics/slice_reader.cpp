#include "fortium/metrics/slice_reader.h"

#include <algorithm>
#include <functional>
#include <set>

#include "fortium/metrics/active_time.h"

namespace fortium::metrics {

namespace {

const std::size_t kCommand = index_of(*find_kind("command_execution"));
const std::size_t kTool = index_of(*find_kind("tool_usage"));
const std::size_t kAgent = index_of(*find_kind("agent_interaction"));
const std::size_t kModel = index_of(*find_kind("model_usage"));
const std::size_t kSession = index_of(*find_kind("user_session"));

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
  return field == kinds()[slice.key.kind].shape[kEnvelopeSize].name ? &slice.key.name : nullptr;
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

Result<void> SliceReader::slices(const Period& period, Millis phase, const TakeSlice& take) {
  return at_one_moment([&]() -> Result<void> {
    if (phase != Millis(0)) return done(slices_of_records(period, phase, take));
    return fold(period, nullptr, take);
  });
}

Result<void> SliceReader::fold(const Period& period, const Kind* kind, const TakeSlice& take) {
  std::int64_t hour = hour_of(period.since);
  const std::int64_t last = hour_of(period.until);
  bool more = true;
  if (begin_of(hour) < period.since) {
    FM_TRY(more, part_of_hour(hour++, period, take));
  }
  if (more && hour < last) {
    FM_TRY(more, each_slice(hour, last, kind, take));
  }
  if (more && hour <= last) return done(part_of_hour(last, period, take));
  return {};
}

// Of an hour that the period cuts: its rows, if it cuts none of them, else its records.
Result<bool> SliceReader::part_of_hour(std::int64_t hour, const Period& period, const TakeSlice& take) {
  std::vector<Slice> within;
  FM_TRY(const bool whole, each_slice(hour, hour + 1, nullptr, [&](const Slice& slice) {
           const auto& [first, last] = std::pair(slice.figures.first, slice.figures.last);
           if (last < period.since || first >= period.until) return true;
           within.push_back(slice);
           return first >= period.since && last < period.until;
         }));
  if (!whole)
    return slices_of_records({std::max(period.since, begin_of(hour)), std::min(period.until, begin_of(hour + 1))},
                             Millis(0), take);
  return std::ranges::all_of(within, take);
}

// Hour by hour, so that no more is held than one. False: `take` has said no.
Result<bool> SliceReader::slices_of_records(const Period& period, Millis phase, const TakeSlice& take) {
  WallTime from = period.since;
  while (true) {
    FM_TRY(const std::optional<WallTime> next, first_record({from, period.until}));
    if (!next) return true;
    const WallTime until = std::min(begin_of(hour_of(*next, phase) + 1, phase), period.until);
    Slicer slicer(phase);
    for (const Kind& kind : kinds())
      FM_TRY_(each_record(kind, {*next, until}, "", [&](const Event& event) {
        slicer.add(event);
        return true;
      }));
    for (const auto& [key, figures] : slicer.slices())
      if (!take({key, figures})) return false;
    from = until;
  }
}

Result<Summary> SliceReader::summary(const Period& period) {
  Summary out;
  out.period = period;
  std::int64_t timed = 0, total_us = 0, priced = 0, cost_nano_usd = 0;
  ActiveTime active;
  FM_TRY_(slices(period, Millis(0), [&](const Slice& slice) {
    const Figures& figures = slice.figures;
    active.add(slice);
    if (has_outcome(slice)) out.errors += figures.errors();
    if (slice.key.kind == kTool) out.tools += figures.count;
    if (slice.key.kind == kAgent) out.agents += figures.count;
    if (slice.key.kind == kCommand) {
      out.commands += figures.count;
      timed += figures.timed;
      grow(total_us, figures.total_us);
    }
    if (slice.key.kind == kModel) {
      grow(out.tokens.input, figures.input_tokens);
      grow(out.tokens.output, figures.output_tokens);
      grow(out.tokens.cache_read, figures.cache_read_tokens);
      grow(out.tokens.cache_creation, figures.cache_creation_tokens);
      priced += figures.priced;
      grow(cost_nano_usd, figures.cost_nano_usd);
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

Result<std::vector<Usage>> SliceReader::usage(const Kind& kind, const Period& period, std::string_view only,
                                              std::int64_t limit) {
  const Millis newest = std::max<Millis>((period.until - period.since) / 5, std::chrono::days(2));
  const WallTime cut = std::max(period.until - newest, period.since);
  const std::size_t index = index_of(kind);
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
  FM_TRY_(at_one_moment([&]() -> Result<void> {
    FM_TRY_(fold({period.since, cut}, &kind, into(&Halves::before)));
    FM_TRY_(fold({cut, period.until}, &kind, into(&Halves::now)));
    for (const auto& [name, halves] : names) rows.push_back(usage_of(name, halves));
    std::ranges::stable_sort(rows, std::greater(), &Usage::count);
    if (rows.size() > static_cast<std::size_t>(limit)) rows.resize(static_cast<std::size_t>(limit));
    if (records > kMostExactPercentiles) return {};
    return make_exact(kind, period, rows);
  }));
  return rows;
}

// Percentiles of more than a few durations, from the records, if they are still here.
Result<void> SliceReader::make_exact(const Kind& kind, const Period& period, std::vector<Usage>& rows) {
  std::map<std::string_view, std::vector<double>> durations;
  for (const Usage& row : rows)
    if (row.timed > static_cast<std::int64_t>(Durations::kExact)) durations[row.name];
  if (durations.empty()) return {};
  FM_TRY_(each_duration(kind, period, [&](std::string_view name, double ms) {
    if (const auto at = durations.find(name); at != durations.end()) at->second.push_back(ms);
  }));
  for (Usage& row : rows) {
    const auto at = durations.find(row.name);
    if (at == durations.end() || static_cast<std::int64_t>(at->second.size()) != row.timed) continue;
    row.percentiles = {nearest_rank(at->second, 50), nearest_rank(at->second, 90), nearest_rank(at->second, 95),
                       nearest_rank(at->second, 99)};
  }
  return {};
}

Result<std::vector<Session>> SliceReader::sessions(const Period& period, std::int64_t limit) {
  std::vector<Session> rows;
  FM_TRY_(at_one_moment([&]() -> Result<void> {
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

Result<std::optional<Session>> SliceReader::session(std::string_view id) {
  std::vector<Session> found;
  FM_TRY_(at_one_moment([&]() -> Result<void> {
    FM_TRY(found, describe({std::string(id)}));
    return {};
  }));
  if (found.front().last == WallTime{}) return std::optional<Session>();
  return std::optional(std::move(found.front()));
}

// Whole sessions, also what of them lies outside of any period.
Result<std::vector<Session>> SliceReader::describe(const std::vector<std::string>& ids) {
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
Result<void> SliceReader::add_changes(Session& out, const Period& days) {
  std::vector<Event> changes;
  FM_TRY_(each_record(kinds()[kSession], days, out.id, [&](const Event& change) {
    changes.push_back(change);
    return true;
  }));
  std::ranges::stable_sort(changes, std::less(),
                           [](const Event& at) { return std::pair(at.timestamp(), at.integer(kSeq)); });
  for (const Event& event : changes) {
    if (out.told.kind == nullptr) out.told = {event.kind, schema::Row(event.row.size())};
    for (std::size_t i = 0; i < event.row.size(); ++i)
      if (event.row[i].index() != 0) out.told.row[i] = event.row[i];
    const std::string_view change = event.text_of("change");
    const bool ended = change == "end";
    if (change == "start") {
      out.started = true;
      out.status = "active";
      out.end.reset();
    }
    if (const auto status = event.text_of("status"); !status.empty())
      out.status = status;
    else if (ended)
      out.status = "completed";
    if (const auto start = event.number_of("session_start")) out.start = from_ms(static_cast<std::int64_t>(*start));
    if (const auto end = event.number_of("session_end"))
      out.end = from_ms(static_cast<std::int64_t>(*end));
    else if (ended)
      out.end = event.timestamp();
    if (const auto length = event.number_of("total_duration_ms"); length && ended)
      out.end = out.start + Millis(static_cast<std::int64_t>(*length));
    if (const auto score = event.number_of("productivity_score")) out.productivity_score = *score;
    if (event.has(kUserId)) out.user_id = event.text(kUserId);
    if (event.has(kProject)) out.project = event.text(kProject);
  }
  return {};
}

Result<std::vector<Person>> SliceReader::people(const Period& period) {
  struct Work {
    Person person;
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
  std::vector<Person> out;
  for (auto& [user_id, work] : all) {
    work.person.user_id = user_id;
    work.person.sessions = static_cast<std::int64_t>(work.sessions.size());
    out.push_back(std::move(work.person));
  }
  return out;
}

Result<std::vector<Day>> SliceReader::days(const Period& period) {
  std::vector<Day> out;  // hours come in order, and so do days
  FM_TRY_(slices(period, Millis(0), [&](const Slice& slice) {
    if (!has_outcome(slice)) return true;
    std::string day = day_of(begin_of(slice.key.hour));
    if (out.empty() || out.back().day != day) out.push_back({.day = std::move(day)});
    if (slice.key.kind == kCommand) out.back().commands += slice.figures.count;
    if (slice.key.kind == kTool) out.back().tools += slice.figures.count;
    out.back().errors += slice.figures.errors();
    return true;
  }));
  return out;
}

Result<std::vector<std::string>> SliceReader::words(std::string_view field, const Period& period, std::int64_t limit) {
  std::vector<const Kind*> having;
  bool sliced = true;
  for (const Kind& kind : kinds()) {
    const auto one = std::ranges::find(kind.shape, field, &schema::Field::name);
    if (one == kind.shape.end() || !std::holds_alternative<schema::Text>(one->type)) continue;
    const auto at = static_cast<std::size_t>(one - kind.shape.begin());
    sliced = sliced && (at == kSessionId || at == kUserId || at == kProject || at == kEnvelopeSize);
    having.push_back(&kind);
  }
  if (having.empty()) return std::vector<std::string>();
  if (sliced) return words_of_slices(field, period, limit);
  std::vector<std::string> found;
  FM_TRY_(at_one_moment([&]() -> Result<void> {
    FM_TRY(found, words_of_records(field, having, period, limit));
    return {};
  }));
  return found;
}

Result<std::vector<std::string>> SliceReader::words_of_slices(std::string_view field, const Period& period,
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

}  // namespace fortium::metrics
