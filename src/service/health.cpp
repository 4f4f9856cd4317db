#include "health.h"

#include <optional>

#include "fortium/base/guarded.h"
#include "fortium/base/log.h"
#include "limits.h"

namespace fortium::service {

namespace {

Response health(Parts& parts, const Call& /*call*/) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(parts.clock.steady() - parts.started).count();
  return {.body = "{\"status\":\"healthy\",\"version\":\"" FORTIUM_VERSION "\",\"uptime_seconds\":" +
                  std::to_string(uptime) + ",\"timestamp\":\"" + to_rfc3339(parts.clock.now()) + "\"}"};
}

Response ready(Parts& parts, const Call& call) {
  const auto done = parts.control.with([](auto& control) { return control->can_commit(); });
  if (done) return health(parts, call);
  log_error("not ready: " + done.error().what);
  Response response = problem(call.request, 503, "unavailable", "the store cannot be written");
  response.headers.emplace_back("Retry-After", std::to_string(kRetryWhenBusy.count() / 1000));
  return response;
}

}  // namespace

std::span<const Route> health_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/health", 0, Body::none, Cost::nothing, &health, "Whether the service is alive."},
      {"GET", "/healthz", 0, Body::none, Cost::nothing, &health, "Whether the service is alive."},
      {"GET", "/readyz", 0, Body::none, Cost::nothing, &ready, "Whether it is able to commit."},
  };
  return kRoutes;
}

}  // namespace fortium::service
