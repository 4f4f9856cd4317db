// The query of a URL as names and values. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fortium/base/result.h"

namespace fortium::service {

using Parameters = std::vector<std::pair<std::string, std::string>>;

// "from=2026-01-01&kind=tool_usage": %XX and + undone, as forms send them. invalid: a broken escape, a name given
// twice, or text that cannot be meant.
Result<Parameters> read_parameters(std::string_view query);

// %XX undone; nothing for a broken escape, a control character or what is not UTF-8.
std::optional<std::string> decode(std::string_view text, bool plus_is_space);

}  // namespace fortium::service
