// Shows and changes settings: for `config`, and for the tool that may change some of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fortium/base/json.h"
#include "settings.h"

namespace fortium::app {

// Checks the value as the table says, and writes the file; without a value the setting is removed from it.
Result<void> edit_setting(const Settings& settings, std::string_view key, std::optional<std::string_view> value);
// {"mode":{"value":…,"origin":…},…}: secrets masked.
Json settings_json(const Settings& settings);

}  // namespace fortium::app
