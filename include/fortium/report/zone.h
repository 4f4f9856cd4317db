// Local time. Days begin where the clocks of the zone say so, also when they are set forward or back, or skip a day.
//
// The zone is that of the process (TZ, else the system's). Values; any thread, as long as none changes TZ.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/metrics/report.h"

namespace fortium::report {

struct LocalTime {
  std::chrono::sys_days day;  // as the calendar on the wall shows it
  int hour = 0, minute = 0, second = 0;
  Millis ahead{};  // of UTC
};

class Zone {
 public:
  static Zone system();

  // "Europe/Berlin", "UTC", or what TZ says.
  const std::string& name() const { return name_; }
  LocalTime local(WallTime time) const;
  // The first moment of a day. A day that the calendar skipped begins when the next one does.
  WallTime begin_of(std::chrono::sys_days day) const;

  // A period in parts of which no slice crosses what `grain` says of local time, if the reader is asked for each with
  // its phase (see metrics::hour_of). One part with phase 0, but for zones that are a part of an hour off.
  enum class Grain {
    day,   // slices are within a local day; whole hours of UTC but at midnight, so that the table of slices serves
    hour,  // and within a local hour
  };
  struct Part {
    metrics::Period period;
    Millis phase{};
  };
  std::vector<Part> parts(const metrics::Period& period, Grain grain) const;

 private:
  std::vector<Part> parts_by_phase(const metrics::Period& period) const;

  std::string name_ = "UTC";
};

// The same as Zone::local(), for many moments: where the clocks of the zone are as far ahead at both ends of a day of
// UTC, they are so all day. (A zone sets them once a day at most.)
class LocalTimes {
 public:
  explicit LocalTimes(const Zone& zone) : zone_(zone) {}

  LocalTime of(WallTime time);
  Millis ahead(WallTime time);  // of UTC

 private:
  struct Day {
    Millis ahead{};     // at its begin
    bool same = false;  // and at its end
  };
  const Zone& zone_;
  std::unordered_map<std::int64_t, Day> days_;  // of UTC, since 1970
};

std::string day_text(std::chrono::sys_days day);             // "2026-01-02"
std::chrono::sys_days monday_of(std::chrono::sys_days day);  // the first day of its week
std::chrono::sys_days first_of_month(std::chrono::sys_days day);

}  // namespace fortium::report
