// One connection. Boost is in this header: only the listener and the session include it.
//
// Everything of a session happens on its strand; only the handler runs elsewhere, on the pool.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "peer.h"
#include "read_request.h"

namespace fortium::service {

// Bytes that were read and not yet understood: a header, the header of a chunk, or what follows the last chunk.
constexpr std::size_t kMostUnread = 128 << 10;

class Session final : public Peer {
 public:
  Session(boost::asio::ip::tcp::socket socket, Shared& shared);

  void start();
  // There are too many connections: says so and closes.
  void turn_away();
  // Closes if nothing was begun; else after the answer.
  void stop() override;

 private:
  enum class Phase { idle, reading, working, writing, draining };
  using Message = boost::beast::http::response<boost::beast::http::string_body>;
  using Status = boost::beast::error_code;

  std::shared_ptr<Session> self() { return std::static_pointer_cast<Session>(shared_from_this()); }
  void next();
  void wait_for_request();
  void read_head();
  void on_head(Status status);
  void take_body();
  void read_body();
  void work();
  // On the pool, in its turn; or 503 at once, if too much is waiting.
  void later(std::function<void()> work);
  void send(Response response, bool close);
  void stay(Response response);
  void on_sent(bool close);
  void drain();
  void close();

  void on_read_error(Status status);
  void arm(Millis time);
  void disarm();
  void on_timer();
  bool expects_body() const;
  bool body_is_here();
  bool keeps_alive() const;
  bool nothing_sent();

  template <class M>
  void write_head(M& message, const Response& response) const;

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::uint64_t alarm_ = 0;  // the newest; a timer that was set again may still fire once
  boost::beast::flat_buffer buffer_{kMostUnread};
  std::optional<RequestParser> parser_;
  std::optional<Message> message_;
  std::string peer_;  // the other end of the socket
  Request request_;
  Phase phase_ = Phase::idle;
  bool late_ = false;  // the request did not come in time
  bool head_only_ = false;
  std::size_t drained_ = 0;
};

}  // namespace fortium::service
