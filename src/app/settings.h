// What can be set, where each value came from, and what is wrong with it.
//
// One table gives parsing, validation, `config show`, `--help` and the README's table. Order: option, environment,
// file, default. A bad value is reported and replaced by the default, so it never stops recording; commands that are
// not recording stop on it. Values; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"
#include "fortium/base/secret.h"
#include "fortium/base/settings.h"

namespace fortium::app {

enum class Mode { local, hybrid, remote };

std::span<const Setting> settings_table();

using Value = SettingValue;

struct Problem {
  std::string key;
  std::string what;  // names the setting, where it came from, the value and what is allowed
};

struct Settings {
  std::map<std::string, Value, std::less<>> values;
  std::vector<Problem> problems;
  std::string data_dir;
  std::string config_path;

  Mode mode = Mode::local;
  Secret api_key;
  bool disabled = false;  // FORTIUM_METRICS_DISABLED, DO_NOT_TRACK
  bool allow_insecure_http = false;

  const std::string& text(std::string_view key) const;
  std::int64_t number(std::string_view key) const;
  bool flag(std::string_view key) const;
  Millis millis(std::string_view key) const { return Millis(number(key)); }
};

struct Options {
  std::string data_dir;
  std::string config_path;
  bool allow_insecure_http = false;
  // false: no file is read and no command is run for the key, unless it has to tell whose records these are because no
  // organization is named.
  bool find_key = true;
  SettingTexts overrides;  // from the command line
};

// HOME, else what the system knows of the account.
std::string home_of(const Environment& environment);
// Claude Code's project, or where we are; "" where that is gone.
std::string project_dir_of(const Environment& environment);
// Two answers that need no file: where the data is, and whether nothing is to be recorded.
std::string data_dir_of(const Options& options, const Environment& environment);
bool is_disabled(const Environment& environment);

Settings load_settings(const Options& options, const Environment& environment);

// What is wrong with a value of this setting; nothing if it is good.
std::optional<std::string> complaint(const Setting& setting, std::string_view value, bool allow_insecure_http);

}  // namespace fortium::app
