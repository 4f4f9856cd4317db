#include "records.h"

#include <utility>

#include "fortium/metrics/identity.h"
#include "privacy.h"

namespace fortium::claude {

using metrics::derived_id;
using metrics::OpenCall;

namespace {

// What is told of a call beside its fields: what its begin noted, and what its end says.
Json detail_of(const OpenCall& call) {
  auto noted = parse_json(call.detail);
  return noted && noted->is_object() ? std::move(*noted) : Json::object();
}

// A change of a session: something that happened in it.
Record session_update(const std::string& session, std::string_view what, std::string_view key,
                      const std::string& prompt, WallTime when, Json context) {
  const std::string name = session + "/" + std::string(what) + "/" + std::string(key);
  Record record{kSession, fields_of(kSession, name, session, prompt, when)};
  record.fields["change"] = "update";
  context["event"] = what;
  record.fields["context"] = std::move(context);
  return record;
}

}  // namespace

void set_if(Json& object, const char* name, std::string_view text) {
  if (!text.empty()) object[name] = text;
}

std::string text_of(const Json& object, std::string_view name) {
  if (!object.is_object()) return "";
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

std::string agent_name(const std::string& type) { return type.empty() ? "general-purpose" : clean_name(type); }

bool is_agent_tool(std::string_view tool) { return tool == "Task" || tool == "Agent"; }

Json fields_of(std::string_view kind, std::string_view key, const std::string& session, const std::string& prompt,
               WallTime when) {
  Json fields = {{"id", derived_id(kind, key)}, {"timestamp", to_rfc3339(when)}, {"session_id", session}};
  set_if(fields, "prompt_id", prompt);
  return fields;
}

void add_context(Json& fields, const char* name, Json context) {
  if (!context.empty()) fields[name] = std::move(context);
}

Record record_of(const OpenCall& call, const End& end) {
  Json context = detail_of(call);
  context.update(end.context);
  const std::string key = call.what == kCompact ? call.key + "/" + call.name : call.key;
  if (call.what == kTurn || call.what == kCompact) {
    if (end.duration) context["duration_ms"] = *end.duration;
    context["status"] = end.status;
    return session_update(call.session_id, call.what, key, call.prompt_id, end.when, std::move(context));
  }
  Record record{kTool, {}};
  for (const std::string_view kind : {kCommand, kAgent})
    if (call.what == kind) record.kind = kind;
  Json& fields = record.fields = fields_of(record.kind, key, call.session_id, call.prompt_id, end.when);
  fields["status"] = end.status;
  if (end.duration) fields["execution_time_ms"] = *end.duration;
  set_if(fields, "error_message", end.error);
  if (record.kind == kTool) fields["tool_name"] = call.name, fields["tool_use_id"] = call.key;
  if (record.kind == kCommand) fields["command_name"] = call.name;
  if (record.kind == kAgent) fields["agent_name"] = call.name, fields["interaction_type"] = "delegation";
  add_context(fields, record.kind == kAgent ? "metadata" : "context", std::move(context));
  return record;
}

Record given_up(const OpenCall& call) {
  End end{.status = "cancelled", .when = call.started};
  if (call.state == kAsked) end.context["permission"] = std::string(kAsked);
  return record_of(call, end);
}

}  // namespace fortium::claude
