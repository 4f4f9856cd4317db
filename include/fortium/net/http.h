// One HTTP request. The port behind which the HTTP library is; loaded when it is first needed, because its loading
// costs more than everything else at start.
//
// A client keeps its connection between requests to one origin. It follows no redirect, verifies TLS always (1.2 or
// newer), and ends by the total deadline whatever the peer does. Nothing of a request or answer is logged. One instance
// belongs to one thread, except cancel(), which any thread may call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"

namespace fortium::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string path;  // with query, from "/"
  Headers headers;
  std::string body;
  Millis deadline{30'000};                   // from begin to end of the answer, connection included
  std::int64_t max_answer_bytes = 64 << 20;  // of the body, decompressed
};

struct HttpResponse {
  int status = 0;
  Headers headers;
  std::string body;

  // The first header of that name, in any case; empty if there is none.
  std::string_view header(std::string_view name) const;
};

// Where it stopped, for `test-connection`.
enum class Stage { connect, tls, exchange };

struct HttpOutcome {
  bool ok = false;
  HttpResponse response;         // when ok
  Stage stage = Stage::connect;  // when not
  std::string what;              // when not: for people
};

struct Origin {
  bool tls = true;
  std::string host;
  int port = 443;
  std::string base_path;  // "" or "/prefix", without a slash at its end

  bool operator==(const Origin&) const = default;
};

// "https://host[:port][/path]" or "http://…". No user, query or fragment: those are refused, as they would be sent or
// shown by accident.
Result<Origin> parse_url(std::string_view url);
bool is_loopback(std::string_view host);

struct ClientOptions {
  Origin origin;
  std::string ca_file;  // extra trust anchors; empty: the system's only
  std::string proxy;    // "http://host:port"; empty: none
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual HttpOutcome perform(const HttpRequest& request) = 0;
  // Ends a request in flight soon, and every later one at once.
  virtual void cancel() = 0;
};

// The real one, from the module beside the program. An error names the file that could not be loaded.
Result<std::unique_ptr<HttpClient>> make_client(const ClientOptions& options);

}  // namespace fortium::net
