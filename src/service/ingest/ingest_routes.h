// The end points that take records, and the one that says what is taken.
#pragma once

#include <span>

#include "service/route.h"

namespace fortium::service {

std::span<const Route> ingest_routes();

}  // namespace fortium::service
