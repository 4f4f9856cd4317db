// What of the protocol's catalog a credential may use: the rest is neither listed nor answered. Any thread.
#pragma once

#include "fortium/mcp/catalog.h"
#include "service/access/permissions.h"

namespace fortium::service {

// Who has none of these has nothing to do here.
constexpr Permissions kMcp = kWrite | kViewRecords | kViewSummary;

// Lives as long as the program.
const mcp::Catalog& catalog_for(Permissions may);

}  // namespace fortium::service
