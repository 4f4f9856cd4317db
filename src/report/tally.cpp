#include "tally.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <optional>

namespace fortium::report {

namespace {

// Finds groups: those that come one after the other are often the same.
class Grouper {
 public:
  Grouper(Groups& groups, const GroupBy& by) : groups_(groups), by_(by) {}

  // nullptr: in no group.
  Tally* of(const Told& told) {
    const auto group = by_(told);
    if (!group) return nullptr;
    if (last_ == groups_.end() || last_->first != *group) last_ = groups_.try_emplace(*group).first;
    return &last_->second;
  }

 private:
  Groups& groups_;
  const GroupBy& by_;
  Groups::iterator last_ = groups_.end();
};

// Local time of hours that come in order.
class LocalHours {
 public:
  explicit LocalHours(const Zone& zone) : zone_(zone) {}

  const LocalTime& of(std::int64_t hour, WallTime time) {
    if (hour != hour_) local_ = zone_.local(time);
    hour_ = hour;
    return local_;
  }

 private:
  const Zone& zone_;
  std::int64_t hour_ = INT64_MIN;
  LocalTime local_;
};

bool fits(const Filter& filter, const std::string& project, const std::string& source) {
  return (filter.project.empty() || project == filter.project) && (filter.source.empty() || source == filter.source);
}

}  // namespace

// The days of hours of UTC, which come day by day.
class LocalDays {
 public:
  // Of an hour in which the period begins, the part that is in it counts.
  LocalDays(const Zone& zone, WallTime since) : zone_(zone), since_(since) {}

  std::chrono::sys_days of(std::int64_t day, std::size_t hour) {
    if (day != day_) local_ = {};
    day_ = day;
    auto& local = local_[hour];
    const std::int64_t number = day * metrics::kHoursADay + static_cast<std::int64_t>(hour);
    if (!local) local = zone_.local(std::max(metrics::begin_of(number), since_)).day;
    return *local;
  }

 private:
  const Zone& zone_;
  const WallTime since_;
  std::int64_t day_ = INT64_MIN;
  std::array<std::optional<std::chrono::sys_days>, metrics::kHoursADay> local_;
};

std::int64_t Tally::records() const { return std::accumulate(counts.begin(), counts.end(), std::int64_t{0}); }

void Tally::add_times(WallTime since, WallTime until, std::string_view in) {
  const bool none = records() == 0;
  first = none ? since : std::min(first, since);
  last = none ? until : std::max(last, until);
  if (in.empty() || std::pair(until, in) <= std::pair(project_at_, std::string_view(project))) return;
  project = in;
  project_at_ = until;
}

void Tally::add(const metrics::NameDay& day, LocalDays& local, bool percentiles) {
  const metrics::Figures& figures = day.figures;
  add_times(figures.first, figures.last, day.project);
  counts[day.kind] += figures.count;
  if (metrics::has_outcome(day.kind)) percentiles ? outcomes.merge(figures) : outcomes.merge_sums(figures);
  if (day.kind == kRequests) requests.merge_sums(figures);
  for (std::size_t hour = 0; hour < day.by_hour.size(); ++hour)
    if (day.by_hour[hour] > 0) by_day[local.of(day.day, hour)] += day.by_hour[hour];
  if (figures.errors() == 0) return;
  const auto begin = [&day](int hour) { return metrics::begin_of(day.day * metrics::kHoursADay + hour); };
  const WallTime first_of_day = begin(std::countr_zero(day.bad_hours));
  first_bad = bad_by_project.empty() ? first_of_day : std::min(first_bad, first_of_day);
  last_bad = std::max(last_bad, begin(31 - std::countl_zero(day.bad_hours)));
  bad_by_project[day.project] += figures.errors();
}

void Tally::add(const metrics::SessionHour& hour, Millis phase, const LocalTime& local) {
  add_times(hour.first, hour.last, hour.project);
  std::int64_t records = 0;
  for (std::size_t kind = 0; kind < counts.size(); ++kind) {
    counts[kind] += hour.counts[kind];
    records += hour.counts[kind];
    if (metrics::has_outcome(kind)) outcomes.count += hour.counts[kind];
  }
  for (std::size_t i = 0; i < hour.by_status.size(); ++i) metrics::grow(outcomes.by_status[i], hour.by_status[i]);
  requests.count += hour.counts[kRequests];
  for (const auto& [sum, by] :
       {std::pair(&requests.input_tokens, hour.input_tokens), std::pair(&requests.output_tokens, hour.output_tokens),
        std::pair(&requests.cache_read_tokens, hour.cache_read_tokens),
        std::pair(&requests.cache_creation_tokens, hour.cache_creation_tokens),
        std::pair(&requests.priced, hour.priced), std::pair(&requests.cost_nano_usd, hour.cost_nano_usd)})
    metrics::grow(*sum, by);
  time.add(hour.session_id, hour.hour, hour.minutes, phase);
  by_day[local.day] += records;
}

Result<Folded> fold_names(metrics::Reader& reader, const metrics::Period& period, const Zone& zone,
                          const Filter& filter, const GroupBy& by) {
  static const std::string kNoSession;
  static const LocalTime kNoTime;
  Folded out;
  const bool percentiles = filter.percentiles != Percentiles::none;
  Grouper groups(out.groups, by);
  for (const Zone::Part& part : zone.parts(period, filter.grain)) {
    LocalDays days(zone, part.period.since);
    const auto add = [&](const metrics::NameDay& day) {
      if (!fits(filter, day.project, day.source)) return true;
      out.all.add(day, days, /*percentiles=*/false);
      if (Tally* const group = groups.of({kNoSession, day.project, kNoTime, day.kind, day.name}))
        group->add(day, days, percentiles);
      return true;
    };
    FM_TRY_(reader.name_days(part.period, {.kinds = filter.kinds, .durations = percentiles}, add));
  }
  if (filter.percentiles == Percentiles::of_all)
    for (const auto& [name, tally] : out.groups) out.all.outcomes.durations.merge(tally.outcomes.durations);
  return out;
}

Result<Folded> fold_sessions(metrics::Reader& reader, const metrics::Period& period, const Zone& zone,
                             const Filter& filter, const GroupBy& by) {
  static const std::string kNoName;
  Folded out;
  Grouper groups(out.groups, by);
  for (const Zone::Part& part : zone.parts(period, filter.grain)) {
    LocalHours hours(zone);
    FM_TRY_(reader.session_hours(part.period, part.phase, [&](const metrics::SessionHour& hour) {
      if (!fits(filter, hour.project, hour.source)) return true;
      const LocalTime& local = hours.of(hour.hour, hour.first);
      out.all.add(hour, part.phase, local);
      if (Tally* const group = groups.of({hour.session_id, hour.project, local, metrics::kKindCount, kNoName}))
        group->add(hour, part.phase, local);
      return true;
    }));
  }
  return out;
}

}  // namespace fortium::report
