#include "local_tools.h"

#include <nlohmann/json.hpp>

#include "edit_settings.h"

namespace fortium::app {

namespace {

using namespace schema;    // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr Field kSyncPreferences[] = {
    {.name = "sync_interval",
     .type = Integer{.min = 50, .max = 3'600'000},
     .doc = "Milliseconds between background rounds.",
     .need = Need::optional},
    {.name = "batch_size",
     .type = Integer{.min = 1, .max = 1000},
     .doc = "Records in one request.",
     .need = Need::optional},
};
constexpr Field kNotificationSettings[] = {
    {.name = "performance_monitoring",
     .type = Boolean{},
     .doc = "Warnings about slow and failing tools in tool results.",
     .need = Need::optional},
};
constexpr Field kConfigure[] = {
    {.name = "webhook_url",
     .type = Text{.max_chars = 2000},
     .doc = "Refused here: where data is sent is set by a person, at the command line.",
     .need = Need::optional},
    {.name = "notification_settings",
     .type = Object{.fields = kNotificationSettings},
     .doc = "What tool results warn of.",
     .need = Need::optional},
    {.name = "sync_preferences",
     .type = Object{.fields = kSyncPreferences},
     .doc = "How the background sends.",
     .need = Need::optional},
};
constexpr Field kConfigured[] = {
    {.name = "success", .type = Boolean{}, .doc = "The settings are as asked for."},
    {.name = "message", .type = Text{.max_chars = 1000}, .doc = "What was done."},
    {.name = "settings", .type = Object{}, .doc = "The settings of sync and warnings, as stored."},
};

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : dump_json(value); }

mcp::CallResult configure(const Settings& settings, const Json& arguments) {
  if (arguments.contains("webhook_url"))
    return mcp::CallResult::failure(
        "configure_integration: /webhook_url: cannot be set from a tool, as a tool can be called by what a model has "
        "read; addresses are set with `fortium-metrics config set`");
  bool changed = false;
  for (const char* group : {"sync_preferences", "notification_settings"}) {
    if (!arguments.contains(group)) continue;
    for (const auto& [key, value] : arguments[group].items()) {
      if (value.is_null()) continue;
      if (auto done = edit_setting(settings, key, text_of(value)); !done)
        return mcp::CallResult::failure("configure_integration: /" + std::string(group) + "/" + key + ": " +
                                        done.error().what);
      changed = true;
    }
  }
  const Settings now = load_settings({.data_dir = settings.data_dir, .config_path = settings.config_path},
                                     process_environment());
  Json shown = Json::object();
  for (const char* key : {"sync_interval", "batch_size", "performance_monitoring"}) shown[key] = now.text(key);
  const char* message = changed ? "Integration configuration updated successfully; it counts from the next session on"
                                : "Nothing was asked to change";
  return mcp::CallResult::json({{"success", true}, {"message", message}, {"settings", std::move(shown)}});
}

}  // namespace

void add_local_rows(mcp::Catalog& catalog, const Settings& settings) {
  catalog.tools.push_back({.name = "configure_integration",
                           .title = "Configure the integration",
                           .doc = "Configure Claude Code integration settings: sync preferences and warnings.",
                           .input = kConfigure,
                           .output = kConfigured,
                           .run = [&settings](mcp::Context&, const Json& arguments) {
                             return configure(settings, arguments);
                           }});
  catalog.resources.push_back({"config://organization/settings", "Organization Settings", "Organization Settings",
                               "Settings in force, and where each came from. No secrets.",
                               [&settings](mcp::Context&) -> Result<Json> { return settings_json(settings); }});
}

}  // namespace fortium::app
