#include "time_of.h"

namespace fortium::app {

namespace {

// The day of a text that is nothing but a day.
Result<std::chrono::sys_days> local_day(const std::string& text) {
  FM_TRY(const WallTime midnight, parse_rfc3339(text + "T00:00:00Z"));
  return std::chrono::floor<std::chrono::days>(midnight);
}

Error named(const char* option, const Error& error) { return {error.code, std::string(option) + ": " + error.what}; }

}  // namespace

Result<WallTime> time_of(const std::string& text, WallTime now) {
  if (auto back = parse_duration(text)) return now - *back;
  if (auto time = parse_rfc3339(text)) return *time;
  if (auto day = parse_rfc3339(text + "T00:00:00Z")) return *day;
  return Error{Errc::invalid, "must be a duration such as 7d, a day such as 2026-01-02, or a date and time"};
}

Result<WallTime> since_of(const std::string& text, WallTime now, const report::Zone& zone) {
  if (const auto day = local_day(text)) return zone.begin_of(*day);
  auto time = time_of(text, now);
  return time ? std::move(time) : named("--since", time.error());
}

Result<WallTime> until_of(const std::string& text, WallTime now, const report::Zone& zone) {
  if (const auto day = local_day(text)) return zone.begin_of(*day + std::chrono::days(1));
  auto time = time_of(text, now);
  return time ? std::move(time) : named("--until", time.error());
}

}  // namespace fortium::app
