#include "fortium/metrics/session_hour.h"

#include <algorithm>
#include <utility>

namespace fortium::metrics {

void SessionHour::add(const Slice& slice) {
  const Figures& figures = slice.figures;
  const bool none = std::ranges::all_of(counts, [](std::int64_t count) { return count == 0; });
  first = none ? figures.first : std::min(first, figures.first);
  last = none ? figures.last : std::max(last, figures.last);
  minutes |= figures.minutes;
  grow(counts[slice.key.kind], figures.count);
  if (has_outcome(slice.key.kind)) {
    for (std::size_t i = 0; i < by_status.size(); ++i) grow(by_status[i], figures.by_status[i]);
    return;
  }
  grow(input_tokens, figures.input_tokens);
  grow(output_tokens, figures.output_tokens);
  grow(cache_read_tokens, figures.cache_read_tokens);
  grow(cache_creation_tokens, figures.cache_creation_tokens);
  grow(priced, figures.priced);
  grow(cost_nano_usd, figures.cost_nano_usd);
}

bool SessionHours::add(const Slice& slice) {
  const SliceKey& key = slice.key;
  if (!now_.empty() && now_.begin()->second.hour != key.hour && !finish()) return false;
  const auto [at, fresh] = now_.try_emplace({key.session_id, key.project, key.source});
  SessionHour& into = at->second;
  if (fresh) {
    into.hour = key.hour;
    std::tie(into.session_id, into.project, into.source) = at->first;
  }
  into.add(slice);
  return true;
}

bool SessionHours::finish() {
  return std::ranges::all_of(std::exchange(now_, {}), [this](const auto& one) { return take_(one.second); });
}

}  // namespace fortium::metrics
