// `fortium-metrics-server config show`.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"

namespace fortium::service {

Exit run_config(const Settings& settings, bool as_json) {
  Json json = Json::object();
  for (const Setting& setting : settings_table()) {
    const SettingValue& value = settings.values.at(std::string(setting.key));
    if (as_json)
      json[std::string(setting.key)] = {{"value", value.text}, {"origin", value.origin}};
    else
      std::printf("%-16s  %-22s  %s\n", std::string(setting.key).c_str(), value.text.empty() ? "-" : value.text.c_str(),
                  value.origin.c_str());
  }
  if (as_json) tell(json);
  return tell_problems(settings);
}

Exit tell_problems(const Settings& settings) {
  Exit exit = kDone;
  for (const SettingProblem& problem : settings.problems)
    exit = fail(problem.option ? kUsage : kConfiguration, problem.what);
  return exit;
}

}  // namespace fortium::service
