// The configuration file: the part of TOML that settings need (key = value, [table], strings, whole numbers, true and
// false, comments), read and edited line by line, so that an edit leaves every other line as it was. Pure; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/result.h"

namespace fortium {

struct ConfigText {
  std::map<std::string, std::string, std::less<>> values;  // "key" or "table.key"; strings without their quotes
  std::vector<std::string> problems;                       // "line 3: …"; the other lines count
};

ConfigText parse_config(std::string_view text);

// The text with `key` set to `value` (quoted if it is no number or flag), or removed when there is no value.
Result<std::string> edit_config(std::string_view text, std::string_view key, std::optional<std::string_view> value);

}  // namespace fortium
