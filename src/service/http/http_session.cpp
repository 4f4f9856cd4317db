#include "http_session.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <ctime>
#include <exception>
#include <sstream>

#include "event_stream.h"
#include "fortium/base/log.h"
#include "service/limits.h"
#include "web_socket.h"

namespace fortium::service {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr std::size_t kFirstRead = 4096;
constexpr std::size_t kKeptBuffer = 64 << 10;  // of a connection that waits
constexpr std::size_t kSmallBody = 64 << 10;   // a batch of some 200 records
// After a refusal the rest of a body is read for a while: closing at once would take the answer from the peer.
constexpr Millis kDrainTime{2'000};
constexpr std::size_t kMostDrained = 2 * kMaxBodyBytes;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};  // no locale is set: English
}

// A bug of ours costs one request, not the service.
template <class Work>
Response guarded(const Request& request, Work&& work) {
  try {
    return work();
  } catch (const Bug& bug) {
    log_error("request " + request.id + ": " + bug.what);
  } catch (const std::exception& error) {
    log_error("request " + request.id + ": " + error.what());
  }
  return problem(request, 500, "internal", "the service failed");
}

}  // namespace

Session::Session(tcp::socket socket, Shared& shared)
    : Peer(shared), socket_(std::move(socket)), timer_(socket_.get_executor()) {
  Status ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  if (const auto peer = socket_.remote_endpoint(ignored); !ignored) peer_ = peer.address().to_string();
}

void Session::start() {
  asio::dispatch(socket_.get_executor(), [self = self()] { self->next(); });
}

void Session::turn_away() {
  asio::dispatch(socket_.get_executor(), [self = self()] {
    Response response = problem(self->request_, 503, "too_many_connections", "too many connections");
    response.headers.emplace_back("Retry-After", std::to_string(kRetryWhenBusy.count() / 1000));
    self->send(std::move(response), /*close=*/true);
  });
}

void Session::stop() {
  asio::post(socket_.get_executor(), [self = self()] {
    if (self->phase_ == Phase::idle && self->nothing_sent()) self->close();
  });
}

void Session::next() {
  parser_.emplace();
  request_ = Request();
  request_.peer = peer_;
  request_.most_body = shared_.options.body_limit;
  prepare(*parser_, request_.most_body);
  late_ = head_only_ = false;
  if (buffer_.size() > 0) return read_head();
  if (buffer_.capacity() > kKeptBuffer) buffer_.shrink_to_fit();
  if (shared_.stopping && nothing_sent()) return close();
  wait_for_request();
}

bool Session::nothing_sent() {
  Status status;
  return socket_.available(status) == 0 || status;
}

void Session::wait_for_request() {
  phase_ = Phase::idle;
  arm(shared_.options.idle_time);
  socket_.async_read_some(buffer_.prepare(kFirstRead), [self = self()](Status status, std::size_t size) {
    if (status || self->phase_ != Phase::idle) return self->close();
    self->buffer_.commit(size);
    self->read_head();
  });
}

void Session::read_head() {
  phase_ = Phase::reading;
  request_.id = shared_.request_prefix + std::to_string(++shared_.requests);
  ++shared_.counts.requests;
  arm(shared_.options.request_time);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = self()](Status status, std::size_t) { self->on_head(status); });
}

void Session::on_head(Status status) {
  if (status) return on_read_error(status);
  head_only_ = parser_->get().method() == http::verb::head;
  if (auto refused = read_request_head(*parser_, peer_, shared_.trusted, request_)) {
    ++shared_.counts.rejected;
    return send(std::move(*refused), /*close=*/true);
  }
  if (!expects_body()) return work();
  if (body_is_here()) return read_body();
  // What the head alone decides is decided before the body is taken.
  later([self = self()] {
    auto refused = std::make_shared<std::optional<Response>>();
    const Response failed = guarded(self->request_, [&] {
      *refused = self->shared_.handler.refuse(self->request_);
      return Response();
    });
    if (failed.status != 200) *refused = failed;
    asio::post(self->socket_.get_executor(), [self, refused] {
      if (self->late_) return self->on_read_error({});
      if (*refused) return self->send(std::move(**refused), /*close=*/true);
      self->take_body();
    });
  });
}

bool Session::expects_body() const { return parser_->chunked() || parser_->content_length().value_or(0) > 0; }

// A small body that came with its head is taken whatever the head says: to refuse it unread would cost the connection,
// and a new one costs more than these bytes.
bool Session::body_is_here() {
  const auto length = parser_->content_length();
  Status status;
  return !parser_->chunked() && length && *length <= kSmallBody && parser_->get()[http::field::expect].empty() &&
         buffer_.size() + socket_.available(status) >= *length && !status;
}

// HTTP/1.0 can ask to be kept; nobody who does needs it.
bool Session::keeps_alive() const { return parser_->keep_alive() && parser_->get().version() >= 11; }

void Session::take_body() {
  if (!boost::beast::iequals(parser_->get()[http::field::expect], "100-continue")) return read_body();
  asio::async_write(socket_, asio::buffer(kContinue), [self = self()](Status status, std::size_t) {
    if (status) return self->on_read_error(status);
    self->read_body();
  });
}

void Session::read_body() {
  http::async_read(socket_, buffer_, *parser_, [self = self()](Status status, std::size_t) {
    if (status) return self->on_read_error(status);
    self->work();
  });
}

void Session::on_read_error(Status status) {
  ++shared_.counts.rejected;
  if (late_) return send(problem(request_, 408, "timeout", "the request did not arrive in time"), /*close=*/true);
  if (status == http::error::body_limit)
    return send(
        problem(request_, 413, "too_large", "the body is more than " + std::to_string(request_.most_body) + " bytes"),
        /*close=*/true);
  if (status == http::error::header_limit)
    return send(problem(request_, 431, "header_too_large",
                        "the header is more than " + std::to_string(kMaxHeaderBytes) + " bytes"),
                /*close=*/true);
  if (status == http::error::buffer_overflow)
    return send(problem(request_, 431, "header_too_large",
                        "the header of a chunk, or what follows the last one, is more than " +
                            std::to_string(kMostUnread) + " bytes"),
                /*close=*/true);
  const bool gone = status == http::error::end_of_stream || status == http::error::partial_message ||
                    status.category() != http::make_error_code(http::error::bad_method).category();
  if (gone) {
    --shared_.counts.rejected;
    return close();
  }
  send(problem(request_, 400, "bad_request", "not an HTTP/1.1 request"), /*close=*/true);
}

void Session::work() {
  disarm();
  phase_ = Phase::working;
  request_.body = std::move(parser_->get().body());
  later([&shared = shared_, self = self()]() mutable {
    auto response = std::make_shared<Response>(
        guarded(self->request_, [&] { return self->shared_.handler.answer(self->request_); }));
    asio::post(self->socket_.get_executor(),
               [self, response] { self->send(std::move(*response), /*close=*/!self->keeps_alive()); });
    // A connection that is over by now does not wait for what can wait.
    self.reset();
    (void)guarded(Request(), [&] { return shared.handler.rest(), Response(); });
  });
}

void Session::later(std::function<void()> work) {
  if (shared_.on_pool(shared_.handler.lane(request_), std::move(work))) return;
  Response response = problem(request_, 503, "overloaded", "too many requests are waiting");
  response.headers.emplace_back("Retry-After", std::to_string(kRetryWhenBusy.count() / 1000));
  send(std::move(response), /*close=*/true);
}

// What every answer says of itself.
template <class M>
void Session::write_head(M& message, const Response& response) const {
  message.version(11);
  message.result(static_cast<unsigned>(response.status));
  message.set(http::field::server, "fortium-metrics-server");
  message.set(http::field::date, http_date());
  if (response.talk)
    message.set(http::field::content_type, "text/event-stream");
  else if (!response.body.empty())
    message.set(http::field::content_type, "application/json");
  message.set(http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  if (!request_.id.empty()) message.set("X-Request-ID", request_.id);
  for (const auto& [name, value] : response.headers) message.set(name, value);
}

void Session::send(Response response, bool close) {
  if (response.talk && !head_only_) return stay(std::move(response));
  phase_ = Phase::writing;
  close = close || shared_.counts.stopping;
  arm(shared_.options.request_time);
  Message& message = message_.emplace();
  write_head(message, response);
  message.keep_alive(!close);
  message.content_length(response.body.size());
  if (!head_only_) message.body() = std::move(response.body);
  http::async_write(socket_, message, [self = self(), close](Status status, std::size_t) {
    if (status) return self->close();
    self->on_sent(close);
  });
}

// The connection goes on as another kind; this one ends when its last handler has.
void Session::stay(Response response) {
  disarm();
  if (buffer_.size() > 0)
    return send(problem(request_, 400, "bad_request", "nothing may follow this request"), /*close=*/true);
  std::string lane = shared_.handler.lane(request_);
  if (response.status == 101) {
    Upgrade request = parser_->release();
    if (!boost::beast::websocket::is_upgrade(request))
      return send(problem(request_, 400, "bad_request", "not a WebSocket handshake"), /*close=*/true);
    return start_web_socket(std::move(socket_), shared_, std::move(response.talk), std::move(lane), std::move(request));
  }
  http::response<http::empty_body> head;
  write_head(head, response);
  head.set("X-Accel-Buffering", "no");
  head.keep_alive(false);
  const bool chunked = parser_->get().version() >= 11;
  head.chunked(chunked);
  std::ostringstream text;
  text << head.base();
  start_events(std::move(socket_), shared_, std::move(response.talk), std::move(lane), std::move(text).str(), chunked);
}

void Session::on_sent(bool close) {
  message_.reset();
  if (!close && !shared_.stopping) return next();
  Status ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  if (parser_ && parser_->is_done() && buffer_.size() == 0) return this->close();
  phase_ = Phase::draining;
  arm(kDrainTime);
  drain();
}

void Session::drain() {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(kKeptBuffer), [self = self()](Status status, std::size_t size) {
    self->drained_ += size;
    if (status || self->drained_ > kMostDrained) return self->close();
    self->drain();
  });
}

void Session::close() {
  disarm();
  Status ignored;
  socket_.close(ignored);
}

void Session::arm(Millis time) {
  const std::uint64_t alarm = ++alarm_;
  timer_.expires_after(time);
  timer_.async_wait([weak = weak_from_this(), alarm](Status status) {
    const auto locked = std::static_pointer_cast<Session>(weak.lock());
    if (!status && locked && locked->alarm_ == alarm) locked->on_timer();
  });
}

void Session::disarm() {
  ++alarm_;
  timer_.cancel();
}

void Session::on_timer() {
  if (phase_ != Phase::reading) return close();
  late_ = true;
  Status ignored;
  socket_.cancel(ignored);  // what waits for bytes ends, and then says 408
}

}  // namespace fortium::service
