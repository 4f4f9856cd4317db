// The HTTP client: httplib's framing over our own transport. The only file that includes <httplib.h>; it is compiled
// into the module net.so, which is loaded when the first request is made.
//
// Of httplib 0.11.4 only the framing is used. Its sockets have no deadline over all, its connections die of SIGPIPE,
// its lines may grow without end, and its decompression loses bytes; so these are ours (module/).
#include <httplib.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "client_abi.h"
#include "fortium/net/http.h"
#include "module/inflate.h"
#include "module/transport.h"
#include "module/wait.h"

namespace fortium::net {

namespace {

constexpr int kAttempts = 2;  // the second one for a kept connection that the peer had given up meanwhile

class WireStream final : public httplib::Stream {
 public:
  explicit WireStream(Transport& transport) : transport_(transport) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* out, size_t size) override { return transport_.read(out, size); }
  ssize_t write(const char* data, size_t size) override { return transport_.write(data, size); }
  void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  socket_t socket() const override { return transport_.socket(); }

 private:
  Transport& transport_;
};

class Framing final : public httplib::ClientImpl {
 public:
  Framing(const Origin& origin, Transport& transport) : ClientImpl(origin.host, origin.port), transport_(transport) {
    set_keep_alive(true);
    set_follow_location(false);
    set_decompress(false);
    set_url_encode(false);
  }
  ~Framing() override { transport_.forget(); }  // while there is still a socket to say goodbye on

 private:
  bool create_and_connect_socket(Socket& socket, httplib::Error& error) override {
    const int opened = transport_.open();
    if (opened < 0) error = httplib::Error::Connection;
    socket.sock = opened;
    return opened >= 0;
  }
  void shutdown_ssl(Socket& /*socket*/, bool /*gracefully*/) override { transport_.forget(); }
  bool process_socket(const Socket& /*socket*/, std::function<bool(httplib::Stream&)> callback) override {
    WireStream stream(transport_);
    return callback(stream);
  }

  Transport& transport_;
};

HttpOutcome failed(Stage stage, std::string what) { return {.ok = false, .stage = stage, .what = std::move(what)}; }

// A line break in any of them would be a second request.
bool is_clean(const HttpRequest& request) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7F; };
  const auto value = [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7F); };
  if (!std::ranges::all_of(request.method, plain) || request.method.empty()) return false;
  if (!std::ranges::all_of(request.path, plain) || !request.path.starts_with('/')) return false;
  return std::ranges::all_of(request.headers, [&](const auto& header) {
    return !header.first.empty() && std::ranges::all_of(header.first, plain) &&
           std::ranges::all_of(header.second, value);
  });
}

std::string host_header(const Origin& origin) {
  const std::string host = origin.host.find(':') == std::string::npos ? origin.host : "[" + origin.host + "]";
  return origin.port == (origin.tls ? 443 : 80) ? host : host + ":" + std::to_string(origin.port);
}

// The body of one answer as it comes in.
class Body {
 public:
  explicit Body(std::int64_t most) : most_(most) {}

  // By the headers. False: not an encoding that we asked for.
  bool expect(std::string encoding) {
    std::ranges::transform(encoding, encoding.begin(), [](unsigned char c) { return std::tolower(c); });
    if (encoding.empty() || encoding == "identity") return true;
    if (encoding != "gzip" && encoding != "x-gzip" && encoding != "deflate") {
      what_ = "the answer has an encoding that was not asked for";
      return false;
    }
    inflate_ = std::make_unique<Inflate>();
    return true;
  }
  bool take(std::string_view bytes) {
    Inflate::Fed fed = Inflate::Fed::fine;
    if (inflate_ != nullptr)
      fed = inflate_->feed(bytes, text_, most_);
    else if (static_cast<std::int64_t>(text_.size() + bytes.size()) > most_)
      fed = Inflate::Fed::too_large;
    else
      text_ += bytes;
    if (fed == Inflate::Fed::too_large) what_ = "the answer is larger than " + std::to_string(most_) + " bytes";
    if (fed == Inflate::Fed::damaged) what_ = "the compressed answer is damaged";
    return fed == Inflate::Fed::fine;
  }
  bool whole() {
    if (inflate_ == nullptr || inflate_->whole()) return true;
    what_ = "the compressed answer is cut short";
    return false;
  }
  const std::string& what() const { return what_; }
  std::string& text() { return text_; }

 private:
  const std::int64_t most_;
  std::unique_ptr<Inflate> inflate_;
  std::string text_;
  std::string what_;
};

class HttplibClient final : public HttpClient {
 public:
  explicit HttplibClient(const ClientOptions& options)
      : options_(options), transport_(options), framing_(options.origin, transport_) {}

  HttpOutcome perform(const HttpRequest& request) override {
    try {
      return attempt(request);
    } catch (const std::exception& thrown) {  // httplib's and the library's stop here
      framing_.stop();
      return failed(Stage::exchange, std::string("the request could not be made: ") + thrown.what());
    }
  }
  void cancel() override { transport_.cancel(); }

 private:
  HttpOutcome attempt(const HttpRequest& request) {
    if (!is_clean(request))
      return failed(Stage::exchange, "a header or the path holds characters that HTTP does not allow");
    const SteadyTime begin = steady_now();
    for (int i = 1;; ++i) {
      const auto spent = std::chrono::duration_cast<Millis>(steady_now() - begin);
      transport_.begin(request.deadline - spent, request.max_answer_bytes);
      HttpOutcome outcome = exchange(request);
      if (!transport_.reusable()) framing_.stop();
      const bool stale = !outcome.ok && !transport_.opened() && !transport_.answered() && transport_.ended();
      if (!stale || i == kAttempts) return outcome;
    }
  }

  HttpOutcome exchange(const HttpRequest& asked) {
    httplib::Request request;
    request.method = asked.method;
    request.path = options_.proxy.empty() || options_.origin.tls
                       ? asked.path
                       : "http://" + host_header(options_.origin) + asked.path;
    for (const auto& [name, value] : asked.headers) request.headers.emplace(name, value);
    request.headers.emplace("Host", host_header(options_.origin));
    request.headers.emplace("Accept-Encoding", "gzip");
    request.body = asked.body;

    Body body(asked.max_answer_bytes);
    httplib::Response seen;
    bool bodiless = false;
    request.response_handler = [&](const httplib::Response& response) {
      transport_.headers_done();
      seen = response;
      // httplib would wait for the body of an answer that never has one.
      bodiless = response.status == 304 || response.status < 200;
      return !bodiless && body.expect(response.get_header_value("Content-Encoding"));
    };
    request.content_receiver = [&](const char* data, size_t size, std::uint64_t /*at*/, std::uint64_t /*of*/) {
      return body.take({data, size});
    };

    httplib::Response response;
    auto error = httplib::Error::Success;
    const bool done = framing_.send(request, response, error);
    if (done && response.status == 204) seen = response;  // this one has no body, so nobody was asked
    return judge(done || bodiless, error, seen, body);
  }

  HttpOutcome judge(bool done, httplib::Error error, httplib::Response& seen, Body& body) {
    if (const auto& trouble = transport_.trouble()) return failed(trouble->stage, trouble->what);
    if (!body.what().empty()) return failed(Stage::exchange, body.what());
    if (!done) {
      if (transport_.ended())
        return failed(Stage::exchange, "the connection was closed before the answer was complete");
      if (error == httplib::Error::Connection) return failed(Stage::connect, "no connection");
      return failed(Stage::exchange, "what came back is not an HTTP answer");
    }
    if (!body.whole()) return failed(Stage::exchange, body.what());
    if (!options_.proxy.empty() && seen.status == 407) return failed(Stage::connect, "the proxy asks for credentials");
    HttpOutcome outcome{.ok = true};
    outcome.response.status = seen.status;
    outcome.response.body = std::move(body.text());
    for (auto& [name, value] : seen.headers) outcome.response.headers.emplace_back(name, value);
    return outcome;
  }

  const ClientOptions options_;
  Transport transport_;
  Framing framing_;
};

}  // namespace

}  // namespace fortium::net

extern "C" {

fortium::net::HttpClient* fortium_make_http_client(const fortium::net::ClientOptions* options) noexcept {
  try {
    return new fortium::net::HttplibClient(*options);
  } catch (...) {
    return nullptr;  // no memory, no descriptor
  }
}

const char* fortium_net_version() noexcept { return FORTIUM_VERSION; }

}  // extern "C"
