// The steady clock, in the units of poll. Any thread.
#pragma once

#include <algorithm>
#include <chrono>

#include "fortium/base/clock.h"

namespace fortium::net {

inline SteadyTime steady_now() {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now());
}

// Rounded up, so that nobody spins through the last millisecond.
inline int millis_until(SteadyTime until) {
  const auto left = std::chrono::ceil<Millis>(until - steady_now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 86'400'000));
}

}  // namespace fortium::net
