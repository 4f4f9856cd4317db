#include "openapi.h"

#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "fortium/schema/render.h"
#include "http/etag.h"
#include "service.h"

namespace fortium::service {

namespace {

Json reference(std::string_view response) { return {{"$ref", "#/components/responses/" + std::string(response)}}; }

Json parameters_of(const Route& route) {
  Json out = Json::array();
  std::string_view path = route.path;
  while (true) {
    const std::size_t open = path.find('{');
    if (open == path.npos) break;
    const std::size_t close = path.find('}', open);
    out.push_back({{"name", path.substr(open + 1, close - open - 1)},
                   {"in", "path"},
                   {"required", true},
                   {"schema", {{"type", "string"}}}});
    path.remove_prefix(close);
  }
  const Json schemas = schema::json_schema(route.query, schema::Edge::record).value("properties", Json::object());
  for (const schema::Field& field : route.query) {
    const std::string name(field.name);
    out.push_back({{"name", name},
                   {"in", "query"},
                   {"required", field.need == schema::Need::required},
                   {"description", field.doc},
                   {"schema", schemas.at(name)}});
  }
  return out;
}

Json operation_of(const Route& route) {
  Json out = {{"summary", route.doc}, {"parameters", parameters_of(route)}};
  Json& responses = out["responses"];
  responses["2XX"] = {{"description", "Done."}};
  responses["400"] = reference("Refused");
  if (route.any_of != 0) {
    out["security"] = {{{"bearer", Json::array()}}};
    out["description"] = "Needs any of: " + permission_names(route.any_of) + ".";
    for (const char* status : {"401", "403"}) responses[status] = reference("Refused");
  }
  if (route.cost != Cost::nothing) responses["429"] = reference("TooMany");
  responses["503"] = reference("Refused");
  if (route.body != Body::none) {
    const Json body = route.takes != nullptr ? schema::json_schema(route.takes->shape, schema::Edge::record)
                                             : Json{{"type", "object"}};
    Json content = {{"application/json", {{"schema", body}}}};
    if (route.body == Body::otlp) content["application/x-protobuf"] = Json::object();
    out["requestBody"] = {{"required", true}, {"content", std::move(content)}};
  }
  return out;
}

Json error_schema() {
  const Json text = {{"type", "string"}};
  return {
      {"type", "object"},
      {"required", {"success", "message", "code", "errors", "request_id"}},
      {"properties",
       {{"success", {{"const", false}}},
        {"message", text},
        {"code", text},
        {"errors",
         {{"type", "array"}, {"items", {{"type", "object"}, {"properties", {{"field", text}, {"message", text}}}}}}},
        {"request_id", text}}}};
}

Json document() {
  Json paths = Json::object();
  for (const std::span<const Route> table : all_routes())
    for (const Route& route : table) {
      std::string method(route.method);
      for (char& c : method) c = static_cast<char>(c | 0x20);
      paths[std::string(route.path)][method] = operation_of(route);
    }
  const auto refusal = [](const char* description) {
    return Json{{"description", description},
                {"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}};
  };
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "fortium-metrics-server"}, {"version", FORTIUM_VERSION}, {"license", {{"name", "MIT"}}}}},
          {"paths", std::move(paths)},
          {"components",
           {{"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}},
            {"schemas", {{"Error", error_schema()}}},
            {"responses",
             {{"Refused", refusal("Refused; the message says why.")},
              {"TooMany", refusal("Too many requests; Retry-After says how long to wait.")}}}}}};
}

Response answer(Parts& /*parts*/, const Call& call) { return with_etag(call.request, {.body = openapi_json()}); }

}  // namespace

const std::string& openapi_json() {
  static const std::string kDocument = dump_json(document());
  return kDocument;
}

std::span<const Route> openapi_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/api/v1/openapi.json", 0, Body::none, Cost::nothing, &answer, "This description of the end points."},
  };
  return kRoutes;
}

}  // namespace fortium::service
