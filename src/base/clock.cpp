#include "fortium/base/clock.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace fortium {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

bool read_digits(std::string_view text, std::size_t at, std::size_t count, int& out) {
  if (at + count > text.size()) return false;
  out = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  return true;
}

Error not_rfc3339() { return {Errc::invalid, "must be an RFC 3339 date and time such as 2026-01-02T03:04:05.678Z"}; }

void write_digits(char* out, int width, int value) {
  for (int i = width - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

WallTime SystemClock::now() const { return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()); }

SteadyTime SystemClock::steady() const {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now());
}

std::string to_rfc3339(WallTime time) {
  const auto day = std::chrono::floor<days>(time);
  const year_month_day date{day};
  const auto ms = static_cast<int>((time - day).count());
  std::string text = "0000-00-00T00:00:00.000Z";
  write_digits(&text[0], 4, static_cast<int>(date.year()));
  write_digits(&text[5], 2, static_cast<int>(static_cast<unsigned>(date.month())));
  write_digits(&text[8], 2, static_cast<int>(static_cast<unsigned>(date.day())));
  write_digits(&text[11], 2, ms / 3'600'000);
  write_digits(&text[14], 2, ms / 60'000 % 60);
  write_digits(&text[17], 2, ms / 1000 % 60);
  write_digits(&text[20], 3, ms % 1000);
  return text;
}

std::string day_of(WallTime time) { return to_rfc3339(time).substr(0, 10); }

Result<WallTime> parse_rfc3339(std::string_view text) {
  int year, month, day, hour, minute, second;
  if (!read_digits(text, 0, 4, year) || !read_digits(text, 5, 2, month) || !read_digits(text, 8, 2, day) ||
      !read_digits(text, 11, 2, hour) || !read_digits(text, 14, 2, minute) || !read_digits(text, 17, 2, second))
    return not_rfc3339();
  const char separator = text[10];
  if (text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':' ||
      (separator != 'T' && separator != 't' && separator != ' '))
    return not_rfc3339();
  const year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return not_rfc3339();

  std::size_t at = 19;
  int ms = 0;
  if (at < text.size() && text[at] == '.') {
    const std::size_t start = ++at;
    for (int scale = 100; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
      ms += scale * (text[at] - '0');
    if (at == start) return not_rfc3339();
  }
  if (second == 60) {
    second = 59;
    ms = 999;
  }

  int offset_minutes = 0;
  const std::string_view zone = text.substr(at);
  if (zone != "Z" && zone != "z") {
    int zone_hour, zone_minute;
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' ||
        !read_digits(zone, 1, 2, zone_hour) || !read_digits(zone, 4, 2, zone_minute) || zone_hour > 23 ||
        zone_minute > 59)
      return not_rfc3339();
    offset_minutes = (zone[0] == '-' ? -1 : 1) * (zone_hour * 60 + zone_minute);
  }
  const std::int64_t seconds = hour * 3600 + (minute - offset_minutes) * 60 + second;
  return WallTime(sys_days(date).time_since_epoch() + Millis(seconds * 1000 + ms));
}

Result<Millis> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  constexpr Unit kUnits[] = {{"", 1},          {"ms", 1},         {"s", 1000},       {"m", 60'000},
                             {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};
  constexpr std::int64_t kMost = 3'650LL * 86'400'000;  // ten years
  for (const Unit& known : kUnits)
    if (code == std::errc() && unit == known.name && count >= 0 && count <= kMost / known.ms)
      return Millis(count * known.ms);
  return Error{Errc::invalid, "must be a duration such as 90s, 15m, 24h, 7d or 4w"};
}

}  // namespace fortium
