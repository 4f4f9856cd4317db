#include "administer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "service/http/read_query.h"

namespace fortium::service {

namespace {

constexpr std::int64_t kPageRows = 100;

}  // namespace

Response done(int status, const Json& data) {
  return {.status = status, .body = dump_json({{"success", true}, {"data", data}})};
}

Response page_of(const Call& call, WallTime now, std::vector<std::pair<std::string, Json>> rows) {
  const auto query = read_query(call.request, kPageQuery, now);
  if (const auto* refused = std::get_if<Response>(&query)) return *refused;
  const auto& asked = std::get<schema::Row>(query);
  const auto* limit = std::get_if<std::int64_t>(&asked[0]);
  const auto* after = std::get_if<std::string>(&asked[1]);
  const auto most = static_cast<std::size_t>(limit != nullptr ? *limit : kPageRows);
  using Row = std::pair<std::string, Json>;
  std::ranges::sort(rows, {}, &Row::first);
  auto at = after != nullptr ? std::ranges::upper_bound(rows, *after, {}, &Row::first) : rows.begin();
  Json data = Json::array(), next;
  for (; at != rows.end() && data.size() < most; ++at) data.push_back(std::move(at->second));
  if (at != rows.end()) next = std::prev(at)->first;
  return {.body = dump_json({{"success", true}, {"data", std::move(data)}, {"next_cursor", std::move(next)}})};
}

Response failed(const Request& request, const Error& error) {
  switch (error.code) {
    case Errc::invalid: return problem(request, 400, "validation_error", error.what);
    case Errc::not_found: return problem(request, 404, "not_found", error.what);
    case Errc::conflict: return problem(request, 409, "conflict", error.what);
    case Errc::busy:
    case Errc::full:
    case Errc::unavailable:
    case Errc::unauthorized:
    case Errc::corrupt:
    case Errc::cancelled:
    case Errc::internal: break;
  }
  return store_problem(request, error);
}

std::optional<Millis> duration(Fields& fields, const char* name) {
  const std::string text = fields.text(name);
  if (text.empty()) return std::nullopt;
  const auto time = parse_duration(text);
  if (!time) fields.wrong(name, time.error().what);
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace fortium::service
