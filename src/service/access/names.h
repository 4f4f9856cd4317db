// Names of organizations: words for people, never part of a path. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "fortium/base/result.h"

namespace fortium::service {

constexpr std::size_t kMaxNameChars = 255;

// Without the space around it; or why it is no name: not 1 to 255 characters of UTF-8, or a control character in it.
Result<std::string> read_name(std::string_view text);
// The same text for names that differ in case only, letter by letter: "ß" and "SS" are two names.
std::string folded(std::string_view name);

}  // namespace fortium::service
