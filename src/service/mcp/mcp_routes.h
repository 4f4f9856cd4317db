// The end points of the model context protocol.
#pragma once

#include <span>

#include "service/route.h"

namespace fortium::service {

std::span<const Route> mcp_routes();

}  // namespace fortium::service
