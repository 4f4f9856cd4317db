// The service over HTTP: renders a batch, posts it, and has the answer classified (receipt.h).
//
// The key goes into one header and nowhere else. One instance belongs to one thread; the client is kept alive by the
// caller.
#pragma once

#include <string>

#include "fortium/base/clock.h"
#include "fortium/base/secret.h"
#include "fortium/net/http.h"
#include "fortium/sync/uplink.h"

namespace fortium::net {

constexpr std::size_t kGzipFrom = 1024;              // bytes of a body; smaller ones go plain
constexpr std::int64_t kMostAnswerBytes = 16 << 20;  // a line for each of 1000 records, and ample room
constexpr std::int64_t kMostCapabilitiesBytes = 1 << 20;

struct UplinkOptions {
  Origin origin;
  Secret api_key;
  std::string organization_id;  // may be empty
  std::string device_id;
  std::string user_agent;
  Millis timeout{30'000};
};

// The body of a batch, as in interface section 5; the records are spliced in as they were accepted.
std::string render_batch(const sync::Batch& batch, std::string_view device_id, WallTime sent_at);
// What every request to the service carries.
HttpRequest authorized_request(const UplinkOptions& options, std::string_view method, std::string_view path);
// RFC 1952; empty if there is no memory for it.
std::string gzip(std::string_view text);

class HttpUplink final : public sync::Uplink {
 public:
  HttpUplink(HttpClient& client, UplinkOptions options, const Clock& clock);
  HttpUplink(const HttpUplink&) = delete;
  HttpUplink& operator=(const HttpUplink&) = delete;

  sync::Reply send(const sync::Batch& batch) override;
  std::optional<sync::Capabilities> capabilities(sync::Reply& reply) override;

 private:
  HttpClient& client_;
  const UplinkOptions options_;
  const Clock& clock_;
};

}  // namespace fortium::net
