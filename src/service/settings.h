// What can be set of the service, and what is wrong with it. One table; see fortium/base/settings.h.
//
// A bad value is an error: a service that starts does what was asked of it. Values; any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/tokens.h"
#include "fortium/base/secret.h"
#include "fortium/base/settings.h"

namespace fortium::service {

std::span<const Setting> settings_table();

struct SettingProblem {
  std::string what;     // names the setting, where it came from, the value and what is allowed
  bool option = false;  // it came from the command line
};

struct Settings {
  std::map<std::string, SettingValue, std::less<>> values;  // secrets as their last four characters
  std::map<std::string, Secret, std::less<>> secrets;
  std::vector<SettingProblem> problems;
  std::string config_path;  // empty: there is none

  const std::string& text(std::string_view key) const;
  const Secret& secret(std::string_view key) const;
  std::int64_t number(std::string_view key) const;
  Millis millis(std::string_view key) const;
  std::size_t bytes(std::string_view key) const;
  std::vector<std::string> list(std::string_view key) const { return read_list(text(key)); }
};

TokenOptions tokens_of(const Settings& settings);
// Which store, as open_backend takes it: a database goes before a directory, unless the directory was typed.
std::string store_of(const Settings& settings);

// `options`: from the command line. `config`: the file's path from there, else it is FORTIUM_SERVER_CONFIG or none.
Settings load_settings(const SettingTexts& options, const std::string& config, const Environment& environment);

}  // namespace fortium::service
