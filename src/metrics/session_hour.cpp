#include "fortium/metrics/session_hour.h"

#include <algorithm>
#include <utility>

#include "bytes.h"

namespace fortium::metrics {

namespace {

constexpr int kMinutesAnHour = 60;
constexpr std::int64_t kHourMs = std::chrono::milliseconds(std::chrono::hours(1)).count();

// What is told as it is, after the hour and the texts, and before times.
template <class Hour, class Do>
bool each_number(Hour& of, Do&& number) {
  for (auto& count : of.counts)
    if (!number(count)) return false;
  for (auto& count : of.by_status)
    if (!number(count)) return false;
  for (auto* sum : {&of.input_tokens, &of.output_tokens, &of.cache_read_tokens, &of.cache_creation_tokens, &of.priced,
                    &of.cost_nano_usd})
    if (!number(*sum)) return false;
  return true;
}

}  // namespace

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

// The hour, doubled, and odd where the texts are those of the one before.
void SessionHour::append_to(std::string& bytes, const SessionHour* before) const {
  const auto texts = [](const SessionHour& of) { return std::tie(of.session_id, of.project, of.source); };
  const bool same = before != nullptr && texts(*before) == texts(*this);
  append_number(bytes, 2 * (hour % kHoursADay) + (same ? 1 : 0));
  if (!same)
    for (const std::string* text : {&session_id, &project, &source}) append_text(bytes, *text);
  each_number(*this, [&bytes](std::int64_t number) {
    append_number(bytes, number);
    return true;
  });
  append_number(bytes, static_cast<std::int64_t>(minutes));
  append_number(bytes, (first - begin_of(hour)).count());
  append_number(bytes, (last - first).count());
}

bool SessionHour::take_from(std::string_view& bytes, std::int64_t day, bool is_first) {
  std::int64_t of_day = 0, touched = 0, since = 0, length = 0;
  if (!take_number(bytes, of_day) || of_day >= 2 * kHoursADay) return false;
  const bool same = of_day % 2 != 0;
  if (same && is_first) return false;
  if (!same)
    for (std::string* text : {&session_id, &project, &source})
      if (!take_text(bytes, *text)) return false;
  if (!each_number(*this, [&bytes](std::int64_t& into) { return take_number(bytes, into); })) return false;
  if (!take_number(bytes, touched) || !take_number(bytes, since) || !take_number(bytes, length)) return false;
  if (touched >> kMinutesAnHour != 0 || since >= kHourMs || length >= kHourMs - since) return false;
  hour = day * kHoursADay + of_day / 2;
  minutes = static_cast<std::uint64_t>(touched);
  first = begin_of(hour) + Millis(since);
  last = first + Millis(length);
  return true;
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
