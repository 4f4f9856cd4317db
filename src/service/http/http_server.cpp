#include "http_server.h"

#include <algorithm>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <charconv>
#include <csignal>
#include <thread>

#include "fortium/base/entropy.h"
#include "fortium/base/log.h"
#include "http_session.h"

namespace fortium::service {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr Millis kAcceptAgain{100};  // after a failure: no file left to open, mostly
constexpr Millis kRestEvery{10'000};
// Most of them wait for the disk, and those that wait together share a commit; and one organization's big batch must
// not hold up all others.
constexpr std::size_t kFewestWorkers = 24;

std::size_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }

std::size_t workers() { return std::max(kFewestWorkers, 2 * cores()); }

std::string id_prefix() {
  SystemEntropy entropy;
  return random_hex(4, entropy) + "-";
}

}  // namespace

Result<void> read_listen(std::string_view text, ServerOptions& options) {
  const Error wrong{Errc::invalid, "must be an address and a port such as 127.0.0.1:8080, [::1]:8080 or localhost:0"};
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return wrong;
  std::string_view address = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  options.address = address == "localhost" ? "127.0.0.1" : std::string(address);
  const auto read = std::from_chars(port.data(), port.data() + port.size(), options.port);
  boost::system::error_code status;
  (void)asio::ip::make_address(options.address, status);
  if (status || port.empty() || read.ec != std::errc() || read.ptr != port.data() + port.size()) return wrong;
  return {};
}

class HttpServer::Loop {
 public:
  Loop(const ServerOptions& options, Handler& handler)
      : shared(options, handler, work, id_prefix()),
        pool(workers()),
        work([this](FairQueue::Work begun) { asio::post(pool, std::move(begun)); },
             {.threads = workers(), .waiting = kMostWaiting, .waiting_in_lane = kMostWaitingInLane}),
        acceptor(asio::make_strand(context)),
        again(acceptor.get_executor()),
        give_up(acceptor.get_executor()),
        beat(acceptor.get_executor()),
        signals(acceptor.get_executor()) {
    shared.on_last_gone = [this] {
      if (shared.stopping) asio::post(acceptor.get_executor(), [this] { give_up.cancel(); });
    };
  }

  Result<void> open() {
    boost::system::error_code status;
    const tcp::endpoint wanted(asio::ip::make_address(shared.options.address), shared.options.port);
    acceptor.open(wanted.protocol(), status);
    if (!status) acceptor.set_option(tcp::acceptor::reuse_address(true), status);
    if (!status) acceptor.bind(wanted, status);
    if (!status) acceptor.listen(asio::socket_base::max_listen_connections, status);
    if (!status) bound = acceptor.local_endpoint(status);
    // From here on, so that who reads the address and asks to stop at once is heard.
    if (!status) signals.add(SIGTERM, status);
    if (!status) signals.add(SIGINT, status);
    if (status)
      return Error{Errc::unavailable, "cannot listen on " + shared.options.address + ":" +
                                          std::to_string(shared.options.port) + ": " + status.message()};
    return {};
  }

  void run() {
    signals.async_wait([this](boost::system::error_code status, int) {
      if (!status) announce_stop();
    });
    accept();
    rest();
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 1; i < cores(); ++i) threads.emplace_back([this] { context.run(); });
      context.run();
    }
    pool.stop();  // if time ran out, what waits in line is not begun
    pool.join();
    shared.on_last_gone = [] {};  // sessions that are left go with the context
  }

  void stop() {
    asio::post(acceptor.get_executor(), [this] { announce_stop(); });
  }

  std::string url() const {
    const bool six = bound.address().is_v6();
    std::string host = bound.address().to_string();
    if (bound.address().is_unspecified()) host = six ? "::1" : "127.0.0.1";  // something that can be pasted
    return "http://" + (six ? "[" + host + "]" : host) + ":" + std::to_string(bound.port());
  }
  bool loopback() const { return bound.address().is_loopback(); }

 private:
  void accept() {
    acceptor.async_accept(asio::make_strand(context), [this](boost::system::error_code status, tcp::socket socket) {
      if (shared.stopping || status == asio::error::operation_aborted) return;
      if (status) {
        log_warn("accept: " + status.message());
        again.expires_after(kAcceptAgain);
        again.async_wait([this](boost::system::error_code waited) {
          if (!waited && !shared.stopping) accept();
        });
        return;
      }
      welcome(std::move(socket));
      accept();
    });
  }

  // What can wait is done now and then too, when nobody asks.
  void rest() {
    beat.expires_after(kRestEvery);
    beat.async_wait([this](boost::system::error_code status) {
      if (status || shared.stopping) return;
      (void)shared.on_pool("", [this] { shared.handler.rest(); });
      rest();
    });
  }

  void welcome(tcp::socket socket) {
    const auto session = std::make_shared<Session>(std::move(socket), shared);
    ++shared.counts.accepted;
    if (session->enroll() <= shared.options.max_connections) return session->start();
    ++shared.counts.turned_away;
    session->turn_away();
  }

  // Who chooses among several of us has time to notice, and closes the connections that it keeps after their next
  // answer: closing them from here could cross a request on its way.
  void announce_stop() {
    if (shared.counts.stopping.exchange(true)) return;
    log_info("stopping");
    signals.clear();  // a second signal ends at once
    if (shared.options.stop_delay == Millis(0)) return begin_stop();
    give_up.expires_after(shared.options.stop_delay);
    give_up.async_wait([this](boost::system::error_code) { begin_stop(); });
  }

  void begin_stop() {
    // Who has connected has begun: taken in before the door closes. A wait is ended first, or it would take them.
    boost::system::error_code status;
    acceptor.cancel(status);
    acceptor.non_blocking(true, status);
    while (!status) {
      tcp::socket socket(asio::make_strand(context));
      acceptor.accept(socket, status);
      if (!status) welcome(std::move(socket));
    }
    shared.stopping = true;
    acceptor.close(status);
    again.cancel();
    beat.cancel();
    std::vector<std::shared_ptr<Peer>> open;
    shared.peers.with([&](auto& peers) {
      for (const auto& [address, weak] : peers)
        if (auto peer = weak.lock()) open.push_back(std::move(peer));
    });
    if (open.empty()) return;
    give_up.expires_after(shared.options.stop_time);
    give_up.async_wait([this](boost::system::error_code waited) {
      if (waited) return;
      log_warn("some requests were not finished in time");
      context.stop();
    });
    for (const auto& peer : open) peer->stop();
  }

  // The order matters where time ran out: connections that wait in the pool need the context, those in the context need
  // what they share.
  Shared shared;
  asio::io_context context;
  asio::thread_pool pool;
  FairQueue work;
  tcp::acceptor acceptor;
  asio::steady_timer again, give_up, beat;
  asio::signal_set signals;
  tcp::endpoint bound;
};

HttpServer::HttpServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const ServerOptions& options, Handler& handler) {
  auto loop = std::make_unique<Loop>(options, handler);
  FM_TRY_(loop->open());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(loop)));
}

std::string HttpServer::url() const { return loop_->url(); }
bool HttpServer::loopback() const { return loop_->loopback(); }
void HttpServer::run() { loop_->run(); }
void HttpServer::stop() { loop_->stop(); }

}  // namespace fortium::service
