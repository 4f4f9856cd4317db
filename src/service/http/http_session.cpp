#include "http_session.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <ctime>
#include <exception>

#include "fortium/base/log.h"

namespace fortium::service {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr std::size_t kFirstRead = 4096;
constexpr std::size_t kKeptBuffer = 64 * 1024;  // of a connection that waits
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

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

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
    : socket_(std::move(socket)), shared_(shared), timer_(socket_.get_executor()) {
  Status ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  if (const auto peer = socket_.remote_endpoint(ignored); !ignored) request_.peer = peer.address().to_string();
}

Session::~Session() {
  const bool last = shared_.sessions.with([this](auto& sessions) {
    sessions.erase(this);
    return sessions.empty();
  });
  if (last) shared_.on_last_gone();
}

void Session::start() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] { self->next(); });
}

void Session::turn_away() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    Response response = problem(self->request_, 503, "too_many_connections", "too many connections");
    response.headers.emplace_back("Retry-After", std::to_string(kRetryWhenBusy.count() / 1000));
    self->send(std::move(response), /*close=*/true);
  });
}

void Session::stop() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->phase_ == Phase::idle && self->nothing_sent()) self->close();
  });
}

void Session::next() {
  parser_.emplace();
  parser_->header_limit(kMaxHeaderBytes);
  parser_->body_limit(kMaxBodyBytes);
  std::string peer = std::move(request_.peer);
  request_ = Request();
  request_.peer = std::move(peer);
  late_ = head_only_ = false;
  if (buffer_.size() > 0) return read_head();
  if (buffer_.capacity() > kKeptBuffer) buffer_ = {};
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
  socket_.async_read_some(buffer_.prepare(kFirstRead), [self = shared_from_this()](Status status, std::size_t size) {
    if (status || self->phase_ != Phase::idle) return self->close();
    self->buffer_.commit(size);
    self->read_head();
  });
}

void Session::read_head() {
  phase_ = Phase::reading;
  request_.id = shared_.request_prefix + std::to_string(++shared_.requests);
  arm(shared_.options.request_time);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](Status status, std::size_t) { self->on_head(status); });
}

void Session::on_head(Status status) {
  if (status) return on_read_error(status);
  if (auto refused = read_request()) return send(std::move(*refused), /*close=*/true);
  if (!expects_body()) return work();
  // What the head alone decides is decided before the body is taken.
  later([self = shared_from_this()] {
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

// HTTP/1.0 can ask to be kept; nobody who does needs it.
bool Session::keeps_alive() const { return parser_->keep_alive() && parser_->get().version() >= 11; }

// The head as a value, or why it is no request.
std::optional<Response> Session::read_request() {
  const auto& head = parser_->get();
  request_.method = std::string(view(head.method_string()));
  const std::string_view target = view(head.target());
  const std::size_t question = std::min(target.find('?'), target.size());
  request_.path = std::string(target.substr(0, question));
  request_.query = std::string(target.substr(std::min(question + 1, target.size())));
  for (const auto& field : head)
    request_.headers.emplace_back(std::string(view(field.name_string())), std::string(view(field.value())));
  head_only_ = head.method() == http::verb::head;
  const auto bad = [this](std::string_view why) { return problem(request_, 400, "bad_request", why); };
  if (!target.starts_with('/')) return bad("the target of the request must be a path");
  if (head.version() >= 11 && head.count(http::field::host) != 1) return bad("there must be one Host");
  // Another coding than chunked has no end that both sides agree on.
  if (head.count(http::field::transfer_encoding) > 0 &&
      !boost::beast::iequals(head[http::field::transfer_encoding], "chunked"))
    return bad("Transfer-Encoding must be chunked or absent");
  if (head.count(http::field::authorization) > 1) return bad("there must be one Authorization");
  return std::nullopt;
}

void Session::take_body() {
  if (!boost::beast::iequals(parser_->get()[http::field::expect], "100-continue")) return read_body();
  asio::async_write(socket_, asio::buffer(kContinue), [self = shared_from_this()](Status status, std::size_t) {
    if (status) return self->on_read_error(status);
    self->read_body();
  });
}

void Session::read_body() {
  http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](Status status, std::size_t) {
    if (status) return self->on_read_error(status);
    self->work();
  });
}

void Session::on_read_error(Status status) {
  if (late_) return send(problem(request_, 408, "timeout", "the request did not arrive in time"), /*close=*/true);
  if (status == http::error::body_limit)
    return send(
        problem(request_, 413, "too_large", "the body is more than " + std::to_string(kMaxBodyBytes) + " bytes"),
        /*close=*/true);
  if (status == http::error::header_limit)
    return send(problem(request_, 431, "header_too_large",
                        "the header is more than " + std::to_string(kMaxHeaderBytes) + " bytes"),
                /*close=*/true);
  const bool gone = status == http::error::end_of_stream || status == http::error::partial_message ||
                    status.category() != http::make_error_code(http::error::bad_method).category();
  if (gone) return close();
  send(problem(request_, 400, "bad_request", "not an HTTP/1.1 request"), /*close=*/true);
}

void Session::work() {
  disarm();
  phase_ = Phase::working;
  request_.body = std::move(parser_->get().body());
  later([&shared = shared_, self = shared_from_this()]() mutable {
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
  if (shared_.work.post(shared_.handler.lane(request_), std::move(work))) return;
  Response response = problem(request_, 503, "overloaded", "too many requests are waiting");
  response.headers.emplace_back("Retry-After", std::to_string(kRetryWhenBusy.count() / 1000));
  send(std::move(response), /*close=*/true);
}

void Session::send(Response response, bool close) {
  phase_ = Phase::writing;
  close = close || shared_.stopping;
  arm(shared_.options.request_time);
  Message& message = message_.emplace();
  message.version(11);
  message.result(static_cast<unsigned>(response.status));
  message.set(http::field::server, "fortium-metrics-server");
  message.set(http::field::date, http_date());
  message.set(http::field::content_type, "application/json");
  message.set(http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  if (!request_.id.empty()) message.set("X-Request-ID", request_.id);
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.keep_alive(!close);
  message.content_length(response.body.size());
  if (!head_only_) message.body() = std::move(response.body);
  http::async_write(socket_, message, [self = shared_from_this(), close](Status status, std::size_t) {
    if (status) return self->close();
    self->on_sent(close);
  });
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
  socket_.async_read_some(buffer_.prepare(kKeptBuffer), [self = shared_from_this()](Status status, std::size_t size) {
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
    const auto self = weak.lock();
    if (!status && self && self->alarm_ == alarm) self->on_timer();
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
