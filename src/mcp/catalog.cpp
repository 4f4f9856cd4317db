#include "fortium/mcp/catalog.h"

#include <iterator>

#include "rows.h"

namespace fortium::mcp {

namespace {

constexpr std::string_view kInstructions =
    "Records how Claude Code is used (commands, tools, agents, sessions, models) in a local store, and answers from "
    "it. "
    "To record, call the record-… tool of what happened, once, after it ended. To answer questions about usage, times, "
    "failures or tokens, call query_dashboard, get-tool-metrics or get-session-metrics. Do not put prompts, file "
    "contents or secrets into context or metadata.";

}  // namespace

Catalog standard_catalog(const std::optional<metrics::AlertRules>& alerts) {
  Catalog catalog;
  catalog.tools = recorders(alerts);
  for (auto rows : {session_recorders(), questions()})
    catalog.tools.insert(catalog.tools.end(), std::make_move_iterator(rows.begin()),
                         std::make_move_iterator(rows.end()));
  catalog.resources = resources();
  catalog.prompts = prompts();
  catalog.instructions = kInstructions;
  return catalog;
}

}  // namespace fortium::mcp
