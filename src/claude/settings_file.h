// What of ours stands in Claude Code's files, and how it gets in and out: text in, text out.
//
// Settings hold hooks, one entry an event that runs `fortium-metrics hook`; an entry is ours by its command alone. The
// files that list MCP servers hold one called fortium-metrics. Whatever else stands there stays as it is, byte for
// byte, with its order and its blanks. What cannot be kept intact is refused: comments, JSON that is none, a key given
// twice, hooks of another form. Adding twice is adding once; removing what was added gives the text from before, but
// for empty lists and objects in the way of it, which are not told from ours. "" stands for a file that is not there.
// Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/result.h"

namespace fortium::claude {

constexpr std::string_view kName = "fortium-metrics";  // of the program, and of the server

// Of one hook, in seconds. It takes milliseconds; SessionEnd's is also what all hooks of a session's end may take.
constexpr int kHookTimeout = 10;

// What a shell runs for a hook: the form that every version knows.
std::string hook_command(std::string_view program);
bool is_our_hook(std::string_view command);

// The tool of the running server that takes events: a hook of type mcp_tool starts no process.
constexpr std::string_view kHookTool = "record-hook-event";

// Afterwards each of these events has one entry of ours, and no other event has one. It runs this program, or where the
// event is among those `by_server`, calls the server's tool.
Result<std::string> add_hooks(std::string_view text, std::span<const std::string_view> events, std::string_view program,
                              std::span<const std::string_view> by_server = {});
Result<std::string> remove_hooks(std::string_view text);

// `above` names the objects in which mcpServers stands; none: the root. An entry that is there keeps what it says
// besides the program.
using Above = std::vector<std::string>;
nlohmann::ordered_json server_entry(std::string_view program);
Result<std::string> add_server(std::string_view text, const Above& above, std::string_view program);
Result<std::string> remove_server(std::string_view text, const Above& above);

// The text for people: what stands in an environment, in headers, or under the name of a secret is "…".
std::string without_secrets(std::string_view text);

// What a person would add by hand.
std::string hooks_by_hand(std::span<const std::string_view> events, std::string_view program,
                          std::span<const std::string_view> by_server = {});
std::string server_by_hand(std::string_view program);

// What of ours a file holds.
struct Wiring {
  std::vector<std::string> events;    // with a hook of ours
  std::vector<std::string> programs;  // that these hooks run
  bool server = false;                // in the root's mcpServers or in a project's
  std::string server_program;         // empty: it is none that is started
};
Result<Wiring> wiring_of(std::string_view text);

}  // namespace fortium::claude
