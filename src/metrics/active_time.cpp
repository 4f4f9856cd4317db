#include "fortium/metrics/active_time.h"

#include <bit>

namespace fortium::metrics {

void ActiveTime::add(std::string_view id, std::int64_t hour, std::uint64_t minutes, Millis phase) {
  if (id.empty()) return;
  const std::int64_t begin = std::chrono::floor<std::chrono::minutes>(begin_of(hour, phase).time_since_epoch()).count();
  if (id != last_id_) {
    auto at = places_.find(id);
    if (at == places_.end()) {
      at = places_.emplace(id, sessions_.size()).first;
      sessions_.emplace_back();
    }
    last_id_ = id;
    last_ = at->second;
  }
  Session& session = sessions_[last_];
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
  for (const Session& session : sessions_) minutes += ended(session).active;
  return std::chrono::minutes(minutes);
}

Millis ActiveTime::focused() const {
  std::int64_t minutes = 0;
  for (const Session& session : sessions_) minutes += ended(session).focused;
  return std::chrono::minutes(minutes);
}

}  // namespace fortium::metrics
