// `fortium-metrics config`.
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "edit_settings.h"
#include "terminal.h"

namespace fortium::app {

namespace {

int show(const Settings& settings, bool json) {
  if (json) {
    std::cout << dump_json(settings_json(settings)) << "\n";
    return kDone;
  }
  Table table;
  for (const char* title : {"SETTING", "VALUE", "FROM"}) table.column(title);
  for (const Setting& setting : settings_table()) {
    const Value& value = settings.values.at(std::string(setting.key));
    table.row({std::string(setting.key), value.text.empty() ? "–" : without_userinfo(value.text), value.origin});
  }
  table.row({"data_dir", settings.data_dir, ""});
  std::cout << table.text();
  return kDone;
}

}  // namespace

int run_config(const Settings& settings, const ConfigCommand& command) {
  using Do = ConfigCommand::Do;
  if (command.what == Do::path) {
    std::cout << settings.config_path << "\n";
    return kDone;
  }
  if (command.what == Do::show) {
    const int shown = show(settings, command.json);
    tell_problems(settings);
    return settings.problems.empty() ? shown : kConfiguration;
  }
  if (find_setting(settings_table(), command.key) == nullptr) {
    auto refused = edit_setting(settings, command.key, std::nullopt);  // its words name the settings there are
    return fail(kUsage, refused ? "no such setting" : refused.error().what);
  }
  if (command.what == Do::get) {
    const Value& value = settings.values.at(command.key);
    if (command.json)
      std::cout << dump_json({{"key", command.key}, {"value", without_userinfo(value.text)}, {"origin", value.origin}})
                << "\n";
    else
      std::cout << without_userinfo(value.text) << "\n";
    return kDone;
  }
  if (command.what == Do::set && command.key == "api_key")
    return fail(
        kUsage,
        "a key is never taken from the command line, where other programs can read it: put it in a file and set "
        "api_key_file, or set FORTIUM_API_KEY");
  auto done = command.what == Do::set ? edit_setting(settings, command.key, command.value)
                                      : edit_setting(settings, command.key, std::nullopt);
  if (!done) return fail(done.error().code == Errc::invalid ? kUsage : kConfiguration, done.error().what);
  if (!command.json) std::cout << "wrote " << settings.config_path << "\n";
  return kDone;
}

}  // namespace fortium::app
