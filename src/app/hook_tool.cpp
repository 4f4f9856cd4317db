#include "hook_tool.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "../claude/settings_file.h"

namespace fortium::app {

namespace {

// Members of events that are no text, wherever they stand.
constexpr std::string_view kNotText[] = {"duration_ms", "is_interrupt",    "interrupted", "tool_response",
                                         "tool_input",  "structuredPatch", "effort",      "stop_hook_active"};

// What was meant by the texts.
Json meant(std::string_view name, const Json& said) {
  if (said.is_object()) {
    Json out = Json::object();
    for (const auto& [member, value] : said.items())
      if (!value.is_string() || !value.get_ref<const std::string&>().empty()) out[member] = meant(member, value);
    return out;
  }
  if (!said.is_string() || std::ranges::find(kNotText, name) == std::end(kNotText)) return said;
  auto parsed = parse_json(said.get_ref<const std::string&>());
  if (parsed) return std::move(*parsed);
  return said;  // a tool may answer with text
}

mcp::CallResult take(const RecordEvent& record, const Json& arguments) {
  claude::Condenser condenser;
  condenser.feed(dump_json(meant("", arguments)));
  auto condensed = condenser.finish();
  if (!condensed) return mcp::CallResult::failure("not recorded: " + condensed.error().what);
  auto event = claude::read_event(std::move(*condensed));
  if (!event) return mcp::CallResult::failure("not recorded: " + event.error().what);
  // A hook's entry names the few members that it wants, so how large the whole was is not known.
  if (arguments.contains("tool_input") && arguments["tool_input"].is_object()) event->size.erase("tool_input");
  if (arguments.contains("tool_response") && arguments["tool_response"].is_object()) event->size.erase("tool_response");
  if (auto done = record(*event); !done) return mcp::CallResult::failure("not recorded: " + done.error().what);
  return mcp::CallResult::json(Json::object());  // to a hook, it says nothing
}

}  // namespace

void add_hook_tool(mcp::Catalog& catalog, RecordEvent record) {
  mcp::Tool tool{.name = claude::kHookTool,
                 .title = "Record an event of a hook",
                 .doc = "Record one event of Claude Code, told by a hook of type mcp_tool.",
                 .input = {},
                 .output = {}};
  tool.hidden = true;
  tool.records = true;
  tool.run = [record = std::move(record)](mcp::Context&, const Json& arguments) { return take(record, arguments); };
  catalog.tools.push_back(std::move(tool));
}

}  // namespace fortium::app
