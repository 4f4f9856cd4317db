// Whether an answer is what openapi.json says of its end point, as another library reads it.
#pragma once

#include <string>
#include <string_view>

#include "service/http/http.h"

namespace fortium::service {

// What is wrong with it; empty if nothing is, or nothing is published of it.
std::string complaint(const Request& request, const Response& response);

}  // namespace fortium::service
