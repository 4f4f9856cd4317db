// From Beast's parser to a request of ours, and what is refused for its head alone. Boost is in this header. Any
// thread.
#pragma once

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

#include "addresses.h"
#include "http.h"

namespace fortium::service {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

// Sets its limits; `most_body`: bytes.
void prepare(RequestParser& parser, std::size_t most_body);
// The head, into `request`, whose id is set; or why it is no request. `trusted`: whom to believe about `peer`.
std::optional<Response> read_request_head(const RequestParser& parser, const std::string& peer,
                                          const AddressRanges& trusted, Request& request);

}  // namespace fortium::service
