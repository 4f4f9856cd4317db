// The end points that read what an organization has recorded.
#pragma once

#include <span>

#include "service/route.h"

namespace fortium::service {

// What there is by day and kind, so that a client can tell what is missing (ledger.cpp).
std::span<const Route> ledger_routes();
// The questions of `report` (questions.cpp).
std::span<const Route> question_routes();
// What a dashboard shows first, and its charts (dashboard.cpp).
std::span<const Route> dashboard_routes();
// Every record, as it came (export.cpp).
std::span<const Route> export_routes();

// 403: a filter asks for more than its owner may see.
Response not_allowed(const Request& request);

}  // namespace fortium::service
