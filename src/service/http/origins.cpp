#include "origins.h"

#include <algorithm>

namespace fortium::service {

namespace {

// "https://host:port" in two; the first is empty for anything else.
struct Parts {
  std::string_view scheme, host;
};
Parts split(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme)) return {scheme, origin.substr(scheme.size())};
  return {};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_of_this_machine(std::string_view origin) {
  const std::string_view host = split(origin).host;
  for (const std::string_view own : {"localhost", "127.0.0.1", "[::1]"}) {
    if (!host.starts_with(own)) continue;
    std::string_view rest = host.substr(own.size());
    if (rest.empty()) return true;
    if (!rest.starts_with(':') || rest.size() > 6) return false;
    rest.remove_prefix(1);
    return !rest.empty() && std::ranges::all_of(rest, [](char c) { return c >= '0' && c <= '9'; });
  }
  return false;
}

}  // namespace

Origins::Origins(std::vector<std::string> allowed) : allowed_(std::move(allowed)) {
  for (std::string& origin : allowed_) origin = lower(origin);
}

bool Origins::welcomes(const Request& request) const {
  const std::string origin = lower(request.header("Origin"));
  return origin.empty() || is_of_this_machine(origin) || std::ranges::find(allowed_, origin) != allowed_.end();
}

void Origins::tell(const Request& request, Response& response) const {
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return;
  response.headers.emplace_back("Vary", "Origin");
  if (!welcomes(request)) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Expose-Headers",
                                "Mcp-Session-Id, X-Request-ID, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, "
                                "X-RateLimit-Reset, ETag");
}

Response Origins::preflight(const Request& request, std::string_view methods) const {
  if (!welcomes(request)) return problem(request, 403, "foreign_origin", "pages of this origin may not ask");
  return {.status = 204,
          .headers = {{"Access-Control-Allow-Methods", std::string(methods)},
                      {"Access-Control-Allow-Headers",
                       "Authorization, Content-Type, Content-Encoding, Accept, Idempotency-Key, If-None-Match, "
                       "X-Organization-ID, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID"},
                      {"Access-Control-Max-Age", "600"}}};
}

std::string origin_complaint(std::string_view origin) {
  const auto [scheme, host] = split(origin);
  const bool whole = !host.empty() && host.find_first_of("/?#@ ") == host.npos;
  return whole ? "" : "must be origins such as https://metrics.example.com, with commas between them";
}

}  // namespace fortium::service
