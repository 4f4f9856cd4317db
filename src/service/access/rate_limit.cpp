#include "rate_limit.h"

#include <algorithm>

namespace fortium::service {

namespace {

constexpr std::int64_t kBurst = 10;           // a tenth of the limit
constexpr std::int64_t kInsisted = 2;         // times the limit: more refusals than that are not counted
constexpr std::size_t kMostWindows = 10'000;  // 6 MiB; then those who have not used anything are forgotten

std::int64_t with_burst(std::int64_t units) { return units + units / kBurst; }

}  // namespace

RateLimit::RateLimit(Quota quota, const Clock& clock, Millis time, Insisting insisting)
    : quota_(quota), clock_(clock), slot_time_(time / kSlots), insisting_(insisting) {}

std::int64_t RateLimit::slot() const { return clock_.steady().time_since_epoch() / slot_time_; }

void RateLimit::set(const std::string& who, std::optional<Quota> quota) {
  windows_.with([&](Windows& windows) {
    if (!quota && !windows.contains(who)) return;
    window(windows, who).quota = quota.value_or(quota_);
  });
}

Quota RateLimit::quota(const std::string& who) {
  return windows_.with([&](Windows& windows) {
    const auto at = windows.find(who);
    return at == windows.end() ? quota_ : at->second.quota;
  });
}

Standing RateLimit::charge(const std::string& who, std::int64_t units) { return ask(who, units, /*take=*/true); }
Standing RateLimit::look(const std::string& who) { return ask(who, 1, /*take=*/false); }

RateLimit::Window& RateLimit::window(Windows& windows, const std::string& who) {
  const std::int64_t now = slot();
  if (windows.size() >= kMostWindows && !windows.contains(who)) {
    for (auto& [name, known] : windows) slide(known, now);
    std::erase_if(windows, [](const auto& entry) { return entry.second.used == 0 && entry.second.spent == 0; });
    if (windows.size() >= kMostWindows) windows.erase(windows.begin());
  }
  const auto [at, fresh] = windows.try_emplace(who);
  if (fresh) at->second = {.quota = quota_, .slot = now};
  slide(at->second, now);
  return at->second;
}

void RateLimit::slide(Window& window, std::int64_t slot) {
  const std::int64_t passed = slot - window.slot;
  if (passed <= 0) return;
  for (std::int64_t i = 1; i <= std::min<std::int64_t>(passed, kSlots); ++i) {
    std::int64_t& old = window.units[static_cast<std::size_t>(window.slot + i) % kSlots];
    window.used -= old;
    old = 0;
  }
  // A window's worth comes back in a window, so a sixtieth of a unit in a slot for each unit of the limit.
  const std::int64_t slots =
      std::min<std::int64_t>(passed, window.spent / std::max<std::int64_t>(1, window.quota.units) + 1);
  window.spent = std::max<std::int64_t>(0, window.spent - slots * window.quota.units);
  window.slot = slot;
}

RateLimit::Ask RateLimit::split(const Window& window, std::int64_t units, bool take) {
  const std::int64_t left =
      window.quota.backlog - (window.spent + static_cast<std::int64_t>(kSlots) - 1) / static_cast<std::int64_t>(kSlots);
  const std::int64_t from_backlog = std::clamp<std::int64_t>(units - 1, 0, std::max<std::int64_t>(0, left));
  return {.from_window = units - from_backlog, .from_backlog = from_backlog, .take = take};
}

Standing RateLimit::weigh(const Window& window, const Ask& ask) const {
  const std::int64_t most = with_burst(window.quota.units);
  Standing standing{.allowed = window.used + ask.from_window <= most,
                    .ever = ask.from_window + ask.from_backlog <= most + window.quota.backlog,
                    .limit = window.quota.units};
  const bool taken = standing.allowed && ask.take;
  standing.remaining = std::max<std::int64_t>(0, window.quota.units - window.used - (taken ? ask.from_window : 0));
  // The last units leave when their slot does; the first ones to leave may be enough.
  std::int64_t leaving = 0;
  std::int64_t all_gone = 0;
  std::int64_t enough = 0;
  for (std::int64_t wait = 1; wait <= static_cast<std::int64_t>(kSlots); ++wait) {
    const std::int64_t left = window.units[static_cast<std::size_t>(window.slot + wait) % kSlots];
    if (left > 0) all_gone = wait;
    leaving += left;
    if (enough == 0 && window.used - leaving + ask.from_window <= most) enough = wait;
  }
  if (taken && ask.from_window > 0) all_gone = kSlots;
  standing.retry_after = enough * slot_time_;
  standing.reset = clock_.now() + all_gone * slot_time_;
  return standing;
}

Standing RateLimit::ask(const std::string& who, std::int64_t units, bool take) {
  return windows_.with([&](Windows& windows) {
    Window& used = window(windows, who);
    const Ask ask = split(used, units, take);
    const Standing standing = weigh(used, ask);
    const bool counted = insisting_ == Insisting::counted && used.used < kInsisted * used.quota.units;
    if (!take || !(standing.allowed || counted)) return standing;
    used.units[static_cast<std::size_t>(used.slot) % kSlots] += ask.from_window;
    used.used += ask.from_window;
    used.spent += ask.from_backlog * static_cast<std::int64_t>(kSlots);
    return standing;
  });
}

}  // namespace fortium::service
