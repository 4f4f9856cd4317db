// Time as an argument: wall time for people and records, steady time for waiting. The two are never mixed.
//
// Tests advance a FakeClock, so no test sleeps. `now` and `steady` may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "fortium/base/result.h"

namespace fortium {

using Millis = std::chrono::milliseconds;
// Wall time: milliseconds since 1970-01-01T00:00:00Z.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Millis>;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime now() const override;
  SteadyTime steady() const override;
};

constexpr std::int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }
constexpr WallTime from_ms(std::int64_t ms) { return WallTime(Millis(ms)); }

// "2026-01-02T03:04:05.678Z": RFC 3339, UTC, always three digits of a second. Years 0000 to 9999.
std::string to_rfc3339(WallTime time);
// Any RFC 3339 date-time: offset or Z, fraction of any length (kept to the millisecond), leap second read as :59.999.
Result<WallTime> parse_rfc3339(std::string_view text);
// "2026-01-02": the day in UTC.
std::string day_of(WallTime time);

// "90s", "15m", "24h", "7d", "4w", or a bare number of milliseconds.
Result<Millis> parse_duration(std::string_view text);

}  // namespace fortium
