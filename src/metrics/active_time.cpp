#include "fortium/metrics/active_time.h"

#include <bit>

namespace fortium::metrics {

void ActiveTime::add(std::string_view id, std::int64_t hour, std::uint64_t minutes, Millis phase) {
  if (id.empty()) return;
  const std::int64_t begin = std::chrono::floor<std::chrono::minutes>(begin_of(hour, phase).time_since_epoch()).count();
  auto at = sessions_.find(id);
  if (at == sessions_.end()) at = sessions_.emplace(id, Session()).first;
  Session& session = at->second;
  if (session.hour != begin) session.end_hour();
  session.hour = begin;
  session.minutes |= minutes;
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
