#include "hook.h"

#include <algorithm>

#include "reading.h"

namespace fortium::claude {

namespace {

// What an event means. Any other is counted by its name.
struct Row {
  std::string_view event;
  void (Reading::*handle)();
};
constexpr Row kEvents[] = {
    {"SessionStart", &Reading::session_start},     {"SessionEnd", &Reading::session_end},
    {"UserPromptSubmit", &Reading::prompt},        {"UserPromptExpansion", &Reading::begin_command},
    {"PreToolUse", &Reading::tool_begins},         {"PostToolUse", &Reading::tool_done},
    {"PostToolUseFailure", &Reading::tool_failed}, {"PermissionRequest", &Reading::permission_asked},
    {"PermissionDenied", &Reading::tool_denied},   {"SubagentStart", &Reading::agent_begins},
    {"SubagentStop", &Reading::agent_done},        {"Stop", &Reading::stop},
    {"StopFailure", &Reading::stop_failed},        {"PreCompact", &Reading::compaction_begins},
    {"PostCompact", &Reading::compaction_done},
};

}  // namespace

Happened what_happened(const Told& told, const Moment& moment, std::span<const metrics::OpenCall> open) {
  Reading reading(told, moment, open);
  const auto row = std::ranges::find(kEvents, told.text("hook_event_name"), &Row::event);
  if (row != std::end(kEvents))
    (reading.*row->handle)();
  else
    reading.count();
  return reading.done();
}

}  // namespace fortium::claude
