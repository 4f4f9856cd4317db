#include "statusline.h"

#include <cmath>
#include <cstdio>

#include "fortium/metrics/identity.h"

namespace fortium::claude {

using metrics::derived_id;

namespace {

// What is kept, and under which name.
struct Kept {
  const char* name;
  const char* pointer;
};
constexpr Kept kKept[] = {
    {"cost_usd", "/cost/total_cost_usd"},
    {"api_duration_ms", "/cost/total_api_duration_ms"},
    {"lines_added", "/cost/total_lines_added"},
    {"lines_removed", "/cost/total_lines_removed"},
    {"context_used_percentage", "/context_window/used_percentage"},
    {"context_window_size", "/context_window/context_window_size"},
    {"context_input_tokens", "/context_window/total_input_tokens"},
    {"five_hour_used_percentage", "/rate_limits/five_hour/used_percentage"},
    {"five_hour_resets_at", "/rate_limits/five_hour/resets_at"},
    {"seven_day_used_percentage", "/rate_limits/seven_day/used_percentage"},
    {"seven_day_resets_at", "/rate_limits/seven_day/resets_at"},
};
constexpr std::size_t kMostName = 128;  // bytes of a name

// null: it is not there.
const Json& at(const Json& json, const char* pointer) {
  static const Json kNothing;
  const Json::json_pointer path(pointer);
  return json.contains(path) ? json.at(path) : kNothing;
}

std::string text_at(const Json& json, const char* pointer) {
  const Json& value = at(json, pointer);
  return value.is_string() ? value.get<std::string>() : "";
}

std::string line_of(const Json& json) {
  std::string line;
  for (const char c : text_at(json, "/model/display_name").substr(0, kMostName))
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) line += c;
  const auto add = [&](const char* pointer, const char* format) {
    const Json& value = at(json, pointer);
    char text[64];
    if (!value.is_number()) return;
    std::snprintf(text, sizeof text, format, value.get<double>());
    line += (line.empty() ? "" : " | ") + std::string(text);
  };
  add("/cost/total_cost_usd", "$%.2f");
  add("/context_window/used_percentage", "context %.0f %%");
  add("/rate_limits/five_hour/used_percentage", "5 h %.0f %%");
  add("/rate_limits/seven_day/used_percentage", "7 d %.0f %%");
  return line;
}

}  // namespace

std::optional<StatusLine> read_status_line(std::string_view text, WallTime now) {
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return std::nullopt;
  StatusLine status;
  status.session_id = text_at(*json, "/session_id");
  if (status.session_id.empty() || status.session_id.size() > kMostName) return std::nullopt;
  status.directory = text_at(*json, "/workspace/project_dir");
  status.line = line_of(*json);

  Json context = {{"from", "statusline"}};
  if (const std::string model = text_at(*json, "/model/id"); !model.empty() && model.size() <= kMostName)
    context["model"] = model;
  for (const Kept& kept : kKept)
    if (const Json& value = at(*json, kept.pointer); value.is_number()) context[kept.name] = value;
  status.unused = at(*json, "/cost/total_api_duration_ms") == 0;
  const std::int64_t minute = to_ms(now) / 60'000;
  status.record = {{"id", derived_id("user_session", status.session_id + "/statusline/" + std::to_string(minute))},
                   {"session_id", status.session_id},
                   {"change", "update"},
                   {"context", std::move(context)}};
  if (const Json& length = at(*json, "/cost/total_duration_ms"); length.is_number() && length.get<double>() >= 0)
    status.record["total_duration_ms"] = length;
  return status;
}

}  // namespace fortium::claude
