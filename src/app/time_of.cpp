#include "time_of.h"

namespace fortium::app {

Result<WallTime> time_of(const std::string& text, WallTime now) {
  if (auto back = parse_duration(text)) return now - *back;
  if (auto time = parse_rfc3339(text)) return *time;
  if (auto day = parse_rfc3339(text + "T00:00:00Z")) return *day;
  return Error{Errc::invalid, "must be a duration such as 7d, a day such as 2026-01-02, or a date and time"};
}

}  // namespace fortium::app
