#include "fortium/metrics/slice_reader.h"

#include <algorithm>
#include <functional>
#include <set>

#include "fortium/metrics/active_time.h"
#include "reading.h"

namespace fortium::metrics {

namespace {

constexpr Wanted kSums{.durations = false};

Result<void> done(const Result<bool>& more) { return more ? Result<void>() : Result<void>(more.error()); }

// The text of a slice that stands in this field of its records; nullptr: they have none, or it is in no slice.
const std::string* word_of(const Slice& slice, std::string_view field) {
  if (field == "session_id") return &slice.key.session_id;
  if (field == "user_id") return &slice.key.user_id;
  if (field == "project") return &slice.key.project;
  return field == kinds()[slice.key.kind].shape[kEnvelopeSize].name ? &slice.key.name : nullptr;
}

// Durations of one name, before and after the moment that a trend compares.
struct Halves {
  Figures before, now;
};

Trend trend_of(const Halves& halves) {
  const auto before = mean_ms(halves.before), now = mean_ms(halves.now);
  return before && now ? metrics::trend_of(*now, *before) : Trend::stable;
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

}  // namespace

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

Result<void> SliceReader::slices(const Period& period, Millis phase, const Wanted& wanted, const TakeSlice& take) {
  return at_one_moment([&]() -> Result<void> {
    if (phase != Millis(0)) return done(slices_of_records(period, phase, wanted, take));
    return fold(period, wanted, take);
  });
}

Result<void> SliceReader::session_hours(const Period& period, Millis phase, const Within& within,
                                        const SessionHours::Take& take) {
  return at_one_moment([&]() -> Result<void> {
    if (phase == Millis(0)) return fold_sessions(period, within, take);
    SessionHours hours(take);
    const Wanted wanted{.durations = false, .within = within};
    FM_TRY(const bool more, slices_of_records(period, phase, wanted, [&](const Slice& slice) {
             return !wanted.has(slice.key) || hours.add(slice);
           }));
    if (more) hours.finish();
    return {};
  });
}

Result<void> SliceReader::name_spans(const Period& period, const Wanted& wanted, const NameSpans::Take& take) {
  return at_one_moment([&] { return fold_names(period, wanted, take); });
}

Result<void> SliceReader::fold_sessions(const Period& period, const Within& within, const SessionHours::Take& take) {
  constexpr Millis kUnits[] = {std::chrono::hours(1)};
  const Wanted wanted{.durations = false, .within = within};
  bool more = true;
  const SessionHours::Take tell = [&](const SessionHour& hour) { return more = take(hour); };
  SessionHours rest(tell);
  return added_up(period, wanted,
                  {.units = kUnits,
                   .each = [&](Millis /*unit*/, std::int64_t from,
                               std::int64_t until) { return each_session_hour(from, until, within, tell); },
                   .add = [&](const Slice& slice) { return !wanted.has(slice.key) || rest.add(slice); },
                   .finish = [&rest] { return rest.finish(); },
                   .more = more});
}

Result<void> SliceReader::fold_names(const Period& period, const Wanted& wanted, const NameSpans::Take& take) {
  static const std::vector<Millis> units = [] {
    std::vector<Millis> out;
    for (const std::int64_t hours : kSpans) out.emplace_back(std::chrono::hours(hours));
    return out;
  }();
  bool more = true;
  const NameSpans::Take tell = [&](const NameSpan& span) { return more = take(span); };
  NameSpans rest(kSpans[0], wanted.durations, tell);
  const Wanted without = wanted.without_sessions();
  return added_up(period, without,
                  {.units = units,
                   .each =
                       [&](Millis unit, std::int64_t from, std::int64_t until) {
                         return each_name_span(unit / std::chrono::hours(1), from, until, without, tell);
                       },
                   .add = [&](const Slice& slice) { return !without.has(slice.key) || rest.add(slice); },
                   .finish = [&rest] { return rest.finish(); },
                   .more = more});
}

Result<void> SliceReader::added_up(const Period& period, const Wanted& wanted, const AddedUp& from) {
  if (period.since >= period.until) return {};
  if (from.units.empty()) {
    FM_TRY_(fold(period, wanted, from.add));
    if (from.more) from.finish();
    return {};
  }
  const Millis unit = from.units.front();
  AddedUp shorter = from;
  shorter.units = from.units.subspan(1);
  const auto begin = [unit](std::int64_t place) { return WallTime(place * unit); };
  const std::int64_t first = (period.since.time_since_epoch() + unit - Millis(1)) / unit;
  const std::int64_t last = period.until.time_since_epoch() / unit;
  if (first >= last) return added_up(period, wanted, shorter);
  FM_TRY_(added_up({period.since, begin(first)}, wanted, shorter));
  if (!from.more) return {};
  FM_TRY(const std::int64_t next, from.each(unit, first, last));
  if (!from.more) return {};
  return added_up({begin(next), period.until}, wanted, shorter);
}

Result<void> SliceReader::fold(const Period& period, const Wanted& wanted, const TakeSlice& take) {
  if (period.since >= period.until) return {};
  std::int64_t hour = hour_of(period.since);
  const std::int64_t last = hour_of(period.until);
  bool more = true;
  if (begin_of(hour) < period.since) {
    FM_TRY(more, part_of_hour(hour++, period, wanted, take));
  }
  if (more && hour < last) {
    FM_TRY(more, each_slice(hour, last, wanted, take));
  }
  if (more && hour <= last && begin_of(last) < period.until) return done(part_of_hour(last, period, wanted, take));
  return {};
}

// Of an hour that the period cuts: its rows, if it cuts none of them, else its records.
Result<bool> SliceReader::part_of_hour(std::int64_t hour, const Period& period, const Wanted& wanted,
                                       const TakeSlice& take) {
  std::vector<Slice> within;
  FM_TRY(const bool whole, each_slice(hour, hour + 1, wanted, [&](const Slice& slice) {
           const auto& [first, last] = std::pair(slice.figures.first, slice.figures.last);
           if (last < period.since || first >= period.until) return true;
           within.push_back(slice);
           return first >= period.since && last < period.until;
         }));
  if (!whole)
    return slices_of_records({std::max(period.since, begin_of(hour)), std::min(period.until, begin_of(hour + 1))},
                             Millis(0), wanted, take);
  return std::ranges::all_of(within, take);
}

// Day by day, so that no more is held than one. False: `take` has said no.
Result<bool> SliceReader::slices_of_records(const Period& period, Millis phase, const Wanted& wanted,
                                            const TakeSlice& take) {
  WallTime from = period.since;
  while (true) {
    FM_TRY(const std::optional<WallTime> next, first_record({from, period.until}));
    if (!next) return true;
    const WallTime until = std::min(begin_of(hour_of(*next, phase) + kHoursADay, phase), period.until);
    Slicer slicer(phase);
    for (const Kind& kind : kinds()) {
      if (!wanted.has(index_of(kind))) continue;
      FM_TRY_(each_sliced(kind, {*next, until}, [&](const Event& event) {
        slicer.add(event);
        return true;
      }));
    }
    for (const auto& [key, figures] : slicer.slices())
      if (!take({key, figures})) return false;
    from = until;
  }
}

Result<Summary> SliceReader::summary(const Period& period) {
  Summary out;
  out.period = period;
  std::int64_t priced = 0, cost_nano_usd = 0;
  ActiveTime active;
  Figures commands;
  const auto add_session = [&](const SessionHour& hour) {
    active.add(hour.session_id, hour.hour, hour.minutes);
    out.errors += hour.errors();
    out.commands += hour.counts[kCommand];
    out.tools += hour.counts[kTool];
    out.agents += hour.counts[kAgent];
    grow(out.tokens.input, hour.input_tokens);
    grow(out.tokens.output, hour.output_tokens);
    grow(out.tokens.cache_read, hour.cache_read_tokens);
    grow(out.tokens.cache_creation, hour.cache_creation_tokens);
    grow(priced, hour.priced);
    grow(cost_nano_usd, hour.cost_nano_usd);
    return true;
  };
  const auto add_command = [&commands](const NameSpan& span) {
    commands.merge_sums(span.figures);
    return true;
  };
  FM_TRY_(at_one_moment([&]() -> Result<void> {
    FM_TRY_(fold_sessions(period, {}, add_session));
    return fold_names(period, {.kinds = 1U << kCommand, .durations = false}, add_command);
  }));
  out.sessions = active.sessions();
  out.active_ms = active.total().count();
  if (priced > 0) out.cost_usd = static_cast<double>(cost_nano_usd) / 1e9;
  out.avg_command_ms = mean_ms(commands);
  out.success_rate = success_rate(out.commands + out.tools + out.agents, out.errors);
  return out;
}

Result<std::vector<Usage>> SliceReader::usage(const Kind& kind, const Period& period, std::string_view only,
                                              std::int64_t limit) {
  const Millis newest = std::max<Millis>((period.until - period.since) / 5, std::chrono::days(2));
  // From a full hour on, as one that is cut has to be counted record by record.
  const WallTime cut = std::max<WallTime>(begin_of(hour_of(period.until - newest)), period.since);
  const Wanted wanted{.kinds = 1U << index_of(kind)};
  std::map<std::string, Halves, std::less<>> names;
  bool sound = true;
  const auto into = [&](Figures Halves::*half) {
    return [&, half](const NameSpan& span) {
      if (!only.empty() && span.name != only) return true;
      Figures& figures = names[span.name].*half;
      figures.merge_sums(span.figures);
      return sound = figures.durations.merge_bytes(span.durations);
    };
  };
  FM_TRY_(at_one_moment([&]() -> Result<void> {
    FM_TRY_(fold_names({period.since, cut}, wanted, into(&Halves::before)));
    return fold_names({cut, period.until}, wanted, into(&Halves::now));
  }));
  if (!sound) return NameSpan::senseless();
  std::vector<Usage> rows;
  rows.reserve(names.size());
  for (const auto& [name, halves] : names) rows.push_back(usage_of(name, halves));
  std::ranges::stable_sort(rows, std::greater(), &Usage::count);
  if (rows.size() > static_cast<std::size_t>(limit)) rows.resize(static_cast<std::size_t>(limit));
  return rows;
}

Result<std::vector<Person>> SliceReader::people(const Period& period) {
  struct Work {
    Person person;
    std::set<std::string> sessions;
  };
  std::map<std::string, Work> all;
  FM_TRY_(slices(period, Millis(0), {.kinds = kOutcomes, .durations = false}, [&](const Slice& slice) {
    if (!has_outcome(slice.key.kind)) return true;
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
  FM_TRY_(session_hours(period, Millis(0), {}, [&](const SessionHour& hour) {
    if (hour.counts[kCommand] + hour.counts[kTool] + hour.counts[kAgent] == 0) return true;
    std::string day = day_of(begin_of(hour.hour));
    if (out.empty() || out.back().day != day) out.push_back({.day = std::move(day)});
    out.back().commands += hour.counts[kCommand];
    out.back().tools += hour.counts[kTool];
    out.back().errors += hour.errors();
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
  FM_TRY_(slices(period, Millis(0), kSums, [&](const Slice& slice) {
    const std::string* word = word_of(slice, field);
    if (word == nullptr || word->empty()) return true;
    WallTime& at = last[*word];
    at = std::max(at, slice.figures.last);
    return true;
  }));
  return newest_first(last, limit);
}

}  // namespace fortium::metrics
