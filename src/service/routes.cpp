#include "routes.h"

#include <algorithm>

#include "fortium/base/json.h"
#include "fortium/base/log.h"
#include "ledger.h"
#include "limits.h"
#include "receipt.h"

namespace fortium::service {

std::span<const Service::Route> Service::routes() {
  constexpr Scopes kAny = kIngest | kRead | kAdmin;
  static constexpr Route kRoutes[] = {
      {"GET", "/health", 0, Body::none, Cost::nothing, &Service::health},
      {"GET", "/healthz", 0, Body::none, Cost::nothing, &Service::health},
      {"GET", "/readyz", 0, Body::none, Cost::nothing, &Service::ready},
      {"GET", "/api/v1/capabilities", kAny, Body::none, Cost::request, &Service::capabilities},
      {"POST", "/api/v1/metrics/batch", kIngest, Body::json, Cost::own, &Service::batch},
      {"GET", "/api/v1/metrics/ledger", kIngest | kRead, Body::none, Cost::request, &Service::read_ledger},
  };
  return kRoutes;
}

Service::Service(SharedControl& control, Tenants& tenants, Answers& answers, const Clock& clock, ServiceOptions options)
    : control_(control),
      tenants_(tenants),
      answers_(answers),
      clock_(clock),
      access_(control, clock),
      limit_(options.units_per_minute, clock),
      ingest_(tenants, answers, limit_, clock),
      started_(clock.steady()) {}

std::variant<const Service::Route*, Response> Service::route(const Request& request) const {
  // HEAD is GET without its body, which the listener leaves out.
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  for (const Route& route : routes()) {
    if (route.path != request.path) continue;
    if (route.method == method) return &route;
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") allowed += ", HEAD";
  }
  if (allowed.empty()) return problem(request, 404, "not_found", "there is nothing at this path");
  Response response = problem(request, 405, "method_not_allowed", "this path takes " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

std::variant<Credential, Response> Service::admit(const Request& request, const Route& route) {
  if (route.any_of == 0) return Credential();
  auto admitted = access_.check(request, route.any_of);
  const auto* who = std::get_if<Credential>(&admitted);
  if (who == nullptr) return admitted;
  if (route.body == Body::json)
    if (auto refused = refuse_encoding(request)) return std::move(*refused);
  if (route.cost != Cost::nothing)
    if (const Standing standing = limit_.look(who->tenant); !standing.allowed) return too_many(request, standing);
  return admitted;
}

std::optional<Response> Service::refuse(const Request& head) {
  auto found = route(head);
  if (auto* refused = std::get_if<Response>(&found)) return std::move(*refused);
  auto admitted = admit(head, *std::get<const Route*>(found));
  if (auto* refused = std::get_if<Response>(&admitted)) return std::move(*refused);
  return std::nullopt;
}

Response Service::answer(const Request& request) {
  auto found = route(request);
  if (auto* refused = std::get_if<Response>(&found)) return std::move(*refused);
  const Route& route = *std::get<const Route*>(found);
  auto admitted = admit(request, route);
  if (auto* refused = std::get_if<Response>(&admitted)) return std::move(*refused);
  const Credential& who = std::get<Credential>(admitted);
  if (route.cost == Cost::request) (void)limit_.charge(who.tenant, 1);
  Response response = (this->*route.run)(request, who);
  // The path is the table's, not the request's: what strangers send stays out of the log.
  log_info(std::string(route.method) + " " + std::string(route.path) + " " + std::to_string(response.status) + " " +
           (who.tenant.empty() ? "-" : who.tenant) + " " + request.id);
  return response;
}

void Service::rest() {
  access_.rest();
  tenants_.rest();
  answers_.rest();
  control_.with([](auto& control) {
    if (auto done = control->tidy(); !done) log_warn("checkpoint: " + done.error().what);
  });
}

Response Service::health(const Request& /*request*/, const Credential& /*who*/) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(clock_.steady() - started_).count();
  return {.body = "{\"status\":\"healthy\",\"version\":\"" FORTIUM_VERSION "\",\"uptime_seconds\":" +
                  std::to_string(uptime) + ",\"timestamp\":\"" + to_rfc3339(clock_.now()) + "\"}"};
}

Response Service::ready(const Request& request, const Credential& who) {
  if (can_commit()) return health(request, who);
  Response response = problem(request, 503, "unavailable", "the store cannot be written");
  response.headers.emplace_back("Retry-After", std::to_string(kRetryWhenBusy.count() / 1000));
  return response;
}

bool Service::can_commit() {
  return readiness_.with([this](Readiness& last) {
    if (last.until && clock_.steady() < *last.until) return last.ok;
    const auto done = control_.with([](auto& control) { return control->can_commit(); });
    if (!done) log_error("not ready: " + done.error().what);
    last = {done.ok(), clock_.steady() + kReadyLife};
    return last.ok;
  });
}

Response Service::capabilities(const Request& /*request*/, const Credential& who) {
  std::string scopes;
  for (const std::string& name : scope_names(who.scopes)) scopes += (scopes.empty() ? "\"" : ",\"") + name + "\"";
  return {.body = "{\"service\":\"fortium-metrics-server\",\"version\":\"" FORTIUM_VERSION "\",\"server_time\":\"" +
                  to_rfc3339(clock_.now()) + "\",\"organization\":{\"id\":\"" + who.tenant + "\",\"name\":" +
                  json_string(who.tenant_name) + "},\"scopes\":[" + scopes + "],\"limits\":" + limits_json() +
                  ",\"encodings\":[\"gzip\"],\"features\":[\"receipts\",\"verify\"]}"};
}

Response Service::batch(const Request& request, const Credential& who) { return ingest_.batch(request, who); }

Response Service::read_ledger(const Request& request, const Credential& who) { return ledger(request, who, tenants_); }

}  // namespace fortium::service
