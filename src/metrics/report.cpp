#include "fortium/metrics/report.h"

#include <chrono>

namespace fortium::metrics {

namespace {

constexpr Millis kInWholeHours = std::chrono::days(1);  // periods of at least this length

}  // namespace

Period last(Millis time, WallTime now) {
  const WallTime since = now - time;
  return {time < kInWholeHours ? since : begin_of(hour_of(since)), now + Millis(1)};
}

Period period_before(const Period& period) {
  const Millis length = period.until - period.since;
  return {period.since - (length < kInWholeHours ? length : std::chrono::floor<std::chrono::hours>(length)),
          period.since};
}

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

Result<void> Reader::session_hours(const Period& period, Millis phase, const Within& within,
                                   const std::function<bool(const SessionHour&)>& take) {
  SessionHours hours(take);
  const Wanted wanted{.durations = false, .within = within};
  FM_TRY_(
      slices(period, phase, wanted, [&](const Slice& slice) { return !wanted.has(slice.key) || hours.add(slice); }));
  hours.finish();
  return {};
}

Result<void> Reader::name_spans(const Period& period, const Wanted& wanted,
                                const std::function<bool(const NameSpan&)>& take) {
  NameSpans spans(kSpans[0], wanted.durations, take);
  FM_TRY_(slices(period, Millis(0), wanted.without_sessions(),
                 [&](const Slice& slice) { return !wanted.has(slice.key) || spans.add(slice); }));
  spans.finish();
  return {};
}

}  // namespace fortium::metrics
