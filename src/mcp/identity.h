// Who the server says it is and what it can, as each revision knows it. Private to mcp.
#pragma once

#include <string>
#include <string_view>

#include "fortium/base/json.h"
#include "fortium/mcp/revision.h"

namespace fortium::mcp {

// The server as it presents itself once, with all that the revision has.
Json describe_server(Revision revision, std::string_view version);
// The same in a few bytes: a result of a request that stands alone carries it.
std::string server_info_meta(std::string_view version);
Json capabilities(Revision revision);

}  // namespace fortium::mcp
