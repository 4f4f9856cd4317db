#include "fields.h"

#include <algorithm>

#include "service/http/gzip.h"
#include "service/limits.h"

namespace fortium::service {

Fields::Fields(Json json) : json_(std::move(json)) {}

std::variant<Fields, Response> Fields::read(const Request& request) {
  std::string body = request.body;
  if (!request.header("Content-Encoding").empty() && request.header("Content-Encoding") != "identity") {
    auto plain = gunzip(request.body, kMaxFieldsBytes);
    if (!plain) return problem(request, 400, "invalid_encoding", plain.error().what);
    body = std::move(*plain);
  }
  if (body.empty()) return Fields(Json::object());
  if (body.size() > kMaxFieldsBytes)
    return problem(
        request, 413, "too_large",
        "the body has " + std::to_string(body.size()) + " bytes, limit is " + std::to_string(kMaxFieldsBytes));
  auto json = parse_json(body);
  if (!json) return problem(request, 400, "invalid_json", "the body is not valid JSON: " + json.error().what);
  if (!json->is_object()) return problem(request, 400, "validation_error", "the body must be a JSON object");
  return Fields(std::move(*json));
}

const Json* Fields::take(const char* name) {
  asked_.emplace_back(name);
  const auto found = json_.find(name);
  return found != json_.end() && !found->is_null() ? &*found : nullptr;
}

bool Fields::has(const char* name) const { return json_.contains(name); }

bool Fields::is_null(const char* name) const {
  const auto found = json_.find(name);
  return found != json_.end() && found->is_null();
}

std::string Fields::text(std::initializer_list<const char*> names) {
  std::string out;
  for (const char* name : names) {
    const Json* value = take(name);
    if (value == nullptr) continue;
    if (!value->is_string())
      wrong(name, "must be a text");
    else
      out = value->get<std::string>();
  }
  return out;
}

std::string Fields::needed(std::initializer_list<const char*> names) {
  const std::size_t before = errors_.size();
  std::string out = text(names);
  if (out.empty() && errors_.size() == before) wrong(*names.begin(), "is required");
  return out;
}

std::optional<std::int64_t> Fields::integer(const char* name, std::int64_t least, std::int64_t most) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  const bool whole =
      value->is_number_integer() && !(value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX);
  if (!whole || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most) {
    wrong(name, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::string Fields::words(const char* name) {
  const Json* value = take(name);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  std::string out;
  bool right = value->is_array();
  if (right)
    for (const Json& word : *value) {
      right = right && word.is_string();
      if (right) out += (out.empty() ? "" : ",") + word.get<std::string>();
    }
  if (!right) wrong(name, "must be a list of texts");
  return right ? out : std::string();
}

void Fields::wrong(std::string_view name, std::string_view why) {
  errors_.push_back({std::string(name), std::string(why)});
}

std::optional<Response> Fields::refused(const Request& request) {
  for (const auto& [name, value] : json_.items())
    if (std::ranges::find(asked_, name) == asked_.end())
      wrong(std::string_view(name).substr(0, kMaxRefusalBytes), "is not known here");
  if (errors_.empty()) return std::nullopt;
  return problem(request, 400, "validation_error", "Validation failed", errors_);
}

}  // namespace fortium::service
