// The sockets: HTTP/1.1 with keep-alive, one request of a connection at a time, everything bounded in size and time.
//
// A few event loops own all connections, so thousands of idle ones cost memory and no thread; a small pool runs the
// handler, so that no socket waits for a disk. Boost stays behind this header.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http.h"
#include "service/limits.h"

namespace fortium::service {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::size_t max_connections = kMaxConnections;
  std::size_t body_limit = kMaxBodyBytes;
  Millis request_time = kRequestTime;
  Millis idle_time = kIdleTime;
  Millis stop_delay{0};  // of going on as before when told to stop, but for EdgeCounts::stopping
  Millis stop_time = kStopTime;
  std::vector<std::string> trusted_proxies = {};  // addresses and ranges of them
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:0": into address and port; or why not.
Result<void> read_listen(std::string_view text, ServerOptions& options);

class HttpServer {
 public:
  // Binds and listens; nobody is served yet.
  static Result<std::unique_ptr<HttpServer>> listen(const ServerOptions& options, Handler& handler);
  ~HttpServer();

  std::string url() const;  // with the port that was bound
  bool loopback() const;
  // Serves until SIGTERM, SIGINT or stop(): then takes no more connections, finishes what was begun, and returns.
  void run();
  void stop();  // any thread

 private:
  class Loop;
  explicit HttpServer(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace fortium::service
