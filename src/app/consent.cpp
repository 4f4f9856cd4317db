#include "consent.h"

#include <filesystem>

namespace fortium::app {

bool opted_out(const std::string& dir, const Environment& environment) {
  const std::filesystem::path home = home_of(environment);
  std::error_code ignored;  // what cannot be looked at says nothing
  for (std::filesystem::path at = dir; at.is_absolute(); at = at.parent_path()) {
    if (std::filesystem::exists(at / kOffFile, ignored)) return true;
    if (at == home || at == at.root_path()) return false;
  }
  return false;
}

bool opted_out_here(const Environment& environment) { return opted_out(project_dir_of(environment), environment); }

claude::Privacy privacy_of(const Settings& settings, std::string salt) {
  return {settings.flag("privacy.prompts"), settings.flag("privacy.arguments"), settings.flag("privacy.paths"),
          settings.flag("privacy.errors"), std::move(salt)};
}

}  // namespace fortium::app
