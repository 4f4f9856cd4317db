#include "fortium/metrics/name_day.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "number_bytes.h"

namespace fortium::metrics {

namespace {

constexpr std::int64_t kDayMs = std::chrono::milliseconds(std::chrono::days(1)).count();

WallTime begin_of_day(std::int64_t day) { return begin_of(day * kHoursADay); }

// What is told as it is, after the hours and before times and durations.
template <class Figures, class Do>
bool each_number(Figures& of, Do&& number) {
  for (auto& count : of.by_status)
    if (!number(count)) return false;
  for (auto* sum : {&of.timed, &of.total_us, &of.min_us, &of.max_us, &of.input_tokens, &of.output_tokens,
                    &of.cache_read_tokens, &of.cache_creation_tokens, &of.priced, &of.cost_nano_usd})
    if (!number(*sum)) return false;
  return true;
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, static_cast<std::int64_t>(text.size()));
  out += text;
}

// As many bytes as the number at the front says, that many at least.
std::optional<std::string_view> take_text(std::string_view& bytes) {
  const auto size = take_number(bytes);
  if (!size || static_cast<std::uint64_t>(*size) > bytes.size()) return std::nullopt;
  const std::string_view text = bytes.substr(0, static_cast<std::size_t>(*size));
  bytes.remove_prefix(text.size());
  return text;
}

}  // namespace

void NameDay::add(const Slice& slice, bool durations) {
  if (durations)
    figures.merge(slice.figures);
  else
    figures.merge_sums(slice.figures);
  figures.minutes = 0;
  const auto hour = static_cast<std::size_t>(slice.key.hour - day * kHoursADay);
  grow(by_hour[hour], slice.figures.count);
  if (slice.figures.errors() > 0) bad_hours |= 1U << hour;
}

std::uint32_t NameDay::hours() const {
  std::uint32_t hours = 0;
  for (std::size_t hour = 0; hour < by_hour.size(); ++hour)
    if (by_hour[hour] > 0) hours |= 1U << hour;
  return hours;
}

void NameDay::append_to(std::string& bytes) const {
  for (const std::string* text : {&name, &project, &source}) append_text(bytes, *text);
  append_number(bytes, hours());
  for (const std::int64_t count : by_hour)
    if (count > 0) append_number(bytes, count);
  append_number(bytes, bad_hours);
  each_number(figures, [&bytes](std::int64_t number) {
    append_number(bytes, number);
    return true;
  });
  append_number(bytes, (figures.first - begin_of_day(day)).count());
  append_number(bytes, (figures.last - figures.first).count());
  append_text(bytes, figures.durations.bytes());
}

bool NameDay::take_from(std::string_view& bytes, bool with_durations) {
  for (std::string* text : {&name, &project, &source}) {
    const auto told = take_text(bytes);
    if (!told) return false;
    *text = *told;
  }
  const auto number = [&bytes](std::int64_t& into) {
    const auto told = take_number(bytes);
    into = told.value_or(0);
    return told.has_value();
  };
  std::int64_t hours = 0, bad = 0, since = 0, length = 0;
  if (!number(hours) || hours >> kHoursADay != 0) return false;
  figures.count = 0;
  for (std::size_t hour = 0; hour < by_hour.size(); ++hour) {
    by_hour[hour] = 0;
    if ((hours >> hour & 1) != 0 && (!number(by_hour[hour]) || by_hour[hour] == 0)) return false;
    grow(figures.count, by_hour[hour]);
  }
  if (!number(bad) || (bad & ~hours) != 0 || !each_number(figures, number)) return false;
  if (!number(since) || !number(length) || since >= kDayMs || length >= kDayMs - since) return false;
  bad_hours = static_cast<std::uint32_t>(bad);
  figures.first = begin_of_day(day) + Millis(since);
  figures.last = figures.first + Millis(length);
  const auto durations = take_text(bytes);
  if (!durations || !figures.durations.read(with_durations ? *durations : std::string_view())) return false;
  return !with_durations || figures.durations.count() == figures.timed;
}

bool NameDays::add(const Slice& slice) {
  const SliceKey& key = slice.key;
  const std::int64_t day = key.hour / kHoursADay;
  if (!now_.empty() && now_.begin()->second.day != day && !finish()) return false;
  const auto [at, fresh] = now_.try_emplace({key.kind, key.name, key.project, key.source});
  NameDay& into = at->second;
  if (fresh) {
    into.day = day;
    std::tie(into.kind, into.name, into.project, into.source) = at->first;
  }
  into.add(slice, durations_);
  return true;
}

bool NameDays::finish() {
  return std::ranges::all_of(std::exchange(now_, {}), [this](const auto& one) { return take_(one.second); });
}

}  // namespace fortium::metrics
