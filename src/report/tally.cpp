#include "tally.h"

#include <algorithm>
#include <numeric>
#include <tuple>

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

metrics::Within within(const Filter& filter) { return {filter.project, filter.source}; }

}  // namespace

// The local days of hours of UTC.
class LocalDays {
 public:
  // Of an hour in which the period begins, the part that is in it counts.
  LocalDays(const Zone& zone, WallTime since) : times_(zone), since_(since) {}

  std::chrono::sys_days of(std::int64_t hour) {
    const WallTime time = std::max(metrics::begin_of(hour), since_);
    return std::chrono::floor<std::chrono::days>(time + times_.ahead(time));
  }

 private:
  LocalTimes times_;
  const WallTime since_;
};

std::int64_t Tally::records() const { return std::accumulate(counts.begin(), counts.end(), std::int64_t{0}); }

void Tally::add_times(WallTime since, WallTime until) {
  const bool none = records() == 0;
  first = none ? since : std::min(first, since);
  last = none ? until : std::max(last, until);
}

void Tally::add(const metrics::NameSpan& span, LocalDays& local) {
  const metrics::Figures& figures = span.figures;
  add_times(figures.first, figures.last);
  counts[span.kind] += figures.count;
  if (metrics::has_outcome(span.kind)) outcomes.merge_sums(figures);
  if (span.kind == kRequests) requests.merge_sums(figures);
  std::int64_t* of_day = nullptr;
  for (std::chrono::sys_days before; const auto& [hour, count] : span.hours) {
    const std::chrono::sys_days day = local.of(hour);
    if (of_day == nullptr || day != before) of_day = &by_day[before = day];
    *of_day += count;
  }
  if (figures.errors() == 0) return;
  const WallTime bad = metrics::begin_of(span.first_bad);
  first_bad = bad_by_project.empty() ? bad : std::min(first_bad, bad);
  last_bad = std::max(last_bad, metrics::begin_of(span.last_bad));
  for (const auto& [bad_project, times] : span.bad_projects) bad_by_project[bad_project] += times;
}

void Tally::add(const metrics::SessionHour& hour, Millis phase, const LocalTime& local) {
  add_times(hour.first, hour.last);
  if (!hour.project.empty() && std::tie(hour.last, hour.project) > std::tie(project_at_, project)) {
    project = hour.project;
    project_at_ = hour.last;
  }
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
  static const std::string kNobody;
  static const LocalTime kNoTime;
  Folded out;
  const bool percentiles = filter.percentiles != Percentiles::none;
  bool sound = true;
  Grouper groups(out.groups, by);
  for (const Zone::Part& part : zone.parts(period, filter.grain)) {
    LocalDays days(zone, part.period.since);
    const auto add = [&](const metrics::NameSpan& span) {
      out.all.add(span, days);
      Tally* const group = groups.of({kNobody, kNobody, kNoTime, span.kind, span.name});
      if (group == nullptr) return true;
      group->add(span, days);
      return sound = !percentiles || group->outcomes.durations.merge_bytes(span.durations);
    };
    FM_TRY_(reader.name_spans(part.period, {.kinds = filter.kinds, .durations = percentiles, .within = within(filter)},
                              add));
    if (!sound) return metrics::NameSpan::senseless();
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
    LocalTimes times(zone);
    FM_TRY_(reader.session_hours(part.period, part.phase, within(filter), [&](const metrics::SessionHour& hour) {
      const LocalTime local = times.of(hour.first);
      out.all.add(hour, part.phase, local);
      if (Tally* const group = groups.of({hour.session_id, hour.project, local, metrics::kKindCount, kNoName}))
        group->add(hour, part.phase, local);
      return true;
    }));
  }
  return out;
}

}  // namespace fortium::report
