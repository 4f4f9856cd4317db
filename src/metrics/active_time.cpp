#include "fortium/metrics/active_time.h"

#include <bit>

namespace fortium::metrics {

void ActiveTime::add(const Slice& slice, Millis phase) {
  const SliceKey& key = slice.key;
  if (key.session_id.empty()) return;
  const std::int64_t hour =
      std::chrono::floor<std::chrono::minutes>(begin_of(key.hour, phase).time_since_epoch()).count();
  Session& session = sessions_[key.session_id];
  if (session.hour != hour) session.end_hour();
  session.hour = hour;
  session.minutes |= slice.figures.minutes;
}

// The minutes of the hour become parts of stretches.
void ActiveTime::Session::end_hour() {
  for (; minutes != 0; minutes &= minutes - 1) {
    const std::int64_t minute = hour + std::countr_zero(minutes);
    if (end != begin && minute - end > kMostIdleMinutes) end_stretch();
    if (end == begin) begin = minute;
    end = minute + 1;
  }
}

void ActiveTime::Session::end_stretch() {
  active += end - begin;
  if (end - begin >= kFocusMinutes) focused += end - begin;
  begin = end;
}

ActiveTime::Session ActiveTime::ended(Session session) {
  session.end_hour();
  session.end_stretch();
  return session;
}

Millis ActiveTime::total() const {
  std::int64_t minutes = 0;
  for (const auto& [id, session] : sessions_) minutes += ended(session).active;
  return std::chrono::minutes(minutes);
}

Millis ActiveTime::focused() const {
  std::int64_t minutes = 0;
  for (const auto& [id, session] : sessions_) minutes += ended(session).focused;
  return std::chrono::minutes(minutes);
}

}  // namespace fortium::metrics
