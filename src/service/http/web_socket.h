// WebSockets (RFC 6455): one text message is one message of the talk, either way.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>

#include "stream.h"

namespace fortium::service {

using Upgrade = boost::beast::http::request<boost::beast::http::string_body>;

// `request` asks for it.
void start_web_socket(boost::asio::ip::tcp::socket socket, Shared& shared, std::shared_ptr<Talk> talk, std::string lane,
                      Upgrade request);

}  // namespace fortium::service
