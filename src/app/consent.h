// What a person agreed to: what may be kept of what they type, and whether anything may be recorded here at all.
// Functions; any thread.
#pragma once

#include <string>

#include "../claude/privacy.h"
#include "settings.h"

namespace fortium::app {

// A file of this name, empty or not, in a project's directory or above, up to the home directory or the root: nothing
// that is done there is recorded.
inline constexpr char kOffFile[] = ".fortium-metrics-off";

bool opted_out(const std::string& dir, const Environment& environment);
// Of the project that Claude Code works in, or else the current directory.
bool opted_out_here(const Environment& environment);

claude::Privacy privacy_of(const Settings& settings, std::string salt);

}  // namespace fortium::app
