#include "fortium/metrics/report.h"

namespace fortium::metrics {

std::string_view name(Trend trend) {
  switch (trend) {
    case Trend::improving: return "improving";
    case Trend::stable: return "stable";
    case Trend::degrading: return "degrading";
  }
  return "stable";
}

Trend trend_of(double mean, double mean_before) {
  constexpr double kStable = 0.1;
  if (mean < mean_before * (1 - kStable)) return Trend::improving;
  if (mean > mean_before * (1 + kStable)) return Trend::degrading;
  return Trend::stable;
}

Result<void> Reader::session_hours(const Period& period, Millis phase,
                                   const std::function<bool(const SessionHour&)>& take) {
  SessionHours hours(take);
  FM_TRY_(slices(period, phase, {.durations = false}, [&hours](const Slice& slice) { return hours.add(slice); }));
  hours.finish();
  return {};
}

Result<void> Reader::name_days(const Period& period, const Wanted& wanted,
                               const std::function<bool(const NameDay&)>& take) {
  NameDays days(wanted.durations, take);
  const Wanted without{.kinds = wanted.kinds, .sessions = false, .durations = wanted.durations};
  FM_TRY_(slices(period, Millis(0), without,
                 [&](const Slice& slice) { return !wanted.has(slice.key.kind) || days.add(slice); }));
  days.finish();
  return {};
}

}  // namespace fortium::metrics
