// One connection. Boost is in this header: only the listener and the session include it.
//
// Everything of a session happens on its strand; only the handler runs elsewhere, on the pool.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "fair_queue.h"
#include "fortium/base/guarded.h"
#include "http.h"
#include "http_server.h"

namespace fortium::service {

class Session;

// What the sessions of one server share.
struct Shared {
  Shared(const ServerOptions& server_options, Handler& answering, FairQueue& workers, std::string id_prefix)
      : options(server_options), handler(answering), work(workers), request_prefix(std::move(id_prefix)) {}

  using Sessions = std::unordered_map<Session*, std::weak_ptr<Session>>;

  const ServerOptions options;
  Handler& handler;
  FairQueue& work;
  const std::string request_prefix;
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<bool> stopping = false;
  Guarded<Sessions> sessions;
  std::function<void()> on_last_gone;  // called when a session ends and no other is left
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(boost::asio::ip::tcp::socket socket, Shared& shared);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start();
  // There are too many connections: says so and closes.
  void turn_away();
  // Closes if nothing was begun; else after the answer. Any thread.
  void stop();

 private:
  enum class Phase { idle, reading, working, writing, draining };
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Message = boost::beast::http::response<boost::beast::http::string_body>;
  using Status = boost::beast::error_code;

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
  void on_sent(bool close);
  void drain();
  void close();

  void on_read_error(Status status);
  void arm(Millis time);
  void disarm();
  void on_timer();
  std::optional<Response> read_request();
  bool expects_body() const;
  bool keeps_alive() const;
  bool nothing_sent();

  boost::asio::ip::tcp::socket socket_;
  Shared& shared_;
  boost::asio::steady_timer timer_;
  std::uint64_t alarm_ = 0;  // the newest; a timer that was set again may still fire once
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Message> message_;
  Request request_;
  Phase phase_ = Phase::idle;
  bool late_ = false;  // the request did not come in time
  bool head_only_ = false;
  std::size_t drained_ = 0;
};

}  // namespace fortium::service
