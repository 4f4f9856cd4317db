#include "read_request.h"

#include <algorithm>

#include "service/limits.h"

namespace fortium::service {

namespace http = boost::beast::http;

namespace {

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void prepare(RequestParser& parser, std::size_t most_body) {
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(most_body);
}

std::optional<Response> read_request_head(const RequestParser& parser, const std::string& peer,
                                          const AddressRanges& trusted, Request& request) {
  const auto& head = parser.get();
  request.method = std::string(view(head.method_string()));
  const std::string_view target = view(head.target());
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = std::string(target.substr(0, question));
  request.query = std::string(target.substr(std::min(question + 1, target.size())));
  for (const auto& field : head)
    request.headers.emplace_back(std::string(view(field.name_string())), std::string(view(field.value())));
  request.peer = peer;
  if (trusted.contain(peer)) {
    std::string forwarded;  // each proxy adds to the line, or adds a line
    for (auto [line, end] = head.equal_range("X-Forwarded-For"); line != end; ++line)
      forwarded += (forwarded.empty() ? "" : ",") + std::string(view(line->value()));
    request.peer = client_of(peer, forwarded, trusted);
  }
  const auto bad = [&request](std::string_view why) { return problem(request, 400, "bad_request", why); };
  if (!target.starts_with('/')) return bad("the target of the request must be a path");
  if (head.version() >= 11 && head.count(http::field::host) != 1) return bad("there must be one Host");
  // Another coding than chunked has no end that both sides agree on.
  if (head.count(http::field::transfer_encoding) > 0 &&
      !boost::beast::iequals(head[http::field::transfer_encoding], "chunked"))
    return bad("Transfer-Encoding must be chunked or absent");
  if (head.count(http::field::authorization) > 1) return bad("there must be one Authorization");
  return std::nullopt;
}

}  // namespace fortium::service
