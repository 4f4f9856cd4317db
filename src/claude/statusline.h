// What Claude Code tells a status line: cost, context, and the limits of a plan, which it says nowhere else on this
// machine. Numbers and the model's name are kept, and no path. Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "fortium/base/clock.h"
#include "fortium/base/json.h"

namespace fortium::claude {

struct StatusLine {
  std::string session_id;
  std::string directory;  // of the project; not to be kept
  std::string line;       // for people: "Opus 5.5 | $0.03 | context 12 % | 5 h 40 % | 7 d 3 %"
  Json record;            // a user_session, with the id of its session and minute
  bool unused = false;    // no model was asked yet, so there is nothing to record
};

// Nothing: it is not what Claude Code says.
std::optional<StatusLine> read_status_line(std::string_view text, WallTime now);

}  // namespace fortium::claude
