// A hook event of Claude Code -> what it tells, with nothing left in it that may not be kept.
//
// What is told can be written down as it is, and understood later (hook.h): it is what hooks leave in the store's
// inbox. Pure; any thread.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "condense.h"
#include "privacy.h"

namespace fortium::claude {

struct HookEvent {
  Json fields;
  std::map<std::string, Size, std::less<>> size;
  std::string fingerprint;  // of all that was kept: the same event from two installations has the same

  std::string text(std::string_view name) const;  // empty: it is not there, or is no text
  std::string session_id() const { return text("session_id"); }
};
// invalid: it is no event of a session.
Result<HookEvent> read_event(Condensed condensed);

// An object. What Claude Code itself calls things has the names of the event: session_id, hook_event_name, prompt_id,
// agent_id, agent_type, tool_name, tool_use_id, permission_mode, source, model, reason, trigger, duration_ms. The rest:
struct Told {
  Json fields;
  // fingerprint   of the event
  // prompt        object: what may be kept of it
  // command       "/plan-product": of the prompt, or of the skill that a tool was asked to run
  // input         object: what may be kept of a tool's input; with input_bytes where all of it was told
  // output        object: what may be kept of its result
  // interrupted   true: a person ended the call
  // asked_agent   type of the subagent that a tool was asked for; done_agent: its id, once it is done ("" is one, too)
  // failure       object: what may be kept of an error; error: its text, where that may be kept; timed_out: true
  // error_word    the client's own word for a failed turn

  std::string text(std::string_view name) const;
  bool is(std::string_view name) const;      // there, and true
  Json object(std::string_view name) const;  // empty where there is none
  std::string session_id() const { return text("session_id"); }
};
Told tell(const HookEvent& event, const Privacy& privacy);

}  // namespace fortium::claude
