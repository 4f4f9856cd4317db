#include "told.h"

#include <utility>

#include "fortium/base/hash.h"
#include "records.h"

namespace fortium::claude {

namespace {

constexpr std::size_t kFingerprint = 16;  // hex digits

const Json& member(const HookEvent& event, std::string_view name) {
  static const Json none;
  const auto at = event.fields.find(name);
  return at != event.fields.end() ? *at : none;
}

Size size_of(const HookEvent& event, std::string_view name) {
  const auto at = event.size.find(name);
  return at != event.size.end() ? at->second : Size{};
}

// How many lines an edit changed. Of a file that is new, all of them: its lines are counted as Claude Code does.
void describe_patch(Json& output, const Json& response, std::int64_t lines) {
  if (text_of(response, "type") == "create") {
    output["lines_added"] = lines + 1;
    output["lines_removed"] = 0;
    return;
  }
  const auto patch = response.is_object() ? response.find("structuredPatch") : response.end();
  if (!response.is_object() || patch == response.end() || !patch->is_array() || patch->empty()) return;
  std::int64_t added = 0, removed = 0;
  for (const Json& hunk : *patch) {
    if (!hunk.is_object() || !hunk.contains("lines") || !hunk["lines"].is_array()) return;
    for (const Json& line : hunk["lines"]) {
      if (!line.is_string()) return;
      added += line.get_ref<const std::string&>().starts_with('+');
      removed += line.get_ref<const std::string&>().starts_with('-');
    }
  }
  output["lines_added"] = added;
  output["lines_removed"] = removed;
}

void tell_prompt(Json& told, const HookEvent& event, const Privacy& privacy) {
  const Json& prompt = member(event, "prompt");
  if (prompt.is_null()) return;
  Json kept = Json::object();
  describe_prompt(kept, prompt, size_of(event, "prompt").chars, privacy);
  told["prompt"] = std::move(kept);
  set_if(told, "command", command_of(event.text("prompt")));
}

void tell_input(Json& told, const HookEvent& event, const Privacy& privacy) {
  const Json& input = member(event, "tool_input");
  Json kept = Json::object();
  if (event.size.contains("tool_input")) kept["input_bytes"] = size_of(event, "tool_input").bytes;
  describe_input(kept, input, privacy);
  add_context(told, "input", std::move(kept));
  if (event.text("tool_name") == "Skill") set_if(told, "command", command_named(text_of(input, "skill")));
  if (is_agent_tool(event.text("tool_name"))) set_if(told, "asked_agent", clean_name(text_of(input, "subagent_type")));
}

void tell_output(Json& told, const HookEvent& event) {
  const Json& response = member(event, "tool_response");
  Json kept = Json::object();
  if (event.size.contains("tool_response")) kept["output_bytes"] = size_of(event, "tool_response").bytes;
  describe_patch(kept, response, size_of(event, "tool_response").lines);
  add_context(told, "output", std::move(kept));
  const auto interrupted = response.is_object() ? response.find("interrupted") : response.end();
  if (member(event, "is_interrupt") == true ||
      (response.is_object() && interrupted != response.end() && *interrupted == true))
    told["interrupted"] = true;
  if (text_of(response, "status") == "completed") told["done_agent"] = text_of(response, "agentId");
}

void tell_error(Json& told, const HookEvent& event, const Privacy& privacy) {
  const std::string error = event.text("error");
  Json kept = Json::object();
  set_if(told, "error", describe_error(kept, error, size_of(event, "error").chars, privacy));
  add_context(told, "failure", std::move(kept));
  if (error.find("timed out") != error.npos) told["timed_out"] = true;
  set_if(told, "error_word", word_of(error));
}

}  // namespace

std::string HookEvent::text(std::string_view name) const { return text_of(fields, name); }

Result<HookEvent> read_event(Condensed condensed) {
  FM_TRY(Json fields, parse_json(condensed.text));
  const Sha256 hash = sha256(condensed.text);
  HookEvent event{std::move(fields), std::move(condensed.size), to_hex(hash.data(), kFingerprint / 2)};
  if (event.session_id().empty() || event.text("hook_event_name").empty())
    return Error{Errc::invalid, "session_id and hook_event_name: must be there"};
  return event;
}

std::string Told::text(std::string_view name) const { return text_of(fields, name); }

bool Told::is(std::string_view name) const {
  const auto at = fields.find(name);
  return at != fields.end() && *at == true;
}

Json Told::object(std::string_view name) const {
  const auto at = fields.find(name);
  return at != fields.end() && at->is_object() ? *at : Json::object();
}

Told tell(const HookEvent& event, const Privacy& privacy) {
  Told told{{{"fingerprint", event.fingerprint}}};
  for (const char* id : {"session_id", "hook_event_name", "prompt_id", "agent_id", "tool_use_id"})
    set_if(told.fields, id, event.text(id));
  for (const char* name : {"agent_type", "tool_name", "permission_mode", "source", "model", "reason", "trigger"})
    set_if(told.fields, name, clean_name(event.text(name)));
  if (const Json& duration = member(event, "duration_ms"); duration.is_number() && duration >= 0)
    told.fields["duration_ms"] = duration;
  tell_prompt(told.fields, event, privacy);
  if (event.text("hook_event_name") == "UserPromptExpansion")
    set_if(told.fields, "command", command_named(event.text("command_name")));
  tell_input(told.fields, event, privacy);
  tell_output(told.fields, event);
  tell_error(told.fields, event, privacy);
  return told;
}

}  // namespace fortium::claude
