// Ids of records that are made from something that Claude Code names.
//
// Hooks, a plugin's hooks, tools called by hooks, the import of a transcript and Claude Code's own telemetry all see
// the same tool call, message or session. They derive the record's id from its name, so the store's primary key counts
// it once, whoever comes first. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace fortium::metrics {

// A UUIDv8 of SHA-256("fortium-metrics\n" + kind + "\n" + key): same thing, same id, on every way in.
//
// key, by kind of record: tool_usage: the tool_use_id. model_usage: see request_key. agent_interaction: the subagent's
// agent_id (without one, the tool_use_id of the call that started it). command_execution: the prompt_id (a skill run by
// the model: its tool_use_id). user_session: session_id + "/start" and "/end" ("/resume/" + pid and "/end/resume/" +
// pid of one that was resumed), "/turn/" + prompt_id, "/compact/" + prompt_id + "/" + its number among those of its
// prompt; and "api_error/" + the uuid of its line.
std::string derived_id(std::string_view kind, std::string_view key);

// Whether a request id is one of the API ("req_…"): it then names one request, and so one message, in all the world.
bool is_api_request(std::string_view request_id);
// The key of a model request: its request id where that is one of the API, as telemetry knows no more; else
// message id + "/" + request id.
std::string request_key(std::string_view request_id, std::string_view message_id);

// Whether an id may be one of these. What two ways in say of the same thing need not agree.
bool is_derived(std::string_view id);

}  // namespace fortium::metrics
