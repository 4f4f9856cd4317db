// The end points that say whether the service works: no credential is asked for, and nothing is told of anybody.
#pragma once

#include <span>

#include "route.h"

namespace fortium::service {

std::span<const Route> health_routes();

}  // namespace fortium::service
