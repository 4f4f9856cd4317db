#include "service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace bench {

namespace {

using Json = nlohmann::json;

constexpr auto kOrganization = "bench";
constexpr Seconds kStartPatience{20};
constexpr Seconds kBetweenLooks{0.02};

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) throw Failure{"cannot open a socket"};
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// One that nobody listens on now. Somebody could take it before the service does; then the run fails, and says so.
int free_port() {
  const Socket probe;
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(probe.fd(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(probe.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw Failure{"no free port on 127.0.0.1"};
  return ntohs(address.sin_port);
}

bool is_ready(int port) {
  constexpr std::string_view kRequest = "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  const Socket client;
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  setsockopt(client.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = loopback(port);
  if (connect(client.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  if (send(client.fd(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) return false;
  char head[16] = {};
  const ssize_t got = recv(client.fd(), head, sizeof head, MSG_WAITALL);
  return got > 0 && std::string_view(head, static_cast<std::size_t>(got)).find(" 200 ") != std::string_view::npos;
}

std::string make_key(const Bench& bench, const TempDir& dir) {
  output_of(bench.server(dir, {"tenant", "create", kOrganization}));
  const std::string text =
      output_of(bench.server(dir, {"key", "create", "--tenant", kOrganization, "--scope", "ingest,read", "--json"}));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("key") || !json["key"].is_string()) throw Failure{"key create names no key"};
  return json["key"];
}

Command serve(const Bench& bench, const TempDir& dir, int port) {
  // The limit protects a shared service from one organization; here it would be all that is measured.
  constexpr auto kNoLimit = "1000000000";
  Command command = bench.server(dir, {"serve", "--listen", "127.0.0.1:" + std::to_string(port)},
                                 {{"RATE_LIMIT_MAX_REQUESTS", kNoLimit}});
  command.errors = dir.file("server-errors");
  return command;
}

}  // namespace

Service::Service(const Bench& bench, const TempDir& dir)
    : key_(make_key(bench, dir)), port_(free_port()), child_(serve(bench, dir, port_)) {
  wait_until_ready();
}

Service::~Service() {
  try {
    child_.ask_to_end();
    child_.wait();
  } catch (const Failure&) {  // the child's own destructor insists
  }
}

void Service::wait_until_ready() {
  for (const auto begin = Clock::now(); !is_ready(port_); pause_for(kBetweenLooks)) {
    if (!child_.running()) throw child_.failure("serve ended");
    if (Clock::now() - begin > kStartPatience) throw child_.failure("serve is not ready");
  }
}

Bench::Settings Service::client_settings() const {
  return {{"FORTIUM_METRICS_URL", "http://127.0.0.1:" + std::to_string(port_)},
          {"FORTIUM_API_KEY", key_},
          {"FORTIUM_ORG_ID", kOrganization},
          {"FORTIUM_SYNC_INTERVAL", "3600000"}};  // the longest there is: only `sync` sends
}

}  // namespace bench
