// Rows of the MCP catalog that answer with reports: one tool for every question, and the prompts a person would run
// each morning, each week, or when things feel slow. They are the answers of `fortium-metrics report`, in its words.
#pragma once

#include "fortium/mcp/catalog.h"

namespace fortium::app {

void add_report_rows(mcp::Catalog& catalog);

}  // namespace fortium::app
