// Times as people write them on a command line. Pure; any thread.
#pragma once

#include <string>

#include "fortium/base/clock.h"

namespace fortium::app {

// A duration back from now ("7d"), a day ("2026-01-02", UTC), or an RFC 3339 date and time.
Result<WallTime> time_of(const std::string& text, WallTime now);

}  // namespace fortium::app
