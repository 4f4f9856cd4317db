#include "ingest_routes.h"

#include "fortium/base/json.h"
#include "receipt.h"

namespace fortium::service {

namespace {

constexpr Permissions kAny = ~0U;

Response capabilities(Parts& parts, const Call& call) {
  std::string scopes;
  for (const std::string& name : scope_names(call.who.scopes)) scopes += (scopes.empty() ? "\"" : ",\"") + name + "\"";
  return {.body = "{\"service\":\"fortium-metrics-server\",\"version\":\"" FORTIUM_VERSION "\",\"server_time\":\"" +
                  to_rfc3339(parts.clock.now()) + "\",\"organization\":{\"id\":\"" + call.who.tenant + "\",\"name\":" +
                  json_string(call.who.tenant_name) + "},\"scopes\":[" + scopes + "],\"limits\":" + limits_json() +
                  ",\"encodings\":[\"gzip\"],\"features\":[\"receipts\",\"verify\"]}"};
}

Response batch(Parts& parts, const Call& call) { return parts.ingest.batch(call.request, call.who); }

}  // namespace

std::span<const Route> ingest_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/api/v1/capabilities", kAny, Body::none, Cost::request, &capabilities,
       "What this service takes, and whose credential this is."},
      {"POST", "/api/v1/metrics/batch", kWrite, Body::json, Cost::own, &batch,
       "Up to 1000 records of all kinds, with a receipt for each."},
  };
  return kRoutes;
}

}  // namespace fortium::service
