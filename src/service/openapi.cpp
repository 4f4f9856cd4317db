#include "openapi.h"

#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "fortium/schema/render.h"
#include "http/etag.h"
#include "limits.h"
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

// What is not there may be said by null: in bodies, and in answers.
Json with_nulls(schema::Shape shape, Json described) {
  for (const schema::Field& field : shape) {
    const auto allow_null = [&](std::string_view name) {
      Json& property = described["properties"][std::string(name)];
      if (const auto* inner = std::get_if<schema::Object>(&field.type); inner != nullptr && !inner->fields.empty())
        property = with_nulls(inner->fields, std::move(property));
      if (field.need != schema::Need::optional) return;
      Json doc = property["description"];
      property.erase("description");
      property = {{"anyOf", {std::move(property), {{"type", "null"}}}}, {"description", std::move(doc)}};
    };
    allow_null(field.name);
    for (const schema::Alias& alias : field.aliases) allow_null(alias.name);
  }
  return described;
}

// Members may be added to answers; a body has those that are known.
Json described(schema::Shape shape, bool open) {
  return with_nulls(shape, schema::json_schema(shape, schema::Edge::record, open));
}

Json batch_body() {
  Json properties = {{"batch_id", {{"type", "string"}, {"maxLength", kMaxBatchIdChars}}},
                     {"device_id", {{"type", "string"}, {"maxLength", kMaxDeviceIdChars}}},
                     {"sent_at", {{"type", "string"}, {"format", "date-time"}}}};
  for (const metrics::Kind& kind : metrics::kinds())
    properties[std::string(kind.batch_key)] = {{"type", "array"},
                                               {"items", schema::json_schema(kind.shape, schema::Edge::record)}};
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

Json body_of(const Route& route) {
  if (!route.form.empty()) return described(route.form, /*open=*/false);
  if (route.batch) return batch_body();
  if (route.takes != nullptr) return schema::json_schema(route.takes->shape, schema::Edge::record);
  return {{"type", "object"}};
}

Json answer_of(const Gives& gives) {
  Json members = {{"success", {{"const", true}}}};
  Json required = Json::array({"success"});
  Json one = described(gives.shape, /*open=*/true);
  switch (gives.as) {
    case Gives::As::data:
      members["data"] = std::move(one);
      required.push_back("data");
      break;
    case Gives::As::rows:
      members["data"] = {{"type", "array"}, {"items", std::move(one)}};
      members["next_cursor"] = {{"type", {"string", "null"}}};
      required.push_back("data");
      break;
    case Gives::As::members:
      for (auto& [name, member] : one["properties"].items()) members[name] = member;
      for (const Json& name : one.value("required", Json::array())) required.push_back(name);
  }
  return {{"type", "object"}, {"required", std::move(required)}, {"properties", std::move(members)}};
}

Json operation_of(const Route& route) {
  Json out = {{"summary", route.doc}, {"parameters", parameters_of(route)}};
  Json& responses = out["responses"];
  responses["2XX"] = {{"description", "Done."}};
  if (!route.gives.shape.empty())
    responses["2XX"]["content"] = {{"application/json", {{"schema", answer_of(route.gives)}}}};
  responses["400"] = reference("Refused");
  if (route.any_of != 0) {
    out["security"] = {{{"bearer", Json::array()}}};
    out["description"] = "Needs any of: " + permission_names(route.any_of) + ".";
    for (const char* status : {"401", "403"}) responses[status] = reference("Refused");
  }
  if (route.cost != Cost::nothing) responses["429"] = reference("TooMany");
  responses["503"] = reference("Refused");
  if (route.body != Body::none) {
    Json content = {{"application/json", {{"schema", body_of(route)}}}};
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
