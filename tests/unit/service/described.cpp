#include "described.h"

#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "service/openapi.h"
#include "support/json_schema.h"

namespace fortium::service {

namespace {

// "/api/v1/admin/keys/{id}" is the path of any id.
bool is_path_of(std::string_view row, std::string_view path) {
  while (!row.empty() && !path.empty()) {
    const std::string_view want = row.substr(0, row.find('/', 1)), have = path.substr(0, path.find('/', 1));
    if (want != have && !want.starts_with("/{")) return false;
    row.remove_prefix(want.size());
    path.remove_prefix(have.size());
  }
  return row.empty() && path.empty();
}

Json schema_of(const Json& document, const Request& request, int status) {
  std::string method = request.method;
  for (char& c : method) c = static_cast<char>(c | 0x20);
  for (const auto& [path, methods] : document["paths"].items()) {
    if (!is_path_of(path, request.path) || !methods.contains(method)) continue;
    if (status >= 400) return document["components"]["schemas"]["Error"];
    const Json& done = methods[method]["responses"]["2XX"];
    return done.contains("content") ? done["content"]["application/json"]["schema"] : Json();
  }
  return {};
}

}  // namespace

std::string complaint(const Request& request, const Response& response) {
  static const Json kDocument = Json::parse(openapi_json());
  const Json schema = schema_of(kDocument, request, response.status);
  if (schema.is_null() || response.status == 204) return {};
  const auto body = parse_json(response.body);
  if (!body) return "no JSON: " + response.body;
  const std::string wrong = test::JsonSchema(schema).complaint(*body);
  return wrong.empty() ? wrong : wrong + " in " + response.body;
}

}  // namespace fortium::service
