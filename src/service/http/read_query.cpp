#include "read_query.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "query.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

// The parameters are texts; what is a number in the shape is one here, so that one check says what is wrong.
Json json_of(const schema::Field& field, const std::string& text) {
  if (!std::holds_alternative<schema::Integer>(field.type)) return text;
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? Json(number) : Json(text);
}

}  // namespace

std::variant<schema::Row, Response> read_query(const Request& request, schema::Shape shape, WallTime now) {
  const auto given = read_parameters(request.query);
  if (!given) return problem(request, 400, "validation_error", given.error().what);
  Json json = Json::object();
  std::vector<FieldError> errors;
  for (const auto& [name, text] : *given) {
    const auto field = std::ranges::find(shape, name, &schema::Field::name);
    if (field == shape.end())
      errors.push_back({name.substr(0, kMaxRefusalBytes), "is not a parameter of this path"});
    else if (!text.empty())
      json[name] = json_of(*field, text);
  }
  schema::Checked checked = schema::check(shape, json, schema::Edge::record, now);
  for (const schema::Violation& violation : checked.violations)
    errors.push_back({violation.where.substr(std::min<std::size_t>(1, violation.where.size())), violation.why});
  if (!errors.empty()) return invalid(request, errors);
  return std::move(checked.row);
}

}  // namespace fortium::service
