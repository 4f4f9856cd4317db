// The end points that read what an organization has recorded.
//
// GET /api/v1/metrics/ledger: what there is by day and kind, so that a client can tell what is missing.
#pragma once

#include <span>

#include "service/route.h"

namespace fortium::service {

std::span<const Route> read_routes();

}  // namespace fortium::service
