#include "health.h"

#include <optional>

#include "fortium/base/guarded.h"
#include "fortium/base/hash.h"
#include "fortium/base/json.h"
#include "fortium/base/log.h"
#include "fortium/mcp/revision.h"
#include "http/addresses.h"
#include "limits.h"

namespace fortium::service {

namespace {

constexpr Millis kSlowDatabase{100};  // as documented

// "status":"…","version":"…","uptime_seconds":…,"timestamp":"…"
std::string members(Parts& parts, std::string_view status) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(parts.clock.steady() - parts.started).count();
  return "\"status\":\"" + std::string(status) +
         "\",\"version\":\"" FORTIUM_VERSION "\",\"uptime_seconds\":" + std::to_string(uptime) + ",\"timestamp\":\"" +
         to_rfc3339(parts.clock.now()) + "\"";
}

bool can_commit(Parts& parts) {
  const auto done = parts.control.with([](auto& control) { return control->can_commit(); });
  if (!done) log_error("not ready: " + done.error().what);
  return done.ok();
}

Response health(Parts& parts, const Call& /*call*/) { return {.body = "{" + members(parts, "healthy") + "}"}; }

Response database(Parts& parts, const Call& /*call*/) {
  const SteadyTime begin = parts.clock.steady();
  const bool good = can_commit(parts);
  const std::chrono::duration<double, std::milli> took = parts.clock.steady() - begin;
  const bool slow = took > kSlowDatabase;
  std::string body = "{" +
                     members(parts, !good  ? "unhealthy"
                                    : slow ? "degraded"
                                           : "healthy") +
                     ",\"database\":{\"connected\":" + (good ? "true" : "false") + ",\"latency_ms\":";
  append_json_number(body, took.count());
  return {.status = good ? 200 : 503, .body = body + "}}"};
}

Response ready(Parts& parts, const Call& call) {
  if (parts.figures.edge().stopping) return problem(call.request, 503, "stopping", "this process is about to stop");
  if (can_commit(parts)) return health(parts, call);
  Response response = problem(call.request, 503, "unavailable", "the store cannot be written");
  response.headers.emplace_back("Retry-After", std::to_string(kRetryWhenBusy.count() / 1000));
  return response;
}

// The service's own figures, for a scraper.
Response figures(Parts& parts, const Call& call) {
  const Request& request = call.request;
  if (!parts.metrics_token.empty()) {
    if (!equal_constant_time(request.header("Authorization"), "Bearer " + parts.metrics_token.reveal())) {
      Response response = problem(request, 401, "unauthorized", "send Authorization: Bearer <metrics token>");
      response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"metrics\"");
      return response;
    }
  } else if (!is_this_machine(request.peer) || !request.header("X-Forwarded-For").empty() ||
             !request.header("Forwarded").empty()) {
    return problem(request, 403, "forbidden", "without a metrics token only this machine may ask, and no proxy");
  }
  return {.body = parts.figures.text(), .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}};
}

}  // namespace

Response mcp_health(Parts& parts, const Call& /*call*/) {
  const bool good = can_commit(parts);
  std::string body = "{" + members(parts, good ? "healthy" : "unhealthy") + ",\"protocol_version\":\"" +
                     std::string(mcp::name(mcp::kNewest)) + "\",\"database\":\"" +
                     (good ? "connected" : "disconnected") + "\"";
  if (!good) body += ",\"error\":\"the store cannot be written\"";
  return {.status = good ? 200 : 503, .body = body + "}"};
}

std::span<const Route> health_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/health", 0, Body::none, Cost::nothing, &health, "Whether the service is alive."},
      {"GET", "/health/database", 0, Body::none, Cost::nothing, &database,
       "Whether the store can be written, and how fast."},
      {"GET", "/healthz", 0, Body::none, Cost::nothing, &health, "Whether the service is alive."},
      {"GET", "/metrics", 0, Body::none, Cost::nothing, &figures,
       "The service's own figures, as Prometheus reads them."},
      {"GET", "/readyz", 0, Body::none, Cost::nothing, &ready, "Whether it is able to commit."},
  };
  return kRoutes;
}

}  // namespace fortium::service
