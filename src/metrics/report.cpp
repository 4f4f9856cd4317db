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

Result<void> Reader::session_hours(const Period& period, Millis phase,
                                   const std::function<bool(const SessionHour&)>& take) {
  SessionHours hours(take);
  FM_TRY_(slices(period, phase, {.durations = false}, [&hours](const Slice& slice) { return hours.add(slice); }));
  hours.finish();
  return {};
}

}  // namespace fortium::metrics
