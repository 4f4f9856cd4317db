// What was open -> the record that it becomes. Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "fortium/base/json.h"
#include "fortium/metrics/open_call.h"

namespace fortium::claude {

// What a call is noted as: the kind of record that it becomes, or one of the changes of its session below.
inline constexpr std::string_view kCommand = "command_execution";
inline constexpr std::string_view kTool = "tool_usage";
inline constexpr std::string_view kAgent = "agent_interaction";
inline constexpr std::string_view kSession = "user_session";
inline constexpr std::string_view kRequest = "model_usage";
inline constexpr std::string_view kTurn = "turn";        // from a prompt to its answer
inline constexpr std::string_view kCompact = "compact";  // a conversation is summed up
inline constexpr std::string_view kEvent = "event";      // how often an event of this name was seen

inline constexpr std::string_view kStateEnded = "ended";          // state of a session that said goodbye
inline constexpr std::string_view kStateAbandoned = "abandoned";  // and of one that did not
inline constexpr std::string_view kAsked = "asked";               // state of a tool call: a person was asked

struct Record {
  std::string_view kind;
  Json fields;
};

// How a call ended, as its record says it.
struct End {
  std::string status = "success";
  std::optional<double> duration;
  WallTime when{};
  std::string error;  // its text, where that may be kept
  Json context = Json::object();
};

Record record_of(const metrics::OpenCall& call, const End& end);
// What was open when its turn or session was over was given up: by a person, or because it was not permitted. How long
// it took is not known.
Record given_up(const metrics::OpenCall& call);

// The envelope of a record that is made from something that Claude Code names.
Json fields_of(std::string_view kind, std::string_view key, const std::string& session, const std::string& prompt,
               WallTime when);
// Absent rather than empty.
void set_if(Json& object, const char* name, std::string_view text);
// A member that is text; "" where there is none.
std::string text_of(const Json& object, std::string_view name);
// What a subagent is called by its type; the client takes this one where none is named.
std::string agent_name(const std::string& type);
// Whether it is the tool by which a subagent is asked; older versions call it otherwise.
bool is_agent_tool(std::string_view tool);
void add_context(Json& fields, const char* name, Json context);

}  // namespace fortium::claude
