// How long to wait before the next attempt. Pure, but for the entropy; any thread.
#pragma once

#include <optional>

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "fortium/sync/outbox.h"

namespace fortium::sync {

// A whole number from 0 to `most`, each as likely as any other.
std::int64_t uniform(std::int64_t most, Entropy& entropy);

// Full jitter: anything from nothing to kBackoffFirst * 2^failures, and never more than kBackoffMost. `failures` are
// those before this one.
Millis jitter(int failures, Entropy& entropy);

// What the service asked for is a minimum, taken up to kRetryAfterMost.
Millis delay_after(int failures, std::optional<Millis> retry_after, Entropy& entropy);

// What is left of a kept wait; zero when the time has come. A moment further ahead than any wait that could have been
// written is the trace of a clock that jumped, and counts for nothing.
Millis time_left(const LaneState& state, WallTime now);

}  // namespace fortium::sync
