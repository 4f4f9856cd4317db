// The tool by which hooks of type `mcp_tool` tell the running server of an event: no process is started for it.
//
// It is not listed, as no model is to call it; hooks know it by its name. Claude Code puts texts where the hook's entry
// has ${…}: numbers, flags, and objects as JSON. What is empty was not there. An event that a command hook tells, too,
// counts once.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "../claude/hook.h"
#include "fortium/mcp/catalog.h"

namespace fortium::app {

// Makes an event durable.
using RecordEvent = std::function<Result<void>(const claude::HookEvent& event)>;
void add_hook_tool(mcp::Catalog& catalog, RecordEvent record);

}  // namespace fortium::app
