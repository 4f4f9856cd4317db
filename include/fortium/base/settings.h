// A table of settings: what each is called, where its value may come from, and what is allowed.
//
// Order: option, environment, file, default. One row gives parsing, validation, what `config show` says and the
// README's table. Values; any thread.
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

namespace fortium {

struct Setting {
  enum class Type {
    text,
    secret,
    url,
    flag,
    number,
    word,
    duration,  // "30s"; the bounds are in milliseconds
    list,      // with commas
  };
  std::string_view key;
  std::span<const std::string_view> environment;  // the first that is set counts
  Type type = Type::text;
  std::string_view fallback;  // as text; empty: none
  std::string_view doc;
  std::int64_t min = 0, max = 0;                 // of numbers and durations
  std::span<const std::string_view> words = {};  // of words
};

// Null: there is none of that name.
const Setting* find_setting(std::span<const Setting> table, std::string_view key);

// One value as it will be used.
struct SettingValue {
  std::string text;
  std::string origin;  // "default", "FORTIUM_URL", a file's path, "--url"
  bool set = false;    // by somebody
};

using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

using SettingTexts = std::map<std::string, std::string, std::less<>>;
struct SettingSources {
  const SettingTexts& options;
  const Environment& environment;
  const SettingTexts& file;
  const std::string& file_path;
};
// As it was given, good or not.
SettingValue given(const Setting& setting, const SettingSources& sources);

// What is wrong with a value of this setting; nothing if it is good. What is allowed of a URL and in a list depends on
// the setting, and is its program's to judge.
std::optional<std::string> complaint(const Setting& setting, std::string_view value);

std::optional<std::int64_t> read_whole(std::string_view text);
std::optional<bool> read_flag(std::string_view text);
// The parts of a list, without blanks around them; empty ones are none.
std::vector<std::string> read_list(std::string_view text);

}  // namespace fortium
