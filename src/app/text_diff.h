// The difference of two texts, line by line, in the unified form that `patch` reads. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace fortium::app {

// Empty if they are equal. `from` and `to` name them.
std::string unified_diff(std::string_view before, std::string_view after, const std::string& from,
                         const std::string& to);

}  // namespace fortium::app
