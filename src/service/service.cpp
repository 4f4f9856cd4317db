#include "service.h"

#include <array>

#include "fortium/base/log.h"
#include "health.h"
#include "http/query.h"
#include "ingest/ingest_routes.h"
#include "openapi.h"
#include "otlp/otlp_routes.h"
#include "read/read_routes.h"

namespace fortium::service {

namespace {

// The next segment of a path that begins with a slash, which is taken off.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool is_name(std::string_view segment) { return segment.starts_with('{'); }

// Whether a path is the one of a row, and what its names stand for.
bool matches(std::string_view row, std::string_view path, std::vector<std::string>& names) {
  names.clear();
  if (row.find('{') == row.npos) return row == path;  // nearly every row
  while (row.starts_with('/') && path.starts_with('/')) {
    const std::string_view want = next_segment(row), have = next_segment(path);
    if (!is_name(want)) {
      if (want != have) return false;
      continue;
    }
    auto decoded = decode(have, /*plus_is_space=*/false);
    if (have.empty() || !decoded) return false;
    names.push_back(std::move(*decoded));
  }
  return row.empty() && path.empty();
}

}  // namespace

std::span<const std::span<const Route>> all_routes() {
  static const std::array kTables = {health_routes(),   ingest_routes(),    otlp_routes(),   ledger_routes(),
                                     question_routes(), dashboard_routes(), export_routes(), openapi_routes()};
  return kTables;
}

Service::Service(SharedControl& control, Depot& depot, Answers& answers, const Clock& clock, ServiceOptions options)
    : access_(control, clock),
      limit_(options.units_per_minute, clock),
      ingest_(depot, answers, limit_, clock),
      parts_{control, depot, answers, access_, limit_, ingest_, clock, clock.steady()} {}

std::variant<Service::Found, Response> Service::find(const Request& request) const {
  // HEAD is GET without its body, which the listener leaves out.
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  Found found;
  for (const std::span<const Route> table : all_routes())
    for (const Route& route : table) {
      if (!matches(route.path, request.path, found.names)) continue;
      found.route = &route;
      if (route.method == method) return found;
      allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
      if (route.method == "GET") allowed += ", HEAD";
    }
  if (allowed.empty()) return problem(request, 404, "not_found", "there is nothing at this path");
  Response response = problem(request, 405, "method_not_allowed", "this path takes " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

std::variant<Credential, Response> Service::admit(const Request& request, const Route& route) {
  auto admitted = check(request, route);
  if (auto* refused = std::get_if<Response>(&admitted); refused != nullptr && route.body == Body::otlp)
    return as_status(request, std::move(*refused));
  return admitted;
}

std::variant<Credential, Response> Service::check(const Request& request, const Route& route) {
  if (route.any_of == 0) return Credential();
  auto admitted = access_.check(request, route.any_of);
  const auto* who = std::get_if<Credential>(&admitted);
  if (who == nullptr) return admitted;
  if (route.body != Body::none)
    if (auto refused = refuse_encoding(request, route.body == Body::otlp)) return std::move(*refused);
  if (route.cost != Cost::nothing)
    if (const Standing standing = limit_.look(who->tenant); !standing.allowed) return too_many(request, standing);
  return admitted;
}

std::optional<Response> Service::refuse(const Request& head) {
  auto found = find(head);
  if (auto* refused = std::get_if<Response>(&found)) return std::move(*refused);
  auto admitted = admit(head, *std::get<Found>(found).route);
  if (auto* refused = std::get_if<Response>(&admitted)) return std::move(*refused);
  return std::nullopt;
}

Response Service::answer(const Request& request) {
  auto looked = find(request);
  if (auto* refused = std::get_if<Response>(&looked)) return std::move(*refused);
  Found& found = std::get<Found>(looked);
  const Route& route = *found.route;
  auto admitted = admit(request, route);
  if (auto* refused = std::get_if<Response>(&admitted)) return std::move(*refused);
  const Credential& who = std::get<Credential>(admitted);
  if (route.cost == Cost::request) (void)limit_.charge(who.tenant, 1);
  Response response = route.run(parts_, {request, who, route, std::move(found.names)});
  // The path is the table's, not the request's: what strangers send stays out of the log.
  log_info(std::string(route.method) + " " + std::string(route.path) + " " + std::to_string(response.status) + " " +
           (who.tenant.empty() ? "-" : who.tenant) + " " + request.id);
  return response;
}

void Service::rest() {
  access_.rest();
  parts_.depot.rest();
  parts_.answers.rest();
  parts_.control.with([](auto& control) {
    if (auto done = control->tidy(); !done) log_warn("checkpoint: " + done.error().what);
  });
}

}  // namespace fortium::service
