#include "web_socket.h"

#include <boost/asio/dispatch.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "service/limits.h"

namespace fortium::service {

namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;

class WebSocket final : public Stream {
 public:
  WebSocket(tcp::socket socket, Shared& shared, std::shared_ptr<Talk> talk, std::string lane, Upgrade request)
      : Stream(socket.get_executor(), shared, std::move(talk), std::move(lane)),
        stream_(std::move(socket)),
        request_(std::move(request)) {}

  void start() {
    enroll();
    asio::dispatch(stream_.get_executor(), [self = self<WebSocket>()] { self->accept(); });
  }

 private:
  void accept() {
    // Pings of its own; who does not answer one within half of the idle time is gone.
    stream_.set_option(websocket::stream_base::timeout{.handshake_timeout = shared_.options.request_time,
                                                       .idle_timeout = shared_.options.idle_time,
                                                       .keep_alive_pings = true});
    stream_.set_option(websocket::stream_base::decorator(
        [](websocket::response_type& head) { head.set(boost::beast::http::field::server, "fortium-metrics-server"); }));
    stream_.read_message_max(kMaxMessageBytes);
    stream_.text(true);
    stream_.async_accept(request_, [self = self<WebSocket>()](Status status) {
      if (status) return self->end();
      self->request_ = {};
      self->begin();
      self->listen();
    });
  }

  void listen() {
    stream_.async_read(buffer_, [self = self<WebSocket>()](Status status, std::size_t) {
      if (status) return self->end();
      if (!self->stream_.got_text()) return self->say_goodbye(websocket::close_code::unknown_data);
      const bool more = self->hear(boost::beast::buffers_to_string(self->buffer_.data()));
      self->buffer_ = {};
      if (more) self->listen();
    });
  }

  void go_on() override { listen(); }
  void write(const std::string& message) override {
    stream_.async_write(asio::buffer(message),
                        [self = self<WebSocket>()](Status status, std::size_t) { self->on_written(status); });
  }
  void finish() override {
    say_goodbye(shared_.stopping ? websocket::close_code::going_away : websocket::close_code::normal);
  }
  void say_goodbye(websocket::close_code code) {
    stream_.async_close(code, [self = self<WebSocket>()](Status) { self->end(); });
  }
  void cut() override {
    Status ignored;
    boost::beast::get_lowest_layer(stream_).close(ignored);
  }

  websocket::stream<tcp::socket> stream_;
  Upgrade request_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace

void start_web_socket(tcp::socket socket, Shared& shared, std::shared_ptr<Talk> talk, std::string lane,
                      Upgrade request) {
  std::make_shared<WebSocket>(std::move(socket), shared, std::move(talk), std::move(lane), std::move(request))->start();
}

}  // namespace fortium::service
