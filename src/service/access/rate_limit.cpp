#include "rate_limit.h"

#include <algorithm>

namespace fortium::service {

namespace {

constexpr std::int64_t kBurst = 10;           // a tenth of the limit
constexpr std::size_t kMostWindows = 10'000;  // 5 MiB; then those who have not used anything are forgotten

}  // namespace

RateLimit::RateLimit(std::int64_t units_per_minute, const Clock& clock)
    : limit_(units_per_minute), most_(units_per_minute + units_per_minute / kBurst), clock_(clock) {}

std::int64_t RateLimit::second() const {
  return std::chrono::duration_cast<std::chrono::seconds>(clock_.steady().time_since_epoch()).count();
}

Standing RateLimit::charge(const std::string& who, std::int64_t units) { return ask(who, units, /*take=*/true); }
Standing RateLimit::look(const std::string& who) { return ask(who, 1, /*take=*/false); }

void RateLimit::slide(Window& window, std::int64_t second) {
  const std::int64_t passed = std::min<std::int64_t>(second - window.second, kSeconds);
  for (std::int64_t i = 1; i <= passed; ++i) {
    std::int64_t& old = window.units[static_cast<std::size_t>(window.second + i) % kSeconds];
    window.used -= old;
    old = 0;
  }
  window.second = std::max(window.second, second);
}

Standing RateLimit::weigh(const Window& window, std::int64_t units, bool take) const {
  Standing standing{.allowed = window.used + units <= most_, .ever = units <= most_, .limit = limit_};
  const std::int64_t used = window.used + (standing.allowed && take ? units : 0);
  standing.remaining = std::max<std::int64_t>(0, limit_ - used);
  // The last units leave when their second does; the first ones to leave may be enough.
  std::int64_t leaving = 0;
  std::int64_t all_gone = 0;
  for (std::int64_t wait = 1; wait <= static_cast<std::int64_t>(kSeconds); ++wait) {
    const std::int64_t left = window.units[static_cast<std::size_t>(window.second + wait) % kSeconds];
    if (left > 0) all_gone = wait;
    leaving += left;
    if (standing.retry_after == Millis(0) && window.used - leaving + units <= most_)
      standing.retry_after = std::chrono::seconds(wait);
  }
  if (take && standing.allowed && units > 0) all_gone = kSeconds;
  standing.reset = clock_.now() + std::chrono::seconds(all_gone);
  return standing;
}

Standing RateLimit::ask(const std::string& who, std::int64_t units, bool take) {
  return windows_.with([&](Windows& windows) {
    const std::int64_t now = second();
    if (windows.size() >= kMostWindows && !windows.contains(who)) {
      for (auto& [name, window] : windows) slide(window, now);
      std::erase_if(windows, [](const auto& entry) { return entry.second.used == 0; });
      if (windows.size() >= kMostWindows) windows.erase(windows.begin());
    }
    const auto [at, fresh] = windows.try_emplace(who);
    Window& window = at->second;
    if (fresh) window.second = now;
    slide(window, now);
    Standing standing = weigh(window, units, take);
    if (take && standing.allowed) {
      window.units[static_cast<std::size_t>(window.second) % kSeconds] += units;
      window.used += units;
    }
    return standing;
  });
}

}  // namespace fortium::service
