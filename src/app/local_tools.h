// Rows of the MCP catalog that need this machine: its settings and its files.
#pragma once

#include "fortium/mcp/catalog.h"
#include "settings.h"

namespace fortium::app {

// configure_integration and config://organization/settings. `settings` outlives the catalog.
void add_local_rows(mcp::Catalog& catalog, const Settings& settings);

}  // namespace fortium::app
