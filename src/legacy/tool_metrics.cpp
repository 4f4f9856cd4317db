#include "tool_metrics.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "fortium/base/entropy.h"
#include "fortium/base/files.h"

namespace fortium::legacy {

namespace {

// Namespace of the ids of what is imported from these files.
constexpr std::string_view kNamespace = "5b4f5d0e-3b0c-5d3e-9a52-0d1c8f6f7a11";
constexpr std::size_t kMostFileBytes = std::size_t{1} << 30;

std::string text(const Json& line, const char* name) {
  const auto at = line.find(name);
  return at != line.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// Ids of sessions that the old hooks could not resolve say nothing.
std::string session_of(const Json& line) {
  const std::string id = text(line, "session_id");
  return id == "default" || id == "default-session" ? "" : id;
}

std::string status_of(const Json& line) {
  std::string status = text(line, "status");
  if (!status.empty()) return status;
  const auto success = line.find("success");
  return success != line.end() && success->is_boolean() && !success->get<bool>() ? "error" : "success";
}

// Times without a zone are UTC where Python wrote them.
std::string time_of(const Json& line) {
  std::string time = text(line, "timestamp");
  if (time.size() >= 19 && time.find_first_of("Zz+-", 19) == time.npos) time += "Z";
  return time;
}

void put(Json& record, const char* name, const std::string& value) {
  if (!value.empty()) record[name] = value;
}

}  // namespace

Converted convert_tool_metric(std::string_view line, std::int64_t repeat) {
  auto parsed = parse_json(line);
  if (!parsed) return {nullptr, {}, "not JSON: " + parsed.error().what};
  if (!parsed->is_object()) return {nullptr, {}, "not an object"};
  const Json& old = *parsed;
  const std::string event = text(old, "event_type"), tool = text(old, "tool_name"), agent = text(old, "agent_name");

  Json record{{"source", "import"},
              {"id", uuid5(kNamespace, std::string(line) + "\n" + std::to_string(repeat))},
              {"timestamp", time_of(old)},
              {"status", status_of(old)}};
  put(record, "session_id", session_of(old));
  put(record, "user_id", text(old, "user_id").empty() ? text(old, "user_name") : text(old, "user_id"));
  if (event == "agent_invocation") {
    if (agent.empty()) return {nullptr, {}, "agent_name is missing"};
    record["agent_name"] = agent;
    record["interaction_type"] = "delegation";
    return {metrics::find_kind("agent_interaction"), std::move(record), ""};
  }
  const bool hybrid = event.empty() && !text(old, "source").empty();
  if (event != "tool_execution" && event != "tool" && !hybrid)
    return {nullptr, {}, "event_type is none of tool_execution, tool, agent_invocation"};
  if (tool.empty()) return {nullptr, {}, "tool_name is missing"};
  record["tool_name"] = tool;
  // The collectors measured; the hooks wrote a random number, or the time of the hook itself.
  for (const char* measured : {"duration_ms", "execution_time_ms"})
    if (event != "tool_execution" && old.contains(measured) && old[measured].is_number())
      record["execution_time_ms"] = old[measured];
  return {metrics::find_kind("tool_usage"), std::move(record), ""};
}

std::vector<std::string> metric_folders(const std::string& home, const std::string& project) {
  std::vector<std::string> folders;
  for (const std::string& folder :
       {home + "/.agent-os/metrics", home + "/.ai-mesh/metrics", home + "/.claude/metrics",
        project + "/.claude/hooks/metrics", project + "/.agent-os/metrics", project + "/.agent-os/metrics/data"}) {
    std::error_code error;
    if (!folder.starts_with("/.") && std::filesystem::is_directory(folder, error)) folders.push_back(folder);
  }
  return folders;
}

Result<void> read_folder(const std::string& folder, Found& found, const Visitor& visitor) {
  const std::string path = folder + "/tool-metrics.jsonl";
  auto text = read_file(path, kMostFileBytes);
  if (!text) {
    if (text.error().code == Errc::not_found) return {};
    return std::move(text).error();
  }
  ++found.files;
  found.of_lines += std::count(text->begin(), text->end(), '\n') + (text->empty() || text->back() == '\n' ? 0 : 1);
  std::map<std::string_view, std::int64_t> seen;
  std::int64_t number = 0;
  for (std::size_t at = 0; at < text->size();) {
    const auto end = std::min(text->find('\n', at), text->size());
    const std::string_view line = std::string_view(*text).substr(at, end - at);
    at = end + 1;
    ++number;
    ++found.lines;
    if (line.find_first_not_of(" \t\r") != line.npos) {
      const Converted one = convert_tool_metric(line, seen[line]++);
      std::string why = one.kind != nullptr ? visitor.take(one) : one.why;
      if (why.empty())
        ++found.records;
      else if (++found.skipped_count <= static_cast<std::int64_t>(kMostSkipped))
        found.skipped.push_back({path, number, std::move(why)});
    }
    if (number % kLinesAtOnce == 0) FM_TRY_(visitor.pause());
  }
  return visitor.pause();
}

}  // namespace fortium::legacy
