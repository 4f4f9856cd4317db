// A session of the protocol as text, the way it is kept. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fortium/mcp/server.h"

namespace fortium::service {

std::string to_text(const mcp::SessionState& state);
// nullopt: another version wrote it, and this one does not know what it says.
std::optional<mcp::SessionState> read_state(std::string_view text);

}  // namespace fortium::service
