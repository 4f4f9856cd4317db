// Tools that record: one a kind, made from the table; the documented older name of one; and the three of sessions.
#include <memory>
#include <nlohmann/json.hpp>

#include "alerts.h"
#include "rows.h"

namespace fortium::mcp {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr Field kAlertFields[] = {
    {.name = "type", .type = OneOf{metrics::kAlertTypes}, .doc = "What is unlike usual."},
    {.name = "severity", .type = OneOf{metrics::kAlertSeverities}, .doc = "How much."},
    {.name = "message", .type = Text{}, .doc = "What was seen."},
};
constexpr Field kAlert{.name = "alert", .type = Object{.fields = kAlertFields}, .doc = "A warning."};
constexpr Field kRecorded[] = {
    {.name = "success", .type = Boolean{}, .doc = "The record is stored."},
    {.name = "id", .type = Text{.max_chars = 128}, .doc = "Identity of the record."},
    {.name = "message", .type = Text{.max_chars = 1000}, .doc = "What was done."},
    {.name = "alerts",
     .type = List{.item = &kAlert, .max_items = 10},
     .doc = "Warnings about this tool's last calls, each said once.",
     .need = Need::optional},
};

constexpr std::string_view kDisabled = "Recording is switched off; nothing was stored";

CallResult recorded(const Context& context, const std::string& id, std::string_view message, const Json& alerts) {
  std::string json = R"({"success":true,"id":)" + json_string(id) + R"(,"message":)" +
                     json_string(context.recorder.disabled() ? kDisabled : message);
  if (!alerts.empty()) json += R"(,"alerts":)" + dump_json(alerts);
  json += '}';
  return {json, json, false};
}

// What is to be said about a tool after the call that was just staged.
Json alerts_of(Alerts& alerts, const Context& context) {
  Json said = Json::array();
  const metrics::Event* event = context.recorder.newest();
  if (event == nullptr) return said;
  const std::string tool(event->text_of("tool_name"));
  const double duration = event->number_of("execution_time_ms").value_or(0);
  for (const metrics::Alert& alert :
       alerts.note(context, tool, duration, event->text_of("status") == metrics::kStatuses[0])) {
    context.log(Severity::warning, "alerts", {{"tool_name", tool}, {"type", alert.type}, {"severity", alert.severity}});
    said.push_back(to_json(alert));
  }
  return said;
}

CallResult stage(Context& context, const metrics::Kind& kind, const Json& fields, std::string_view message,
                 Alerts* alerts = nullptr) {
  auto staged = context.recorder.stage(kind, fields);
  if (const auto* violations = std::get_if<metrics::Violations>(&staged)) return CallResult::refused(*violations);
  return recorded(context, std::get<std::string>(staged), message,
                  alerts != nullptr ? alerts_of(*alerts, context) : Json::array());
}

// The documented older form of record-command-execution.
constexpr Field kCollect[] = {
    {.name = "command_name", .type = Text{.max_chars = metrics::kMaxNameChars}, .doc = "Name of the executed command."},
    {.name = "execution_time_ms",
     .type = Number{.min = 0, .max = metrics::kMaxDurationMs},
     .doc = "Execution time in milliseconds."},
    {.name = "success", .type = Boolean{}, .doc = "Whether the command succeeded."},
    {.name = "context",
     .type = Object{.max_members = metrics::kMaxMembers, .max_bytes = metrics::kMaxDetailBytes},
     .doc = "Free-form detail: claude_session, agent_used, delegation_pattern and others.",
     .need = Need::optional},
};

CallResult collect(Context& context, const Json& arguments) {
  Json fields = arguments;
  // The documented examples name the session inside the context.
  if (const auto detail = fields.find("context"); detail != fields.end() && detail->is_object())
    for (const char* name : {"claude_session", "session_id"})
      if (const auto session = detail->find(name);
          session != detail->end() && session->is_string() && !fields.contains("session_id"))
        fields["session_id"] = *session;
  auto staged = context.recorder.stage(*metrics::find_kind("command_execution"), fields);
  if (const auto* violations = std::get_if<metrics::Violations>(&staged)) return CallResult::refused(*violations);
  const std::string& id = std::get<std::string>(staged);
  CallResult result = recorded(context, id, "Metric collected successfully", Json::array());
  result.text = "Metric collected successfully. ID: " + id;
  if (context.recorder.disabled()) result.text = kDisabled;
  return result;
}

constexpr Object kMetadata{.max_members = metrics::kMaxMembers, .max_bytes = metrics::kMaxDetailBytes};
constexpr Text kSessionId{.min_chars = 1, .max_chars = 128};

constexpr Field kAgentName{
    .name = "agent", .type = Text{.max_chars = metrics::kMaxNameChars}, .doc = "An agent's name."};

constexpr Field kSessionStart[] = {
    {.name = "metadata",
     .type = kMetadata,
     .doc = "What is known of the session: project_name, project_type, claude_version, user_timezone and others.",
     .need = Need::optional},
    {.name = "session_id",
     .type = kSessionId,
     .doc = "Identity of the session; the current one, if absent.",
     .need = Need::optional},
};
constexpr Field kSessionStarted[] = {
    {.name = "success", .type = Boolean{}, .doc = "The start is stored."},
    {.name = "session_id", .type = kSessionId, .doc = "Identity of the session."},
    {.name = "message", .type = Text{.max_chars = 1000}, .doc = "What was done."},
};

CallResult start_session(Context& context, const Json& arguments) {
  const std::string id = arguments.value("session_id", context.recorder.stamp().session_id);
  const auto answer = [&](std::string_view message) {
    return CallResult::json({{"success", true}, {"session_id", id}, {"message", message}});
  };
  if (context.recorder.disabled()) return answer(kDisabled);
  if (auto reader = context.reader(); reader) {
    if (auto known = (*reader)->session(id); known && *known && (*known)->status == "active" && (*known)->started)
      return answer("Active session already exists");
  }
  Json fields{{"change", "start"},
              {"status", "active"},
              {"session_id", id},
              {"session_start", to_rfc3339(context.clock.now())}};
  if (arguments.contains("metadata")) fields["context"] = arguments["metadata"];
  auto staged = context.recorder.stage(*metrics::find_kind("user_session"), fields);
  if (const auto* violations = std::get_if<metrics::Violations>(&staged)) return CallResult::refused(*violations);
  if (auto done = context.commit(); !done) return CallResult::failure("not recorded: " + done.error().what);
  return answer("Session started successfully");
}

constexpr Field kSessionUpdate[] = {
    {.name = "session_id",
     .type = kSessionId,
     .doc = "Identity of the session; the current one, if absent.",
     .need = Need::optional},
    {.name = "commands_executed",
     .type = Integer{.min = 0, .max = 1'000'000'000},
     .doc = "Commands run so far.",
     .need = Need::optional},
    {.name = "agents_used",
     .type = List{.item = &kAgentName, .max_items = 1000},
     .doc = "Agents used so far.",
     .need = Need::optional},
    {.name = "productivity_score",
     .type = Number{.min = 0, .max = 100},
     .doc = "A score given by the caller, from 0 to 100.",
     .need = Need::optional},
    {.name = "context", .type = kMetadata, .doc = "Free-form detail, kept verbatim.", .need = Need::optional},
};

CallResult update_session(Context& context, const Json& arguments) {
  Json fields = arguments;
  fields["change"] = "update";
  return stage(context, *metrics::find_kind("user_session"), fields, "Session updated");
}

constexpr Field kEndMetadata[] = {
    {.name = "completion_reason",
     .type = Text{.max_chars = 255},
     .doc = "Why it ended: user_ended, timeout, error, or a word of your own.",
     .need = Need::optional},
    {.name = "tasks_completed",
     .type = Number{.min = 0, .max = 1'000'000'000},
     .doc = "Tasks completed.",
     .need = Need::optional},
    {.name = "satisfaction_score",
     .type = Number{.min = 1, .max = 10},
     .doc = "Satisfaction of the person, from 1 to 10.",
     .need = Need::optional},
    {.name = "productivity_score",
     .type = Number{.min = 0, .max = 100},
     .doc = "A score given by the caller, from 0 to 100.",
     .need = Need::optional},
    {.name = "focus_time_minutes",
     .type = Number{.min = 0, .max = 44'640},
     .doc = "Minutes of undisturbed work.",
     .need = Need::optional},
    {.name = "interruption_count",
     .type = Integer{.min = 0, .max = 1'000'000'000},
     .doc = "Interruptions.",
     .need = Need::optional},
};
constexpr Field kSessionEnd[] = {
    {.name = "session_id", .type = kSessionId, .doc = "Identity of the session."},
    {.name = "end_metadata",
     .type = Object{.fields = kEndMetadata},
     .doc = "How the session went.",
     .need = Need::optional},
};
constexpr Field kSessionEnded[] = {
    {.name = "success", .type = Boolean{}, .doc = "The end is stored."},
    {.name = "summary",
     .type = Object{},
     .doc = "The session: its data, analytics, commands and interactions.",
     .need = Need::optional},
    {.name = "message", .type = Text{.max_chars = 1000}, .doc = "What was done."},
};

constexpr std::int64_t kShown = 50;  // commands and interactions of a summary: answers stay small

Json recent_json(const std::vector<metrics::Recent>& rows) {
  Json out = Json::array();
  for (const metrics::Recent& row : rows)
    out.push_back({{"name", row.name},
                   {"execution_time_ms", row.duration_ms},
                   {"status", row.status},
                   {"timestamp", to_rfc3339(row.timestamp)}});
  return out;
}

Result<Json> summary_of(Context& context, const std::string& id, const Json& end_metadata) {
  FM_TRY(metrics::Reader* const reader, context.reader());
  FM_TRY(const auto session, reader->session(id));
  if (!session) return Error{Errc::not_found, "no such session"};
  const metrics::Period all{WallTime{}, context.clock.now() + std::chrono::days(1)};
  FM_TRY(const auto commands, reader->recent(*metrics::find_kind("command_execution"), all, id, kShown));
  FM_TRY(const auto interactions, reader->recent(*metrics::find_kind("agent_interaction"), all, id, kShown));
  Json analytics{{"commands_executed", session->commands},
                 {"agents_used", session->agents_used},
                 {"total_execution_time_ms", session->total_ms},
                 {"average_command_time_ms", number_or_null(session->avg_command_ms)},
                 {"error_count", session->errors},
                 {"error_rate", session->success_rate ? Json(1 - *session->success_rate) : Json()}};
  for (const char* given : {"productivity_score", "focus_time_minutes", "interruption_count"})
    if (end_metadata.contains(given)) analytics[given] = end_metadata[given];
  return Json{{"session", to_json(*session, context.clock.now())},
              {"analytics", std::move(analytics)},
              {"commands", recent_json(commands)},
              {"interactions", recent_json(interactions)}};
}

CallResult end_session(Context& context, const Json& arguments) {
  const std::string id = arguments["session_id"];
  const Json given = arguments.value("end_metadata", Json::object());
  if (context.recorder.disabled()) return CallResult::json({{"success", true}, {"message", kDisabled}});
  Json fields = given;
  fields["change"] = "end";
  fields["status"] = "completed";
  fields["session_id"] = id;
  fields["session_end"] = to_rfc3339(context.clock.now());
  auto staged = context.recorder.stage(*metrics::find_kind("user_session"), fields);
  if (const auto* violations = std::get_if<metrics::Violations>(&staged)) return CallResult::refused(*violations);
  if (auto done = context.commit(); !done) return CallResult::failure("not recorded: " + done.error().what);
  Json answer{{"success", true}, {"message", "Session ended successfully"}};
  if (auto summary = summary_of(context, id, given)) answer["summary"] = std::move(*summary);
  return CallResult::json(answer);
}

}  // namespace

std::vector<Tool> recorders(const std::optional<metrics::AlertRules>& rules) {
  std::vector<Tool> tools;
  for (const metrics::Kind& kind : metrics::kinds()) {
    if (kind.tool.empty()) continue;
    Tool tool{.name = kind.tool, .title = kind.doc, .doc = kind.doc, .input = kind.shape, .output = kRecorded};
    tool.title = tool.title.substr(0, tool.title.find_first_of(",:."));
    tool.records = true;
    const auto alerts = rules && kind.name == "tool_usage" ? std::make_shared<Alerts>(*rules) : nullptr;
    tool.run = [&kind, alerts](Context& context, const Json& arguments) {
      return stage(context, kind, arguments, "Recorded", alerts.get());
    };
    tools.push_back(std::move(tool));
  }
  tools.push_back({.name = "collect_metrics",
                   .title = "Collect metrics",
                   .doc = "Collect command execution metrics from Claude Code.",
                   .input = kCollect,
                   .output = kRecorded,
                   .records = true,
                   .run = collect});
  return tools;
}

std::vector<Tool> session_recorders() {
  return {{.name = "record-session-start",
           .title = "Start a session",
           .doc = "Start a new user session with metadata.",
           .input = kSessionStart,
           .output = kSessionStarted,
           .run = start_session},
          {.name = "record-session-update",
           .title = "Update a session",
           .doc = "Update a session: commands executed, agents used, score, context.",
           .input = kSessionUpdate,
           .output = kRecorded,
           .records = true,
           .run = update_session},
          {.name = "record-session-end",
           .title = "End a session",
           .doc = "End a user session with completion metadata, and get its summary.",
           .input = kSessionEnd,
           .output = kSessionEnded,
           .run = end_session}};
}

}  // namespace fortium::mcp
