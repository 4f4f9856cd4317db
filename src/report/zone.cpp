#include "fortium/report/zone.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

namespace fortium::report {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::sys_days;

constexpr std::string_view kZones = "/zoneinfo/";

// The system's zone is a link into the folder of zones.
std::string system_name() {
  char target[PATH_MAX];
  const ssize_t size = ::readlink("/etc/localtime", target, sizeof target);
  const std::string_view path(target, size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::size_t at = path.find(kZones);
  return at != path.npos ? std::string(path.substr(at + kZones.size())) : "UTC";
}

std::string usual(std::string name) {
  for (const std::string_view folder : {"posix/", "right/"})
    if (name.starts_with(folder)) name.erase(0, folder.size());
  for (const std::string_view other : {"Etc/UTC", "Etc/UCT", "Etc/Zulu", "Etc/GMT", "UCT", "Zulu"})
    if (name == other) return "UTC";
  return name;
}

LocalTime at_offset(WallTime time, Millis ahead) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time + ahead);
  const auto day = std::chrono::floor<days>(seconds);
  const std::chrono::hh_mm_ss of_day(seconds - day);
  return {.day = day,
          .hour = static_cast<int>(of_day.hours().count()),
          .minute = static_cast<int>(of_day.minutes().count()),
          .second = static_cast<int>(of_day.seconds().count()),
          .ahead = ahead};
}

Millis phase_of(const LocalTime& local) {
  return (local.ahead % hours(1) + hours(1)) % hours(1) == Millis(0)
             ? Millis(0)
             : Millis(hours(1)) - (local.ahead % hours(1) + hours(1)) % hours(1);
}

}  // namespace

Zone Zone::system() {
  ::tzset();
  Zone zone;
  const char* told = std::getenv("TZ");
  if (told == nullptr) {
    zone.name_ = usual(system_name());
    return zone;
  }
  std::string name = *told == ':' ? told + 1 : told;
  if (const std::size_t at = name.find(kZones); at != name.npos) name.erase(0, at + kZones.size());
  zone.name_ = name.empty() ? "UTC" : usual(std::move(name));
  return zone;
}

LocalTime Zone::local(WallTime time) const {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return at_offset(time, std::chrono::seconds(parts.tm_gmtoff));
}

LocalTime LocalTimes::of(WallTime time) { return at_offset(time, ahead(time)); }

Millis LocalTimes::ahead(WallTime time) {
  const auto begin = std::chrono::floor<days>(time);
  const auto [at, fresh] = days_.try_emplace(begin.time_since_epoch().count());
  Day& day = at->second;
  if (fresh) {
    day.ahead = zone_.local(begin).ahead;
    day.same = zone_.local(begin + days(1) - Millis(1)).ahead == day.ahead;
  }
  return day.same ? day.ahead : zone_.local(time).ahead;
}

WallTime Zone::begin_of(sys_days day) const {
  // Nearly always the clocks show at midnight what they show at noon.
  const WallTime likely = day - local(day + hours(12)).ahead;
  if (local(likely).day == day && local(likely - Millis(1)).day < day) return likely;
  // No zone is further than a day from UTC, and a later moment is never on an earlier day.
  WallTime before = day - days(1), from = day + days(1);
  while (local(from).day < day) from += days(1);
  while (from - before > Millis(std::chrono::seconds(1))) {
    const WallTime middle = std::chrono::floor<std::chrono::seconds>(before + (from - before) / 2);
    (local(middle).day < day ? before : from) = middle;
  }
  return from;
}

std::vector<Zone::Part> Zone::parts(const metrics::Period& period, Grain grain) const {
  std::vector<Part> by_phase = parts_by_phase(period);
  const bool whole = std::ranges::all_of(by_phase, [](const Part& part) { return part.phase == Millis(0); });
  if (whole || grain == Grain::hour) return by_phase;
  std::vector<Part> by_day;
  for (WallTime since = period.since; since < period.until;) {
    const WallTime midnight = begin_of(local(since).day + days(1));
    by_day.push_back({{since, std::min(midnight, period.until)}, Millis(0)});
    since = by_day.back().period.until;
  }
  return by_day;
}

std::vector<Zone::Part> Zone::parts_by_phase(const metrics::Period& period) const {
  std::vector<Part> out;
  WallTime since = period.since;
  Millis phase = phase_of(local(since));
  while (since < period.until) {
    WallTime same = since;  // the phase is still the same here
    while (same + days(1) < period.until && phase_of(local(same + days(1))) == phase) same += days(1);
    WallTime other = std::min(same + days(1), period.until);
    if (phase_of(local(other)) == phase) {
      out.push_back({{since, period.until}, phase});
      return out;
    }
    while (other - same > Millis(1)) {
      const WallTime middle = same + (other - same) / 2;
      (phase_of(local(middle)) == phase ? same : other) = middle;
    }
    out.push_back({{since, other}, phase});
    since = other;
    phase = phase_of(local(since));
  }
  return out;
}

std::string day_text(sys_days day) { return day_of(WallTime(day)); }

sys_days monday_of(sys_days day) { return day - (std::chrono::weekday(day) - std::chrono::Monday); }

sys_days first_of_month(sys_days day) {
  const std::chrono::year_month_day date(day);
  return sys_days(date.year() / date.month() / 1);
}

}  // namespace fortium::report
