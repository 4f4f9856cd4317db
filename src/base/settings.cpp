#include "fortium/base/settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace fortium {

namespace {

std::string between(std::int64_t min, std::int64_t max) {
  if (max == INT64_MAX) return "must be a whole number of at least " + std::to_string(min);
  return "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max);
}

std::string in_time(std::int64_t ms) {
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + " ms";
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

const Setting* find_setting(std::span<const Setting> table, std::string_view key) {
  const auto at = std::ranges::find(table, key, &Setting::key);
  return at == table.end() ? nullptr : &*at;
}

SettingValue given(const Setting& setting, const SettingSources& sources) {
  const std::string key(setting.key);
  if (const auto at = sources.options.find(key); at != sources.options.end()) {
    std::string option = "--" + key;
    std::ranges::replace(option, '_', '-');
    return {at->second, option, true};
  }
  for (const std::string_view variable : setting.environment)
    if (auto value = sources.environment(std::string(variable).c_str()); value && !value->empty())
      return {*value, std::string(variable), true};
  if (const auto at = sources.file.find(key); at != sources.file.end()) return {at->second, sources.file_path, true};
  return {std::string(setting.fallback), "default", false};
}

std::optional<std::string> complaint(const Setting& setting, std::string_view value) {
  using Type = Setting::Type;
  switch (setting.type) {
    case Type::url: return std::nullopt;
    case Type::text:
    case Type::list:
      if (has_control(value)) return "must not contain control characters";
      return std::nullopt;
    case Type::secret:
      // It goes into a header as it is.
      if (std::ranges::any_of(value, [](char c) { return c <= 0x20 || c > 0x7E; }))
        return "must be printable ASCII without blanks";
      return std::nullopt;
    case Type::flag:
      if (!read_flag(value)) return "must be true or false";
      return std::nullopt;
    case Type::number: {
      const auto number = read_whole(value);
      if (!number || *number < setting.min || *number > setting.max) return between(setting.min, setting.max);
      return std::nullopt;
    }
    case Type::duration: {
      const auto time = parse_duration(value);
      if (!time) return time.error().what;
      if (time->count() < setting.min || time->count() > setting.max)
        return "must be from " + in_time(setting.min) + " to " + in_time(setting.max);
      return std::nullopt;
    }
    case Type::word: {
      std::string allowed;
      for (const std::string_view word : setting.words) {
        if (word == value) return std::nullopt;
        allowed += (allowed.empty() ? "" : ", ") + std::string(word);
      }
      return "must be one of " + allowed;
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_whole(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> read_flag(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off") return false;
  return std::nullopt;
}

std::vector<std::string> read_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

}  // namespace fortium
