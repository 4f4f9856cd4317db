#include "local_tools.h"

#include <nlohmann/json.hpp>

#include "../legacy/read_folder.h"
#include "edit_settings.h"

namespace fortium::app {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

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
    {.name = "settings",
     .type = Object{},
     .doc = "The settings of sync and warnings, as stored; null where nothing is set and there is no default."},
};

// As what it is, a number, a flag or text; null where there is none.
Json value_of(const Settings& settings, std::string_view key) {
  const std::string& text = settings.text(key);
  if (text.empty()) return nullptr;
  switch (find_setting(settings_table(), key)->type) {
    case Setting::Type::number: return settings.number(key);
    case Setting::Type::flag: return settings.flag(key);
    default: return text;
  }
}

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
  const Settings now =
      load_settings({.data_dir = settings.data_dir, .config_path = settings.config_path}, process_environment());
  Json shown = Json::object();
  for (const char* key : {"sync_interval", "batch_size", "performance_monitoring"}) shown[key] = value_of(now, key);
  const char* message = changed ? "Integration configuration updated successfully; it counts from the next session on"
                                : "Nothing was asked to change";
  return mcp::CallResult::json({{"success", true}, {"message", message}, {"settings", std::move(shown)}});
}

constexpr Field kMigrate[] = {
    {.name = "local_config_path",
     .type = Text{.max_chars = 4096},
     .doc = "One of the documented metrics folders; all of them, if absent.",
     .need = Need::optional},
    {.name = "legacy_format",
     .type = Object{},
     .doc = "Accepted as documented; the format of each line is recognised by itself.",
     .need = Need::optional},
    {.name = "preserve_local",
     .type = Boolean{},
     .doc = "Keep local copy after migration: the old files are never changed.",
     .need = Need::optional},
    {.name = "dry_run", .type = Boolean{}, .doc = "Only say what would be migrated.", .need = Need::optional},
};
constexpr Field kSkippedFields[] = {
    {.name = "file", .type = Text{.max_chars = 4096}, .doc = "Where it stands."},
    {.name = "line", .type = Integer{.max = INT64_MAX}, .doc = "Its number, from 1."},
    {.name = "why", .type = Text{.max_chars = 10'000}, .doc = "What is wrong with it."},
};
constexpr Field kSkippedLine{.name = "line", .type = Object{.fields = kSkippedFields}, .doc = "A line."};
constexpr Field kMigrated[] = {
    {.name = "success", .type = Boolean{}, .doc = "Everything that is a metric is stored."},
    {.name = "message", .type = Text{.max_chars = 1000}, .doc = "What was done."},
    {.name = "metrics_migrated", .type = Integer{.max = INT64_MAX}, .doc = "Metrics that are new."},
    {.name = "duplicates", .type = Integer{.max = INT64_MAX}, .doc = "Metrics that were migrated before."},
    {.name = "files", .type = Integer{.max = INT64_MAX}, .doc = "Files read."},
    {.name = "skipped_count", .type = Integer{.max = INT64_MAX}, .doc = "Lines that are no metric."},
    {.name = "skipped",
     .type = List{.item = &kSkippedLine, .max_items = static_cast<std::int64_t>(legacy::kMostSkipped)},
     .doc = "The first 100 of them, and why."},
};

// The folders to read: the documented ones only, whatever a model asks for.
Result<std::vector<std::string>> folders_of(const Json& arguments) {
  const Environment environment = process_environment();
  std::vector<std::string> folders =
      legacy::metric_folders(environment("HOME").value_or(""), environment("CLAUDE_PROJECT_DIR").value_or(""));
  if (!arguments.contains("local_config_path")) return folders;
  const auto wanted = arguments["local_config_path"].get<std::string>();
  for (const std::string& folder : folders)
    if (folder == wanted || folder + "/" == wanted) return std::vector{folder};
  std::string known;
  for (const std::string& folder : folders) known += (known.empty() ? "" : ", ") + folder;
  return Error{Errc::invalid, "/local_config_path: must be one of the documented metrics folders; here there " +
                                  (known.empty() ? std::string("are none") : "are " + known)};
}

// Stores in groups while it reads. Between them the client may cancel: what is stored by then stays, and doing it again
// counts it as duplicates.
Result<Json> migrate_all(mcp::Context& context, const Json& arguments) {
  FM_TRY(const auto folders, folders_of(arguments));
  const bool dry = arguments.value("dry_run", false);
  std::int64_t fresh = 0, duplicates = 0;
  legacy::Found found;
  const legacy::Visitor visitor{.take = [&](const legacy::Converted& one) -> std::string {
                                  if (dry) return "";
                                  const auto staged = context.recorder.stage(*one.kind, one.record, Edge::record);
                                  const auto* wrong = std::get_if<metrics::Violations>(&staged);
                                  return wrong != nullptr ? to_text(*wrong) : "";
                                },
                                .pause = [&]() -> Result<void> {
                                  FM_TRY(const auto stored, context.recorder.commit());
                                  for (const metrics::Stored one : stored)
                                    ++(one == metrics::Stored::fresh ? fresh : duplicates);
                                  return context.pulse(found.lines, found.of_lines, dry ? "reading" : "migrating");
                                }};
  for (const std::string& folder : folders) FM_TRY_(legacy::read_folder(folder, found, visitor));

  Json skipped = Json::array();
  for (const legacy::Skipped& line : found.skipped)
    skipped.push_back({{"file", line.file}, {"line", line.line}, {"why", line.why}});
  const std::string message = std::string(dry ? "Dry run: would migrate " : "Migration completed. Migrated ") +
                              std::to_string(dry ? found.records : fresh) + " metrics.";
  return Json{{"success", true},
              {"message", message},
              {"metrics_migrated", fresh},
              {"duplicates", duplicates},
              {"files", found.files},
              {"skipped_count", found.skipped_count},
              {"skipped", std::move(skipped)}};
}

mcp::CallResult migrate(mcp::Context& context, const Json& arguments) {
  auto done = migrate_all(context, arguments);
  return done ? mcp::CallResult::json(*done) : mcp::CallResult::failure("migrate_local_metrics: " + done.error().what);
}

}  // namespace

void add_local_rows(mcp::Catalog& catalog, const Settings& settings) {
  catalog.tools.push_back(
      {.name = "configure_integration",
       .title = "Configure the integration",
       .doc = "Configure Claude Code integration settings: sync preferences and warnings.",
       .input = kConfigure,
       .output = kConfigured,
       .run = [&settings](mcp::Context&, const Json& arguments) { return configure(settings, arguments); }});
  catalog.tools.push_back(
      {.name = "migrate_local_metrics",
       .title = "Migrate local metrics",
       .doc = "Migrate existing local metrics (tool-metrics.jsonl of earlier versions) into the store.",
       .input = kMigrate,
       .output = kMigrated,
       .run = migrate});
  catalog.resources.push_back(
      {"config://organization/settings", "Organization Settings", "Organization Settings",
       "Settings in force, and where each came from. No secrets.",
       [&settings](mcp::Context&, const std::string&) -> Result<Json> { return settings_json(settings); }});
}

}  // namespace fortium::app
