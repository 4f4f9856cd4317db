#include "convert.h"

#include <ctime>
#include <map>

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"

namespace fortium::legacy {

namespace {

// Namespace of the ids of what is imported from these files.
constexpr std::string_view kNamespace = "5b4f5d0e-3b0c-5d3e-9a52-0d1c8f6f7a11";
constexpr double kScoreFactor = 10;  // old scores go to 10, ours to 100

Converted skipped(std::string why) { return {nullptr, {}, std::move(why)}; }

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
std::string time_of(const Json& line, const char* name = "timestamp") {
  std::string time = text(line, name);
  if (time.size() >= 19 && time.find_first_of("Zz+-", 19) == time.npos) time += "Z";
  return time;
}

// A time without a zone that means the machine's own.
Result<WallTime> local_time(const std::string& written) {
  FM_TRY(const WallTime as_utc, parse_rfc3339(written + "Z"));
  const auto seconds = static_cast<std::time_t>(to_ms(as_utc) / 1'000);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return Error{Errc::invalid, "no such time"};
  parts.tm_isdst = -1;
  return from_ms(static_cast<std::int64_t>(std::mktime(&parts)) * 1'000 + to_ms(as_utc) % 1'000);
}

void put(Json& record, const char* name, const std::string& value) {
  if (!value.empty()) record[name] = value;
}

Json begin(std::string id, const Json& old, std::string time) {
  Json record{{"source", "import"}, {"id", std::move(id)}, {"timestamp", std::move(time)}};
  put(record, "session_id", session_of(old));
  put(record, "user_id", text(old, "user_id").empty() ? text(old, "user_name") : text(old, "user_id"));
  return record;
}

// The collectors measured; the hooks wrote a random number, or the time of the hook itself.
void put_measured(Json& record, const Json& old) {
  for (const char* measured : {"duration_ms", "execution_time_ms"})
    if (old.contains(measured) && old[measured].is_number()) record["execution_time_ms"] = old[measured];
}

// Only the name of a command: what follows it was typed.
std::string first_word(const std::string& command) {
  const auto from = command.find_first_not_of(" \t");
  return from == command.npos ? "" : command.substr(from, command.find_first_of(" \t\r\n", from) - from);
}

std::string session_id(const std::string& session, const char* change) {
  return uuid5(kNamespace, "session\n" + session + "\n" + change);
}

Converted session_change(const Json& old, const char* change, const std::string& start, const std::string& end) {
  const std::string session = session_of(old);
  if (session.empty()) return skipped("session_id is missing");
  const bool ended = std::string_view(change) == "end";
  Json record = begin(session_id(session, change), old, ended ? end : start);
  record["change"] = change;
  record["status"] = ended ? "completed" : "active";
  put(record, "session_start", start);
  if (ended) put(record, "session_end", end);
  const auto from = parse_rfc3339(start), until = parse_rfc3339(end);
  if (ended && from && until && *until >= *from)
    record["total_duration_ms"] = static_cast<double>(to_ms(*until) - to_ms(*from));
  return {metrics::find_kind("user_session"), std::move(record), ""};
}

void put_totals(Json& record, const Json& old, const char* totals) {
  if (old.contains("productivity_score") && old["productivity_score"].is_number())
    record["productivity_score"] = old["productivity_score"].get<double>() * kScoreFactor;
  const auto metrics = old.find(totals);
  if (metrics == old.end() || !metrics->is_object()) return;
  const auto commands = metrics->find("commands_executed");
  if (commands != metrics->end() && commands->is_number()) record["commands_executed"] = *commands;
}

// Of the old shapes, by what tells them apart.
Converted convert_object(const Json& old, const std::string& id) {
  const std::string event = text(old, "event_type"), tool = text(old, "tool_name"), agent = text(old, "agent_name");
  const std::string change = text(old, "event");
  if (change == "session_start") return session_change(old, "start", time_of(old), "");
  if (change == "session_end") {
    Converted end = session_change(old, "end", "", time_of(old));
    if (end.kind != nullptr) put_totals(end.record, old, "final_metrics");
    return end;
  }
  const bool hybrid = event.empty() && !text(old, "source").empty();
  Json record = begin(id, old, time_of(old));
  record["status"] = status_of(old);
  if (event == "command") {
    const std::string command = first_word(text(old, "command"));
    if (command.empty()) return skipped("command is missing");
    record["command_name"] = command;
    put_measured(record, old);
    return {metrics::find_kind("command_execution"), std::move(record), ""};
  }
  if (event == "agent_invocation" || event == "agent" || (hybrid && tool.empty() && !agent.empty())) {
    if (agent.empty()) return skipped("agent_name is missing");
    record["agent_name"] = agent;
    record["interaction_type"] = "delegation";
    if (event != "agent_invocation") put_measured(record, old);
    return {metrics::find_kind("agent_interaction"), std::move(record), ""};
  }
  if (event != "tool_execution" && event != "tool" && !hybrid)
    return skipped("event_type is none of tool_execution, tool, agent_invocation");
  if (tool.empty()) return skipped("tool_name is missing");
  record["tool_name"] = tool;
  if (event != "tool_execution") put_measured(record, old);
  return {metrics::find_kind("tool_usage"), std::move(record), ""};
}

// Their words for how it ended, as ours.
std::string outcome_of(const Json& old) {
  const std::string status = status_of(old);
  if (status == "completed" || status == "ok" || status == "passed") return "success";
  return status == "failed" || status == "failure" ? "error" : status;
}

Converted convert_history_item(const Json& old, const std::string& id) {
  if (!old.is_object()) return skipped("not an object");
  std::string command, agent;
  for (const char* name : {"command_name", "command", "name"})
    if (command.empty()) command = first_word(text(old, name));
  for (const char* name : {"agent_name", "agent"})
    if (agent.empty()) agent = text(old, name);
  if (command.empty() && agent.empty()) return skipped("command_name, command and name are missing");
  Json record = begin(id, old, time_of(old));
  if (time_of(old).empty()) record.erase("timestamp");
  record["status"] = outcome_of(old);
  for (const char* name : {"time", "duration", "execution_time_ms"})
    if (old.contains(name) && old[name].is_number()) record["execution_time_ms"] = old[name];
  if (command.empty()) {
    record["agent_name"] = agent;
    record["interaction_type"] = "delegation";
    return {metrics::find_kind("agent_interaction"), std::move(record), ""};
  }
  record["command_name"] = command;
  if (!agent.empty()) record["context"] = {{"agent", agent}};
  return {metrics::find_kind("command_execution"), std::move(record), ""};
}

std::string line_id(std::string_view line, std::int64_t repeat) {
  return uuid5(kNamespace, std::string(line) + "\n" + std::to_string(repeat));
}

Result<Json> object_of(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return Error{Errc::invalid, "not JSON: " + parsed.error().what};
  if (!parsed->is_object()) return Error{Errc::invalid, "not an object"};
  return parsed;
}

}  // namespace

std::vector<Converted> convert_line(std::string_view line, std::int64_t repeat) {
  auto old = object_of(line);
  if (!old) return {skipped(old.error().what)};
  return {convert_object(*old, line_id(line, repeat))};
}

std::vector<Converted> convert_summary(std::string_view line, std::int64_t) {
  auto old = object_of(line);
  if (!old) return {skipped(old.error().what)};
  const std::string start = time_of(*old, "start_time"), end = time_of(*old, "end_time");
  Converted ended = session_change(*old, "end", start, end);
  if (ended.kind != nullptr) put_totals(ended.record, *old, "metrics");
  return {session_change(*old, "start", start, ""), std::move(ended)};
}

std::vector<Converted> convert_session(std::string_view whole, std::int64_t) {
  auto old = object_of(whole);
  if (!old) return {skipped(old.error().what)};
  return {session_change(*old, "start", time_of(*old, "start_time"), "")};
}

// A queued line is written anew as the collector wrote it to its files, so that it is the same record.
std::vector<Converted> convert_queue(std::string_view whole, std::int64_t) {
  auto old = object_of(whole);
  if (!old) return {skipped(old.error().what)};
  const auto queue = old->find("queue");
  if (queue == old->end() || !queue->is_array()) return {skipped("/queue is missing")};
  std::vector<Converted> out;
  std::map<std::string, std::int64_t> seen;
  for (const Json& item : *queue) {
    if (!item.is_object() || !item.contains("data") || !item["data"].is_object()) {
      out.push_back(skipped("/data is missing"));
      continue;
    }
    std::string line;
    for (const char* name : {"timestamp", "user_id", "session_id", "tool_name", "agent_name", "execution_time_ms",
                             "status", "error_message", "metadata", "source"})
      if (item["data"].contains(name))
        line += (line.empty() ? "{\"" : ",\"") + std::string(name) + "\":" + dump_json(item["data"][name]);
    line += line.empty() ? "{}" : "}";
    out.push_back(convert_object(item["data"], line_id(line, seen[line]++)));
  }
  return out;
}

std::vector<Converted> convert_history(std::string_view whole, std::int64_t) {
  auto old = parse_json(whole);
  if (!old) return {skipped("not JSON: " + old.error().what)};
  Json items = Json::array();
  for (const char* list : {"metrics", "commands"})
    if (old->is_object() && old->contains(list) && (*old)[list].is_array())
      for (Json& item : (*old)[list]) items.push_back(std::move(item));
  if (old->is_array())
    items = std::move(*old);
  else if (items.empty())
    items.push_back(std::move(*old));
  std::vector<Converted> out;
  std::map<std::string, std::int64_t> seen;
  for (const Json& item : items) {
    const std::string line = dump_json(item);
    out.push_back(convert_history_item(item, line_id(line, seen[line]++)));
  }
  return out;
}

std::vector<Converted> convert_invocations(std::string_view whole, std::int64_t) {
  std::map<std::string, Json> last;  // by invocation
  std::vector<Converted> out;
  for (std::size_t at = 0; at < whole.size();) {
    const auto end = std::min(whole.find('\n', at), whole.size());
    const std::string_view line = whole.substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    auto old = object_of(line);
    if (!old)
      out.push_back(skipped(old.error().what));
    else if (const std::string id = text(*old, "invocation_id"); id.empty())
      out.push_back(skipped("invocation_id is missing"));
    else
      last[id] = std::move(*old);
  }
  for (const auto& [id, old] : last) {
    const auto from = local_time(text(old, "start_time")), until = local_time(text(old, "end_time"));
    if (!from || !until || text(old, "agent_name").empty()) {
      out.push_back(skipped("the invocation has no start, no end or no name: how it ended is not known"));
      continue;
    }
    Json record = begin(uuid5(kNamespace, "invocation\n" + id), old, to_rfc3339(*from));
    record["status"] = status_of(old);
    record["agent_name"] = text(old, "agent_name");
    record["interaction_type"] = "delegation";
    record["execution_time_ms"] = to_ms(*until) - to_ms(*from);
    out.push_back({metrics::find_kind("agent_interaction"), std::move(record), ""});
  }
  return out;
}

}  // namespace fortium::legacy
