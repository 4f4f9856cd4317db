#include "etag.h"

#include "fortium/base/hash.h"

namespace fortium::service {

namespace {

// "*", or a list in which the tag stands, weak or not.
bool names(std::string_view list, std::string_view tag) {
  while (!list.empty()) {
    std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == tag) return true;
  }
  return false;
}

}  // namespace

Response with_etag(const Request& request, Response response) {
  const Sha256 digest = sha256(response.body);
  const std::string tag = '"' + to_hex(digest.data(), 16) + '"';
  response.headers.emplace_back("ETag", tag);
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  response.headers.emplace_back("Vary", "Authorization, Accept");
  if (!names(request.header("If-None-Match"), tag)) return response;
  response.status = 304;
  response.body.clear();
  return response;
}

}  // namespace fortium::service
