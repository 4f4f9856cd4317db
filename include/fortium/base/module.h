// Parts of the program that are loaded when they are first needed, as what they link would slow every start.
//
// A module is lib/fortium-metrics/<name>.so beside the program; it exports `fortium_<name>_version`. Any thread.
#pragma once

#include <string>

#include "fortium/base/result.h"

namespace fortium {

// A handle for dlsym(). Never unloaded: a library's threads and handlers may outlive its users. internal: there is
// none, or it is of another version, as an upgrade may replace the module under a program that runs. `what` is its name
// in messages: "the network module".
Result<void*> load_module(const std::string& name, const std::string& what);

}  // namespace fortium
