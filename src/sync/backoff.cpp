#include "backoff.h"

#include <algorithm>

#include "fortium/sync/engine.h"

namespace fortium::sync {

std::int64_t uniform(std::int64_t most, Entropy& entropy) {
  std::uint64_t bits = 0;
  entropy.fill(std::as_writable_bytes(std::span(&bits, 1)));
  // The remainder favours small numbers by less than one in 2^43 for the numbers that are asked for here.
  return static_cast<std::int64_t>(bits % (static_cast<std::uint64_t>(most) + 1));
}

Millis jitter(int failures, Entropy& entropy) {
  Millis most = kBackoffFirst;
  for (int i = 0; i < failures && most < kBackoffMost; ++i) most *= 2;
  return Millis(uniform(std::min(most, kBackoffMost).count(), entropy));
}

Millis delay_after(int failures, std::optional<Millis> retry_after, Entropy& entropy) {
  const Millis asked = std::clamp(retry_after.value_or(Millis(0)), Millis(0), kRetryAfterMost);
  return std::max(jitter(failures, entropy), asked);
}

Millis time_left(const LaneState& state, WallTime now) {
  if (!state.not_before || *state.not_before <= now) return Millis(0);
  const Millis left = *state.not_before - now;
  const Millis horizon = state.retry_after ? kRetryAfterMost : std::max(kBackoffMost, kPause);
  return left <= horizon ? left : Millis(0);
}

}  // namespace fortium::sync
