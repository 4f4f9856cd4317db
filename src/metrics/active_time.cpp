#include "fortium/metrics/active_time.h"

#include <bit>

namespace fortium::metrics {

namespace {

constexpr std::int64_t kMinutesInHour = 60;

}  // namespace

void ActiveTime::add(const Slice& slice) {
  const SliceKey& key = slice.key;
  if (key.session_id.empty()) return;
  const auto [at, fresh] = sessions_.try_emplace(key.session_id);
  Session& session = at->second;
  if (fresh || session.hour != key.hour) session = done(session);
  session.hour = key.hour;
  session.minutes |= slice.figures.minutes;
}

// The hour at work is added to the active minutes.
ActiveTime::Session ActiveTime::done(Session session) {
  for (; session.minutes != 0; session.minutes &= session.minutes - 1) {
    const std::int64_t minute = session.hour * kMinutesInHour + std::countr_zero(session.minutes);
    const std::int64_t idle = minute - session.before - 1;
    session.active += session.before >= 0 && idle <= kMostIdleMinutes ? idle + 1 : 1;
    session.before = minute;
  }
  return session;
}

Millis ActiveTime::total() const {
  std::int64_t minutes = 0;
  for (const auto& [id, session] : sessions_) minutes += done(session).active;
  return std::chrono::minutes(minutes);
}

}  // namespace fortium::metrics
