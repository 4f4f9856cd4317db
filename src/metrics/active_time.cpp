#include "fortium/metrics/active_time.h"

#include <bit>

namespace fortium::metrics {

void ActiveTime::add(std::string_view id, std::int64_t hour, std::uint64_t minutes, Millis phase) {
  if (id.empty()) return;
  const std::int64_t begin = std::chrono::floor<std::chrono::minutes>(begin_of(hour, phase).time_since_epoch()).count();
  if (last_.session == nullptr || last_.session->first != id) {
    auto at = sessions_.find(id);
    if (at == sessions_.end()) at = sessions_.emplace(id, Session()).first;
    last_.session = &*at;
  }
  Session& session = last_.session->second;
  if (session.hour != begin) session.end_hour();
  session.hour = begin;
  session.minutes |= minutes;
}

// The minutes of the hour become parts of stretches.
void ActiveTime::Session::end_hour() {
  for (int past = 0; minutes != 0;) {
    past += std::countr_zero(minutes);
    minutes >>= std::countr_zero(minutes);
    const std::int64_t minute = hour + past;
    if (end != begin && minute - end > kMostIdleMinutes) end_stretch();
    if (end == begin) begin = minute;
    const int in_a_row = std::countr_one(minutes);  // at most 60
    end = minute + in_a_row;
    past += in_a_row;
    minutes >>= in_a_row;
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
