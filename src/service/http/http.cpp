#include "http.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view find(const Headers& headers, std::string_view name) {
  const auto same = [name](const auto& header) { return std::ranges::equal(header.first, name, {}, lower, lower); };
  const auto found = std::ranges::find_if(headers, same);
  return found != headers.end() ? std::string_view(found->second) : std::string_view();
}

// May quote bytes of the request: what of them is not UTF-8 becomes U+FFFD.
void append_words(std::string& body, std::string_view words) { body += dump_json(Json(words)); }

}  // namespace

std::string_view Request::header(std::string_view name) const { return find(headers, name); }
std::string_view Response::header(std::string_view name) const { return find(headers, name); }

Response problem(const Request& request, int status, std::string_view code, std::string_view message,
                 const std::vector<FieldError>& errors) {
  std::string body = "{\"success\":false,\"message\":";
  append_words(body, message);
  body += ",\"code\":";
  append_json_string(body, code);
  body += ",\"errors\":[";
  for (std::size_t i = 0; i < std::min(errors.size(), kMaxErrors); ++i) {
    if (i > 0) body += ',';
    body += "{\"field\":";
    append_words(body, errors[i].field);
    body += ",\"message\":";
    append_words(body, errors[i].message);
    body += '}';
  }
  body += "],\"request_id\":";
  append_json_string(body, request.id);
  body += '}';
  return {.status = status, .body = std::move(body)};
}

Response invalid(const Request& request, const std::vector<FieldError>& errors) {
  return problem(request, 400, "validation_error", "Validation failed", errors);
}

}  // namespace fortium::service
