// The parameters of a URL, checked against the shape that its row publishes. Pure; any thread.
#pragma once

#include <variant>

#include "fortium/schema/check.h"
#include "http.h"

namespace fortium::service {

// One value a field, in the order of the shape; or what is wrong with each parameter.
std::variant<schema::Row, Response> read_query(const Request& request, schema::Shape shape, WallTime now);

}  // namespace fortium::service
