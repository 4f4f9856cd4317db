// Times as people write them on a command line. Pure; any thread.
#pragma once

#include <string>

#include "fortium/base/clock.h"
#include "fortium/report/zone.h"

namespace fortium::app {

// A duration back from now ("7d"), a day ("2026-01-02", UTC), or an RFC 3339 date and time.
Result<WallTime> time_of(const std::string& text, WallTime now);

// The same, but a day is one of the calendar on the wall: `since` is when the first one begins, `until` when the last
// one is over. Errors name the option.
Result<WallTime> since_of(const std::string& text, WallTime now, const report::Zone& zone);
Result<WallTime> until_of(const std::string& text, WallTime now, const report::Zone& zone);

}  // namespace fortium::app
