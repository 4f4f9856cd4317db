#include "service.h"

#include <array>
#include <charconv>

#include "access/access_routes.h"
#include "access/fields.h"
#include "access/quotas.h"
#include "fortium/base/log.h"
#include "health.h"
#include "http/query.h"
#include "ingest/ingest_routes.h"
#include "limits.h"
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

// Of a body that anybody may send, the size must be known and small before it is taken.
std::optional<Response> refuse_size(const Request& head) {
  const std::string_view length = head.header("Content-Length");
  std::size_t size = 0;
  (void)std::from_chars(length.data(), length.data() + length.size(), size);
  if (size <= kMaxFieldsBytes && head.body.size() <= kMaxFieldsBytes && head.header("Transfer-Encoding").empty())
    return std::nullopt;
  return problem(head, 413, "too_large",
                 "without a credential a body has a Content-Length of at most " + std::to_string(kMaxFieldsBytes));
}

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
  static const std::array kTables = {health_routes(), auth_routes(),         key_admin_routes(), people_admin_routes(),
                                     admin_routes(),  tenant_admin_routes(), ingest_routes(),    otlp_routes(),
                                     ledger_routes(), question_routes(),     dashboard_routes(), export_routes(),
                                     openapi_routes()};
  return kTables;
}

Service::Service(SharedControl& control, Depot& depot, Answers& answers, const Clock& clock, ServiceOptions options)
    : tokens_(std::move(options.tokens)),
      limit_(options.units_per_minute > 0 ? Quota{.units = options.units_per_minute} : generous(kDefaultUnitsPerMinute),
             clock),
      access_(control, limit_, clock, tokens_),
      auth_(control, access_, clock, tokens_),
      ingest_(depot, answers, limit_, clock),
      retention_(control, depot, clock),
      parts_{control, depot, answers, access_, auth_, limit_, ingest_, clock, clock.steady()} {}

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

std::variant<Credential, Response> Service::admit(const Request& request, const Route& route, Take take) {
  auto admitted = check(request, route, take);
  if (auto* refused = std::get_if<Response>(&admitted); refused != nullptr && route.body == Body::otlp)
    return as_status(request, std::move(*refused));
  return admitted;
}

std::variant<Credential, Response> Service::check(const Request& request, const Route& route, Take take) {
  std::variant<Credential, Response> admitted;
  if (route.any_of != 0) admitted = access_.check(request, route.any_of);
  const auto* who = std::get_if<Credential>(&admitted);
  if (who == nullptr) return admitted;
  if (route.body != Body::none)
    if (auto refused = refuse_encoding(request, route.body == Body::otlp)) return std::move(*refused);
  if (route.any_of == 0 && route.body != Body::none)
    if (auto refused = refuse_size(request)) return std::move(*refused);
  if (route.cost == Cost::nothing) return admitted;
  if (const Standing standing = limit_.look(who->tenant); !standing.allowed) return too_many(request, standing);
  if (take == Take::nothing) return admitted;
  if (who->own_limit)
    if (const Standing standing = access_.charge_key(*who); !standing.allowed) return too_many(request, standing);
  if (route.cost == Cost::request) (void)limit_.charge(who->tenant, 1);
  return admitted;
}

std::optional<Response> Service::refuse(const Request& head) {
  auto found = find(head);
  if (auto* refused = std::get_if<Response>(&found)) return std::move(*refused);
  auto admitted = admit(head, *std::get<Found>(found).route, Take::nothing);
  if (auto* refused = std::get_if<Response>(&admitted)) return std::move(*refused);
  return std::nullopt;
}

Response Service::answer(const Request& request) {
  auto looked = find(request);
  if (auto* refused = std::get_if<Response>(&looked)) return std::move(*refused);
  Found& found = std::get<Found>(looked);
  const Route& route = *found.route;
  auto admitted = admit(request, route, Take::cost);
  if (auto* refused = std::get_if<Response>(&admitted)) return std::move(*refused);
  const Credential& who = std::get<Credential>(admitted);
  Response response = route.run(parts_, {request, who, route, std::move(found.names)});
  // The path is the table's, not the request's: what strangers send stays out of the log.
  log_info(std::string(route.method) + " " + std::string(route.path) + " " + std::to_string(response.status) + " " +
           (who.tenant.empty() ? "-" : who.tenant) + " " + request.id);
  return response;
}

void Service::rest() {
  access_.rest();
  retention_.rest();
  parts_.depot.rest();
  parts_.answers.rest();
  parts_.control.with([](auto& control) {
    if (auto done = control->tidy(); !done) log_warn("checkpoint: " + done.error().what);
  });
}

}  // namespace fortium::service
