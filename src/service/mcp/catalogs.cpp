#include "catalogs.h"

#include <algorithm>
#include <array>

namespace fortium::service {

namespace {

constexpr std::string_view kInstructions =
    "Records how Claude Code is used (commands, tools, agents, sessions, models) for an organization, and answers from "
    "it. To record, call the record-… tool of what happened, once, after it ended. To answer questions about usage, "
    "times, failures or tokens, call query_dashboard, get-tool-metrics or get-session-metrics. Do not put prompts, "
    "file contents or secrets into context or metadata.";

// What shows nothing but sums, and may so be asked by who may see no more.
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
  return (may & (summary ? kViewAll | kViewSummary : kViewAll)) != 0;
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
  static constexpr std::array<Permissions, 8> kKinds = {
      0, kWrite, kViewAll, kViewSummary, kWrite | kViewAll, kWrite | kViewSummary, kViewAll | kViewSummary, kMcp};
  static const std::array<mcp::Catalog, kKinds.size()> kCatalogs = [] {
    std::array<mcp::Catalog, kKinds.size()> catalogs;
    std::ranges::transform(kKinds, catalogs.begin(), made_for);
    return catalogs;
  }();
  const auto at = std::ranges::find(kKinds, may & kMcp);
  return kCatalogs[static_cast<std::size_t>(at - kKinds.begin())];
}

}  // namespace fortium::service
