// GET /api/v1/openapi.json: the service's end points as OpenAPI 3.1, made of the rows that answer requests.
#pragma once

#include <span>
#include <string>

#include "route.h"

namespace fortium::service {

std::span<const Route> openapi_routes();
// The document; the same bytes for the same program.
const std::string& openapi_json();

}  // namespace fortium::service
