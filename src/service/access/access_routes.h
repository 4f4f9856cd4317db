// The end points about who there is: logging in, and what administrators change.
#pragma once

#include <span>

#include "service/route.h"

namespace fortium::service {

std::span<const Route> auth_routes();
std::span<const Route> key_admin_routes();
std::span<const Route> people_admin_routes();
std::span<const Route> tenant_admin_routes();
std::span<const Route> admin_routes();  // audit log, rate limits

}  // namespace fortium::service
