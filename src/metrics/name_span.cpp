#include "fortium/metrics/name_span.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "bytes.h"

namespace fortium::metrics {

namespace {

constexpr std::int64_t kMostHours = kSpans[0];
constexpr std::int64_t kMostMs = std::chrono::milliseconds(std::chrono::hours(kMostHours)).count();

// What is told as it is, before times and durations.
template <class Figures, class Do>
bool each_number(Figures& of, Do&& number) {
  for (auto& count : of.by_status)
    if (!number(count)) return false;
  for (auto* sum : {&of.timed, &of.total_us, &of.min_us, &of.max_us, &of.input_tokens, &of.output_tokens,
                    &of.cache_read_tokens, &of.cache_creation_tokens, &of.priced, &of.cost_nano_usd})
    if (!number(*sum)) return false;
  return true;
}

// So many entries: each takes two bytes at least.
template <class T>
bool take_size(std::string_view& bytes, std::vector<T>& of) {
  std::int64_t size = 0;
  if (!take_number(bytes, size) || size > static_cast<std::int64_t>(bytes.size()) / 2) return false;
  of.resize(static_cast<std::size_t>(size));
  return true;
}

}  // namespace

void NameSpan::add(const Slice& slice) {
  const std::int64_t hour = slice.key.hour;
  figures.merge_sums(slice.figures);
  figures.minutes = 0;
  if (hours.empty() || hours.back().first != hour) hours.emplace_back(hour, 0);
  grow(hours.back().second, slice.figures.count);
  if (slice.figures.errors() == 0) return;
  if (bad_projects.empty()) first_bad = hour;
  last_bad = hour;
  auto at = std::ranges::lower_bound(bad_projects, slice.key.project, {}, &std::pair<std::string, std::int64_t>::first);
  if (at == bad_projects.end() || at->first != slice.key.project) at = bad_projects.insert(at, {slice.key.project, 0});
  grow(at->second, slice.figures.errors());
}

void NameSpan::append_to(std::string& bytes) const {
  const auto append = [&bytes](std::int64_t number) {
    append_number(bytes, number);
    return true;
  };
  append_text(bytes, name);
  append(static_cast<std::int64_t>(hours.size()));
  std::int64_t before = begin;
  for (const auto& [hour, count] : hours) {
    append(hour - std::exchange(before, hour));
    append(count);
  }
  append(static_cast<std::int64_t>(bad_projects.size()));
  for (const auto& [project, times] : bad_projects) {
    append_text(bytes, project);
    append(times);
  }
  if (!bad_projects.empty()) append(first_bad - begin), append(last_bad - first_bad);
  each_number(figures, append);
  append((figures.first - begin_of(begin)).count());
  append((figures.last - figures.first).count());
  append_text(bytes, durations);
}

bool NameSpan::take_from(std::string_view& bytes, bool with_durations) {
  const auto take = [&bytes](std::int64_t& into) { return take_number(bytes, into); };
  if (!take_text(bytes, name) || !take_size(bytes, hours)) return false;
  figures.count = 0;
  std::int64_t of_span = 0;
  for (auto& [hour, count] : hours) {
    std::int64_t step = 0;
    if (!take(step) || !take(count) || step >= kMostHours - of_span) return false;
    hour = begin + (of_span += step);
    grow(figures.count, count);
  }
  if (!take_size(bytes, bad_projects)) return false;
  for (auto& [project, times] : bad_projects)
    if (!take_text(bytes, project) || !take(times)) return false;
  std::int64_t bad = 0, bad_length = 0;
  if (!bad_projects.empty() && (!take(bad) || !take(bad_length))) return false;
  if (bad >= kMostHours || bad_length >= kMostHours - bad) return false;
  first_bad = bad_projects.empty() ? 0 : begin + bad;
  last_bad = first_bad + bad_length;
  std::int64_t since = 0, length = 0;
  if (!each_number(figures, take) || !take(since) || !take(length)) return false;
  if (since >= kMostMs || length >= kMostMs - since) return false;
  figures.first = begin_of(begin) + Millis(since);
  figures.last = figures.first + Millis(length);
  auto told = take_text(bytes);
  if (!told) return false;
  durations = with_durations ? *told : std::string_view();
  std::int64_t timed = 0;
  return (told->empty() || take_number(*told, timed)) && timed == figures.timed;
}

bool NameSpans::add(const Slice& slice) {
  const SliceKey& key = slice.key;
  const std::int64_t begin = key.hour / hours_ * hours_;
  if (!now_.empty() && now_.begin()->second.span.begin != begin && !finish()) return false;
  const auto [at, fresh] = now_.try_emplace({key.kind, key.name});
  auto& [span, durations] = at->second;
  if (fresh) {
    span.begin = begin;
    std::tie(span.kind, span.name) = at->first;
  }
  span.add(slice);
  if (durations_) durations.merge(slice.figures.durations);
  return true;
}

bool NameSpans::finish() {
  return std::ranges::all_of(std::exchange(now_, {}), [this](auto& one) {
    one.second.span.durations = one.second.durations.bytes();
    return take_(one.second.span);
  });
}

}  // namespace fortium::metrics
