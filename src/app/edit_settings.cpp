#include "edit_settings.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "fortium/base/config_file.h"
#include "fortium/base/files.h"

namespace fortium::app {

Result<void> edit_setting(const Settings& settings, std::string_view key, std::optional<std::string_view> value) {
  constexpr std::size_t kMostBytes = 1 << 20;
  const Setting* setting = find_setting(settings_table(), key);
  if (setting == nullptr) {
    std::string known;
    for (const Setting& one : settings_table()) known += (known.empty() ? "" : ", ") + std::string(one.key);
    return Error{Errc::invalid, std::string(key) + " is not a setting; there are " + known};
  }
  if (value)
    if (auto wrong = complaint(*setting, *value, settings.allow_insecure_http))
      return Error{Errc::invalid, std::string(key) + ": " + *wrong};
  auto text = read_file(settings.config_path, kMostBytes);
  if (!text && text.error().code != Errc::not_found) return std::move(text).error();
  FM_TRY(const std::string edited, edit_config(text ? *text : "", key, value));
  FM_TRY_(make_private_dir(std::filesystem::path(settings.config_path).parent_path()));
  return write_file(settings.config_path, edited);
}

Json settings_json(const Settings& settings) {
  Json out = Json::object();
  for (const Setting& setting : settings_table()) {
    const Value& value = settings.values.at(std::string(setting.key));
    out[std::string(setting.key)] = {{"value", value.text.empty() ? Json() : Json(without_userinfo(value.text))},
                                     {"origin", value.origin}};
  }
  out["data_dir"] = {{"value", settings.data_dir}, {"origin", ""}};
  out["config"] = {{"value", settings.config_path}, {"origin", ""}};
  return out;
}

}  // namespace fortium::app
