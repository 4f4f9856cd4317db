#include "catalogs.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace fortium::service {

namespace {

constexpr std::string_view kInstructions =
    "Records how Claude Code is used (commands, tools, agents, sessions, models) for an organization, and answers from "
    "it. To record, call the record-… tool of what happened, once, after it ended. To answer questions about usage, "
    "times, failures or tokens, call query_dashboard, get-tool-metrics or get-session-metrics. Do not put prompts, "
    "file contents or secrets into context or metadata.";

// What shows nothing but sums, and may so be asked by who may see no more. Whose records they are made of is for the
// reader to say.
constexpr std::string_view kSummaries[] = {"query_dashboard",
                                           "get-tool-metrics",
                                           "fortium://metrics/tools/{organization_id}",
                                           "fortium://metrics/performance/{organization_id}",
                                           "fortium://metrics/tool/{tool_name}",
                                           "metrics://dashboard/current",
                                           "metrics://analytics/trends",
                                           "metrics://agents/usage"};

bool may_read(Permissions may, std::string_view what) {
  const bool summary = std::ranges::find(kSummaries, what) != std::end(kSummaries);
  return (may & (summary ? kViewRecords | kViewSummary : kViewRecords)) != 0;
}

mcp::Catalog made_for(Permissions may) {
  // Warnings would be about the calls of everybody.
  mcp::Catalog catalog = mcp::standard_catalog(/*alerts=*/std::nullopt);
  catalog.instructions = kInstructions;
  std::erase_if(catalog.tools, [may](const mcp::Tool& tool) {
    return tool.read_only ? !may_read(may, tool.name) : (may & kWrite) == 0;
  });
  std::erase_if(catalog.resources, [may](const mcp::Resource& resource) { return !may_read(may, resource.uri); });
  std::erase_if(catalog.prompts, [may](const mcp::Prompt& prompt) { return !may_read(may, prompt.name); });
  return catalog;
}

}  // namespace

const mcp::Catalog& catalog_for(Permissions may) {
  // By whether they may write, and what they may read.
  static constexpr std::array<Permissions, 3> kReading = {0, kViewSummary, kViewRecords};
  static const auto kCatalogs = [] {
    std::array<std::array<mcp::Catalog, kReading.size()>, 2> catalogs;
    for (const Permissions write : {0U, kWrite})
      for (std::size_t i = 0; i < kReading.size(); ++i) catalogs[write == 0 ? 0 : 1][i] = made_for(write | kReading[i]);
    return catalogs;
  }();
  const std::size_t reading = (may & kViewRecords) != 0 ? 2 : (may & kViewSummary) != 0 ? 1 : 0;
  return kCatalogs[(may & kWrite) != 0 ? 1 : 0][reading];
}

}  // namespace fortium::service
