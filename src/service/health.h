// The end points that say whether the service works: no credential is asked for, and nothing is told of anybody.
#pragma once

#include <span>

#include "route.h"

namespace fortium::service {

std::span<const Route> health_routes();

// As health, in the words of the model context protocol's end points.
Response mcp_health(Parts& parts, const Call& call);

}  // namespace fortium::service
