#include "event_stream.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

namespace fortium::service {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kMostSaid = 64 * 1024;  // bytes of a client that should be listening

// One piece of a chunked body.
std::string chunk(std::string_view data) {
  char size[20];
  const auto end = std::to_chars(size, size + sizeof size, data.size(), 16).ptr;
  std::string out;
  out.reserve(data.size() + 24);
  return out.append(size, end).append("\r\n").append(data).append("\r\n");
}

class Events final : public Stream {
 public:
  Events(tcp::socket socket, Shared& shared, std::shared_ptr<Talk> talk, std::string lane, std::string head,
         bool chunked)
      : Stream(socket.get_executor(), shared, std::move(talk), std::move(lane)),
        socket_(std::move(socket)),
        piece_(std::move(head)),
        chunked_(chunked) {}

  void start() {
    enroll();
    asio::dispatch(socket_.get_executor(), [self = self<Events>()] {
      asio::async_write(self->socket_, asio::buffer(self->piece_), [self](Status status, std::size_t) {
        if (status) return self->end();
        self->watch();
        self->begin();
      });
    });
  }

 private:
  void write(const std::string& message) override { put("event: message\ndata: " + message + "\n\n"); }
  void say_alive() override { put(":\n\n"); }
  void finish() override {
    piece_ = chunked_ ? "0\r\n\r\n" : "";
    asio::async_write(socket_, asio::buffer(piece_), [self = self<Events>()](Status, std::size_t) {
      Status ignored;
      self->socket_.shutdown(tcp::socket::shutdown_send, ignored);
      self->end();
    });
  }
  void cut() override {
    Status ignored;
    socket_.close(ignored);
  }

  void put(std::string piece) {
    piece_ = chunked_ ? chunk(piece) : std::move(piece);
    asio::async_write(socket_, asio::buffer(piece_),
                      [self = self<Events>()](Status status, std::size_t) { self->on_written(status); });
  }
  // A client that is gone is seen by reading: nothing should come.
  void watch() {
    socket_.async_read_some(asio::buffer(heard_), [self = self<Events>()](Status status, std::size_t size) {
      self->said_ += size;
      if (status || self->said_ > kMostSaid) return self->end();
      self->watch();
    });
  }

  tcp::socket socket_;
  std::string piece_;  // being written
  const bool chunked_;
  std::array<char, 512> heard_{};
  std::size_t said_ = 0;
};

}  // namespace

void start_events(tcp::socket socket, Shared& shared, std::shared_ptr<Talk> talk, std::string lane, std::string head,
                  bool chunked) {
  std::make_shared<Events>(std::move(socket), shared, std::move(talk), std::move(lane), std::move(head), chunked)
      ->start();
}

}  // namespace fortium::service
