// The real HTTP client, out of its module, against peers that do what peers should not.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "fortium/base/guarded.h"
#include "fortium/net/http.h"

using namespace fortium;
using namespace fortium::net;
using namespace std::chrono_literals;

namespace {

constexpr Millis kShort{200};     // the deadline where one is to be met
constexpr Millis kLong{20'000};   // where something else ends the request; never waited for
constexpr Millis kMargin{5'000};  // a machine may be slow, but not by as much as kLong

// One accepted connection, as the peer sees it.
class Peer {
 public:
  Peer(int socket, int stop) : socket_(socket), stop_(stop) {}

  // The next request with its body; empty when the client is gone.
  std::string request() {
    std::string text;
    std::size_t whole = std::string::npos;
    while (text.size() < whole) {
      char piece[65536];
      if (!readable(-1)) return {};
      const ssize_t got = ::recv(socket_, piece, sizeof piece, 0);
      if (got <= 0) return {};
      text.append(piece, static_cast<std::size_t>(got));
      const auto end = text.find("\r\n\r\n");
      if (whole != std::string::npos || end == std::string::npos) continue;
      const auto length = text.find("Content-Length: ");
      whole = end + 4 + (length < end ? std::stoul(text.substr(length + 16)) : 0);
    }
    return text;
  }
  // False when the client is gone.
  bool send(std::string_view text) {
    while (!text.empty()) {
      pollfd watched[] = {{socket_, POLLOUT, 0}, {stop_, POLLIN, 0}};
      if (::poll(watched, 2, -1) < 0 || watched[1].revents != 0) return false;
      const ssize_t put = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put < 0 && errno != EAGAIN) return false;
      if (put > 0) text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  bool gone_within(Millis time) { return readable(static_cast<int>(time.count())); }
  void wait_until_gone() {
    char piece[4096];
    while (readable(-1) && ::recv(socket_, piece, sizeof piece, 0) > 0) continue;
  }
  // Not a byte is read until the client goes away, or the test ends.
  void ignore() {
    pollfd watched[] = {{socket_, POLLRDHUP, 0}, {stop_, POLLIN, 0}};
    ::poll(watched, 2, -1);
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }
  void reset() {
    const linger at_once{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  bool readable(int millis) {
    pollfd watched[] = {{socket_, POLLIN, 0}, {stop_, POLLIN, 0}};
    return ::poll(watched, 2, millis) > 0 && watched[1].revents == 0;
  }

  const int socket_;
  const int stop_;
};

// What a server saw, for the test to look at afterwards.
class Seen {
 public:
  void operator=(std::string text) {
    text_.with([&](std::string& kept) { kept = std::move(text); });
  }
  std::string text() {
    return text_.with([](const std::string& kept) { return kept; });
  }

 private:
  Guarded<std::string> text_;
};

// Serves connections one after another with the same manners.
class Server {
 public:
  explicit Server(std::function<void(Peer&)> manners) : manners_(std::move(manners)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const int small = 4096;  // so that a peer that does not read is noticed soon
    setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    eventfd_write(stop_, 1);
    thread_.join();
    ::close(listener_);
    ::close(stop_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const { return port_; }
  int connections() const { return connections_; }
  ClientOptions options() const { return {.origin = {.tls = false, .host = "127.0.0.1", .port = port_}}; }

 private:
  void serve() {
    for (;;) {
      pollfd watched[] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
      ::poll(watched, 2, -1);
      if (watched[1].revents != 0) return;
      const int socket = ::accept(listener_, nullptr, nullptr);
      if (socket < 0) continue;
      ++connections_;
      Peer peer(socket, stop_);
      manners_(peer);
      ::close(socket);
    }
  }

  std::function<void(Peer&)> manners_;
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int stop_ = eventfd(0, EFD_CLOEXEC);
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

std::unique_ptr<HttpClient> client_for(const ClientOptions& options) {
  auto client = make_client(options);
  INFO((client.ok() ? std::string() : client.error().what));
  REQUIRE(client.ok());
  return std::move(*client);
}

HttpRequest get(Millis deadline = kLong, std::int64_t most = 1 << 20) {
  return {.method = "GET", .path = "/", .deadline = deadline, .max_answer_bytes = most};
}

HttpRequest post(std::size_t bytes, Millis deadline = kLong) {
  return {.method = "POST", .path = "/", .body = std::string(bytes, 'x'), .deadline = deadline};
}

struct Timed {
  HttpOutcome outcome;
  Millis took;
};

Timed timed(HttpClient& client, const HttpRequest& request) {
  const auto begin = std::chrono::steady_clock::now();
  HttpOutcome outcome = client.perform(request);
  return {std::move(outcome), std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - begin)};
}

// One request to a server that answers, whatever it is asked, with these bytes and then closes its side.
HttpOutcome answer_to(std::string bytes, const HttpRequest& request = get()) {
  Server server([&bytes](Peer& peer) {
    peer.request();
    peer.send(bytes);
    peer.finish_sending();
    peer.wait_until_gone();
  });
  return client_for(server.options())->perform(request);
}

void check_late(const Timed& timed) {
  CHECK(!timed.outcome.ok);
  CHECK(timed.outcome.stage == Stage::exchange);
  CHECK(timed.outcome.what == "no answer within 200 ms");
  CHECK(timed.took >= kShort);
  CHECK(timed.took < kMargin);
}

std::string gzip_of_zeros(std::size_t size) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out;
  const std::string zeros(1 << 20, '0');
  char piece[65536];
  for (std::size_t fed = 0; fed <= size; fed += zeros.size()) {
    const std::size_t now = std::min(zeros.size(), size - fed);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
    stream.avail_in = static_cast<uInt>(now);
    do {
      stream.next_out = reinterpret_cast<Bytef*>(piece);
      stream.avail_out = sizeof piece;
      deflate(&stream, now < zeros.size() ? Z_FINISH : Z_NO_FLUSH);
      out.append(piece, sizeof piece - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  deflateEnd(&stream);
  return out;
}

std::string ok_with(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("a request goes out as given, an answer comes back as sent") {
  Seen seen;
  Server server([&seen](Peer& peer) {
    seen = peer.request();
    peer.send("HTTP/1.1 201 Created\r\nX-One: 1\r\nx-two: zwei\r\nContent-Length: 5\r\n\r\nhello");
    peer.wait_until_gone();
  });
  const auto client = client_for(server.options());
  HttpRequest request = post(3);
  request.path = "/a/b?c=d%20e";
  request.headers = {{"X-Organization-ID", "acme"}, {"User-Agent", "fortium-metrics/1.0.0"}};
  const HttpOutcome outcome = client->perform(request);
  REQUIRE(outcome.ok);
  CHECK(outcome.response.status == 201);
  CHECK(outcome.response.body == "hello");
  CHECK(outcome.response.header("x-one") == "1");
  CHECK(outcome.response.header("X-Two") == "zwei");
  CHECK(seen.text().starts_with("POST /a/b?c=d%20e HTTP/1.1\r\n"));
  CHECK(seen.text().ends_with("\r\n\r\nxxx"));
  CHECK(seen.text().find("\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n") != std::string::npos);
  CHECK(seen.text().find("\r\nX-Organization-ID: acme\r\n") != std::string::npos);
  CHECK(seen.text().find("\r\nUser-Agent: fortium-metrics/1.0.0\r\n") != std::string::npos);
  CHECK(seen.text().find("Connection: close") == std::string::npos);
}

TEST_CASE("one connection serves many requests") {
  Server server([](Peer& peer) {
    while (!peer.request().empty()) peer.send(ok_with("yes"));
  });
  const auto client = client_for(server.options());
  for (int i = 0; i < 5; ++i) CHECK(client->perform(i % 2 == 0 ? get() : post(10)).response.body == "yes");
  CHECK(server.connections() == 1);
}

TEST_CASE("a kept connection that the peer gave up is replaced without a word") {
  Server server([](Peer& peer) {
    peer.request();
    peer.send(ok_with("yes"));
  });
  const auto client = client_for(server.options());
  for (int i = 0; i < 3; ++i) CHECK(client->perform(post(10)).ok);
  CHECK(server.connections() == 3);
}

TEST_CASE("a kept connection that fails under a request is tried anew once") {
  Server server([](Peer& peer) {
    if (peer.request().empty()) return;
    peer.send(ok_with("yes"));
    peer.request();  // read, and not answered
  });
  const auto client = client_for(server.options());
  CHECK(client->perform(get()).ok);
  CHECK(client->perform(get()).ok);
  CHECK(server.connections() == 2);
}

TEST_CASE("a fresh connection that fails is not tried again") {
  Server server([](Peer& peer) { peer.request(); });
  const HttpOutcome outcome = client_for(server.options())->perform(get());
  CHECK(!outcome.ok);
  CHECK(outcome.stage == Stage::exchange);
  CHECK(outcome.what == "the connection was closed before the answer was complete");
  CHECK(server.connections() == 1);
}

TEST_CASE("the deadline holds, however slowly the answer comes") {
  std::string beginning;
  std::string drop;
  SUBCASE("not at all") {}
  SUBCASE("headers, byte by byte") {
    beginning = "HTTP/1.1 200 OK\r\nX: ";
    drop = "a";
  }
  SUBCASE("header after header") {
    beginning = "HTTP/1.1 200 OK\r\n";
    drop = "X: a\r\n";
  }
  SUBCASE("a first line") {
    beginning = "HTTP/1.1 ";
    drop = "2";
  }
  SUBCASE("a body without a length") {
    beginning = "HTTP/1.1 200 OK\r\n\r\n";
    drop = "a";
  }
  SUBCASE("a body with a length") {
    beginning = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    drop = "a";
  }
  SUBCASE("chunk by chunk") {
    beginning = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    drop = "1\r\na\r\n";
  }
  SUBCASE("one 'continue' after another") { drop = "HTTP/1.1 100 Continue\r\n\r\n"; }
  Server server([&](Peer& peer) {
    peer.request();
    peer.send(beginning);
    while (!drop.empty() && !peer.gone_within(5ms) && peer.send(drop)) continue;
    peer.wait_until_gone();
  });
  const auto client = client_for(server.options());
  check_late(timed(*client, get(kShort)));
}

TEST_CASE("the deadline holds for a body that nobody reads") {
  Server server([](Peer& peer) { peer.ignore(); });
  const auto client = client_for(server.options());
  check_late(timed(*client, post(8 << 20, kShort)));
}

TEST_CASE("the deadline holds while nobody accepts") {
  // A full backlog: connections are neither taken nor refused.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  int waiting[4];
  for (int& socket : waiting) {
    socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)::connect(socket, reinterpret_cast<sockaddr*>(&address), size);
  }
  const auto client = client_for({.origin = {.tls = false, .host = "127.0.0.1", .port = ntohs(address.sin_port)}});
  const Timed late = timed(*client, get(kShort));
  CHECK(!late.outcome.ok);
  CHECK(late.outcome.stage == Stage::connect);
  CHECK(late.took >= kShort);
  CHECK(late.took < kMargin);
  for (const int socket : waiting) ::close(socket);
  ::close(listener);
}

TEST_CASE("an answer is taken up to its limit and not a byte beyond") {
  constexpr std::int64_t kMost = 100'000;
  const std::string fits(kMost, 'a');
  const std::string more(kMost + 1, 'a');
  CHECK(answer_to(ok_with(fits), get(kLong, kMost)).response.body == fits);
  CHECK(answer_to("HTTP/1.1 200 OK\r\n\r\n" + fits, get(kLong, kMost)).response.body == fits);
  for (const std::string& bytes :
       {ok_with(more), "HTTP/1.1 200 OK\r\n\r\n" + more,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n" + more + "\r\n0\r\n\r\n"}) {
    const HttpOutcome outcome = answer_to(bytes, get(kLong, kMost));
    CHECK(!outcome.ok);
    CHECK(outcome.stage == Stage::exchange);
    CHECK(outcome.what == "the answer is larger than 100000 bytes");
  }
}

TEST_CASE("an answer without an end is ended at the limit") {
  std::string beginning;
  std::string piece(60'000, 'a');
  SUBCASE("of the body") { beginning = "HTTP/1.1 200 OK\r\n\r\n"; }
  SUBCASE("of a body said to be huge") {
    beginning = "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n";
  }
  SUBCASE("of the length of a chunk") {
    beginning = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    piece = std::string(60'000, '0');
  }
  SUBCASE("of one header") { beginning = "HTTP/1.1 200 OK\r\nX: "; }
  SUBCASE("of all headers") {
    beginning = "HTTP/1.1 200 OK\r\n";
    piece = "X: y\r\nX: z\r\n";
  }
  SUBCASE("of the first line") { beginning = "HTTP/1.1 200 "; }
  SUBCASE("of something that is no HTTP") {}
  Server server([&](Peer& peer) {
    peer.request();
    peer.send(beginning);
    while (peer.send(piece)) continue;
  });
  const auto client = client_for(server.options());
  const Timed ended = timed(*client, get(kLong, 1 << 20));
  CHECK(!ended.outcome.ok);
  CHECK(ended.outcome.stage == Stage::exchange);
  CHECK(ended.outcome.what.find("no answer within") == std::string::npos);
  CHECK(ended.took < kLong);
}

TEST_CASE("compressed answers are unpacked") {
  for (const std::size_t size : {std::size_t{1}, std::size_t{16'383}, std::size_t{16'385}, std::size_t{1'000'000}}) {
    const HttpOutcome outcome = answer_to(ok_with(gzip_of_zeros(size), "Content-Encoding: gzip\r\n"));
    REQUIRE(outcome.ok);
    CHECK(outcome.response.body == std::string(size, '0'));
  }
}

TEST_CASE("a gzip bomb ends at the limit of the unpacked answer") {
  const std::string bomb = gzip_of_zeros(200 << 20);
  CHECK(bomb.size() < 300'000);
  const HttpOutcome outcome = answer_to(ok_with(bomb, "Content-Encoding: gzip\r\n"));
  CHECK(!outcome.ok);
  CHECK(outcome.what == "the answer is larger than 1048576 bytes");
}

TEST_CASE("a compressed answer that is cut or damaged is none") {
  const std::string whole = gzip_of_zeros(100'000);
  const HttpOutcome cut = answer_to(ok_with(whole.substr(0, whole.size() - 5), "Content-Encoding: gzip\r\n"));
  CHECK(!cut.ok);
  CHECK(cut.what == "the compressed answer is cut short");
  const HttpOutcome damaged = answer_to(ok_with("not gzip at all", "Content-Encoding: gzip\r\n"));
  CHECK(!damaged.ok);
  CHECK(damaged.what == "the compressed answer is damaged");
  const HttpOutcome strange = answer_to(ok_with("?", "Content-Encoding: br\r\n"));
  CHECK(!strange.ok);
  CHECK(strange.what == "the answer has an encoding that was not asked for");
}

TEST_CASE("an answer that is cut off is none") {
  for (const char* bytes :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123456789",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    INFO(bytes);
    const HttpOutcome outcome = answer_to(bytes);
    CHECK(!outcome.ok);
    CHECK(outcome.stage == Stage::exchange);
    CHECK(outcome.what == "the connection was closed before the answer was complete");
  }
}

TEST_CASE("what is no HTTP is no answer") {
  for (const char* bytes : {"hello\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n\r\n",
                            "HTTP/1.1 20 OK\r\n\r\n"}) {
    INFO(bytes);
    const HttpOutcome outcome = answer_to(bytes);
    CHECK(!outcome.ok);
    CHECK(outcome.stage == Stage::exchange);
  }
}

TEST_CASE("a redirect is an answer like any other: nobody goes there") {
  Server elsewhere([](Peer& peer) {
    peer.request();
    peer.send(ok_with("stolen"));
  });
  for (const char* status : {"301", "302", "303", "307", "308"}) {
    HttpRequest request = post(3);
    request.headers = {{"Authorization", "Bearer secret"}};
    const HttpOutcome outcome = answer_to("HTTP/1.1 " + std::string(status) + " Moved\r\nLocation: http://127.0.0.1:" +
                                              std::to_string(elsewhere.port()) + "/\r\nContent-Length: 0\r\n\r\n",
                                          request);
    REQUIRE(outcome.ok);
    CHECK(outcome.response.status == std::stoi(status));
  }
  CHECK(elsewhere.connections() == 0);
}

TEST_CASE("answers that never have a body do not wait for one") {
  for (const int status : {204, 304}) {
    Server server([status](Peer& peer) {
      peer.request();
      peer.send("HTTP/1.1 " + std::to_string(status) + " X\r\nX-Seen: yes\r\n\r\n");
      peer.wait_until_gone();
    });
    const auto client = client_for(server.options());
    const Timed answer = timed(*client, get());
    REQUIRE(answer.outcome.ok);
    CHECK(answer.outcome.response.status == status);
    CHECK(answer.outcome.response.header("X-Seen") == "yes");
    CHECK(answer.outcome.response.body.empty());
    CHECK(answer.took < kMargin);
  }
}

TEST_CASE("a refusal that comes before the whole body was read is heard") {
  Server server([](Peer& peer) {
    peer.gone_within(kLong);  // until the first byte of the request
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    peer.ignore();
  });
  const auto client = client_for(server.options());
  const Timed answer = timed(*client, post(8 << 20));
  REQUIRE(answer.outcome.ok);
  CHECK(answer.outcome.response.status == 413);
  CHECK(answer.took < kMargin);
}

TEST_CASE("a peer that resets the connection kills nobody") {
  std::signal(SIGPIPE, SIG_DFL);
  Server server([](Peer& peer) {
    peer.gone_within(kLong);
    peer.reset();
  });
  const auto client = client_for(server.options());
  for (int i = 0; i < 3; ++i) {
    const HttpOutcome outcome = client->perform(post(8 << 20));
    CHECK(!outcome.ok);
    CHECK(outcome.stage == Stage::exchange);
  }
}

TEST_CASE("a refused connection and an unknown name say so") {
  int port = 0;
  {
    Server gone([](Peer&) {});
    port = gone.port();
  }
  const auto client = client_for({.origin = {.tls = false, .host = "127.0.0.1", .port = port}});
  const HttpOutcome refused = client->perform(get());
  CHECK(!refused.ok);
  CHECK(refused.stage == Stage::connect);
  CHECK(refused.what == "no connection to 127.0.0.1:" + std::to_string(port) + ": Connection refused");

  const auto nowhere = client_for({.origin = {.tls = false, .host = "no-such-host.invalid", .port = 80}});
  const Timed unknown = timed(*nowhere, get(kShort));
  CHECK(!unknown.outcome.ok);
  CHECK(unknown.outcome.stage == Stage::connect);
  CHECK(unknown.outcome.what.find("no-such-host.invalid") != std::string::npos);
  CHECK(unknown.took < kMargin);
}

TEST_CASE("a name with several addresses is tried until one answers") {
  Server server([](Peer& peer) {
    peer.request();
    peer.send(ok_with("yes"));
  });
  ClientOptions options = server.options();
  options.origin.host = "localhost";
  CHECK(client_for(options)->perform(get()).ok);
}

TEST_CASE("a peer without TLS is found out") {
  Server server([](Peer& peer) {
    peer.gone_within(kLong);
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  ClientOptions options = server.options();
  options.origin.tls = true;
  const HttpOutcome outcome = client_for(options)->perform(get());
  CHECK(!outcome.ok);
  CHECK(outcome.stage == Stage::tls);
  CHECK(!outcome.what.empty());
}

TEST_CASE("a TLS handshake that never ends is ended by the deadline") {
  Server server([](Peer& peer) { peer.wait_until_gone(); });
  ClientOptions options = server.options();
  options.origin.tls = true;
  const auto client = client_for(options);
  const Timed late = timed(*client, get(kShort));
  CHECK(!late.outcome.ok);
  CHECK(late.outcome.stage == Stage::tls);
  CHECK(late.took >= kShort);
  CHECK(late.took < kMargin);
}

TEST_CASE("certificates that cannot be read are named") {
  Server server([](Peer& peer) { peer.wait_until_gone(); });
  ClientOptions options = server.options();
  options.origin.tls = true;
  options.ca_file = "/nonexistent/ca.pem";
  const HttpOutcome outcome = client_for(options)->perform(get());
  CHECK(!outcome.ok);
  CHECK(outcome.stage == Stage::tls);
  CHECK(outcome.what == "no certificates could be read from /nonexistent/ca.pem");
}

TEST_CASE("cancelling ends the request in flight, and every later one at once") {
  std::atomic<HttpClient*> to_cancel = nullptr;
  auto server = std::make_unique<Server>([&to_cancel](Peer& peer) {
    peer.request();
    to_cancel.load()->cancel();  // from the server's thread, while the client waits for its answer
    peer.wait_until_gone();
  });
  const auto client = client_for(server->options());
  to_cancel = client.get();
  for (int i = 0; i < 3; ++i) {
    const Timed cancelled = timed(*client, get());
    CHECK(!cancelled.outcome.ok);
    CHECK(cancelled.outcome.what == "given up on request");
    CHECK(cancelled.took < kMargin);
  }
  CHECK(server->connections() == 1);
  server.reset();  // its thread may still be on its way out of cancel()
}

TEST_CASE("what would be a second request is not sent") {
  Server server([](Peer& peer) {
    peer.request();
    peer.send(ok_with("yes"));
  });
  const auto client = client_for(server.options());
  HttpRequest request = get();
  SUBCASE("in a header") { request.headers = {{"Authorization", "Bearer a\r\nX: y"}}; }
  SUBCASE("in a header's name") { request.headers = {{"A b", "c"}}; }
  SUBCASE("in the path") { request.path = "/ HTTP/1.1\r\nX: y"; }
  SUBCASE("in a path that is none") { request.path = "x"; }
  SUBCASE("in the method") { request.method = "GET /"; }
  const HttpOutcome outcome = client->perform(request);
  CHECK(!outcome.ok);
  CHECK(outcome.what.find("Bearer") == std::string::npos);
  CHECK(server.connections() == 0);
}

TEST_CASE("a plain request through a proxy names its target") {
  Seen seen;
  Server proxy([&seen](Peer& peer) {
    seen = peer.request();
    peer.send(ok_with("yes"));
  });
  const auto client = client_for({.origin = {.tls = false, .host = "metrics.example.com", .port = 8080},
                                  .proxy = "http://127.0.0.1:" + std::to_string(proxy.port())});
  CHECK(client->perform(get()).ok);
  CHECK(seen.text().starts_with("GET http://metrics.example.com:8080/ HTTP/1.1\r\n"));
}

TEST_CASE("TLS through a proxy asks for a tunnel, and tells when there is none") {
  struct Row {
    const char* answer;
    Stage stage;
    const char* what;
  };
  for (const Row& row :
       {Row{"HTTP/1.1 407 Who\r\n\r\n", Stage::connect, "the proxy asks for credentials"},
        Row{"HTTP/1.1 403 No\r\n\r\n", Stage::connect, "the proxy refuses: HTTP 403"},
        Row{"hello there, good friend\r\n\r\n", Stage::connect, "the proxy refuses: HTTP without a status"},
        Row{"", Stage::connect, "the proxy gave no proper answer"}}) {
    Seen seen;
    Server proxy([&](Peer& peer) {
      seen = peer.request();
      peer.send(row.answer);
    });
    const auto client = client_for({.origin = {.tls = true, .host = "metrics.example.com", .port = 443},
                                    .proxy = "http://127.0.0.1:" + std::to_string(proxy.port())});
    HttpRequest request = get();
    request.headers = {{"Authorization", "Bearer secret"}};
    const HttpOutcome outcome = client->perform(request);
    CHECK(!outcome.ok);
    CHECK(outcome.stage == row.stage);
    CHECK(outcome.what == row.what);
    CHECK(seen.text() == "CONNECT metrics.example.com:443 HTTP/1.1\r\nHost: metrics.example.com:443\r\n\r\n");
  }
}

TEST_CASE("behind a proxy's tunnel TLS is verified as ever") {
  Server proxy([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
    peer.gone_within(kLong);
    peer.send("this is no handshake");
  });
  const auto client = client_for({.origin = {.tls = true, .host = "metrics.example.com", .port = 443},
                                  .proxy = "http://127.0.0.1:" + std::to_string(proxy.port())});
  const HttpOutcome outcome = client->perform(get());
  CHECK(!outcome.ok);
  CHECK(outcome.stage == Stage::tls);
}

TEST_CASE("a proxy that is none is named") {
  for (const char* proxy : {"nonsense", "https://127.0.0.1:1", "http://user:secret@127.0.0.1:1"}) {
    const auto client =
        client_for({.origin = {.tls = true, .host = "metrics.example.com", .port = 443}, .proxy = proxy});
    const HttpOutcome outcome = client->perform(get());
    CHECK(!outcome.ok);
    CHECK(outcome.stage == Stage::connect);
    CHECK(outcome.what.find("proxy") != std::string::npos);
    CHECK(outcome.what.find("secret") == std::string::npos);
  }
}
