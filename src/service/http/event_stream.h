// Server-sent events: the head of an answer, and then one event a message, until either side has enough.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "stream.h"

namespace fortium::service {

// `head`: of the answer. The connection closes when the stream is over; `chunked` says so before, to who knows of it.
void start_events(boost::asio::ip::tcp::socket socket, Shared& shared, std::shared_ptr<Talk> talk, std::string lane,
                  std::string head, bool chunked);

}  // namespace fortium::service
