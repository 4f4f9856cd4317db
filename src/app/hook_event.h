// From an event of Claude Code to the store, whichever way the event came. One thread, as the store.
#pragma once

#include <string>
#include <vector>

#include "../claude/hook.h"
#include "fortium/metrics/note.h"
#include "local.h"

namespace fortium::app {

// Done when what the event tells is durable. What it means, it means when the store takes it.
Result<void> record_event(Local& local, const claude::HookEvent& event, const Environment& environment);

// The records of what was told, and what is open after it.
metrics::Meaning understand(const metrics::Note& note, std::span<const metrics::OpenCall> open);

// Whether a tool call of the event's subagent, or of the session itself, has begun, no person was asked about it, and
// its end was not told.
bool has_open_tool(Local& local, const claude::HookEvent& event);

// Closes the sessions that ended without a word: their process is gone, or they have been silent for long. Each is
// closed once, whoever comes first, and one that comes back is active again. A few at a time, but for `but`, which is
// alive. Gives the sessions of which no more is to come: what their transcripts tell can be read to the end.
std::vector<std::string> close_gone_sessions(Local& local, std::string_view but = "");

}  // namespace fortium::app
