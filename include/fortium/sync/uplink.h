// The other end, as the engine sees it: a batch goes out, and what came back is classified.
//
// The engine knows no HTTP; the uplink knows no queue. One instance belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/sync/outbox.h"

namespace fortium::sync {

// What an answer means for the whole batch. Interface, section 5.
enum class Verdict {
  receipt,        // a well-formed answer to this very batch: `outcomes` tell of each record
  retry,          // not now: back off (transport, 408, 425, 429, 5xx, unknown codes, an answer that is no receipt)
  too_large,      // 413: halve the batch and remember
  bad_record,     // 400, 422: one of them, or the batch, is not acceptable
  plain,          // 415 to a compressed body: send it plain, and remember
  unauthorized,   // 401, 403
  misconfigured,  // 404, 405, 410: not the address of such a service
};

enum class RecordVerdict { accepted, duplicate, rejected, retry };

struct RecordOutcome {
  std::string id;
  RecordVerdict verdict = RecordVerdict::retry;
  std::string reason;  // "code: message" for rejected
};

struct Reply {
  Verdict verdict = Verdict::retry;
  std::vector<RecordOutcome> outcomes;  // for Verdict::receipt; a record that is not named stays queued
  std::string message;                  // for people: status and the service's words, redacted
  std::optional<Millis> retry_after;    // from the end of the request
  Millis took{0};                       // from its begin to its end
  std::int64_t max_records = 0;         // as advertised in this answer; 0: not
  std::int64_t max_body_bytes = 0;
  bool unreachable = false;  // nobody answered like a service (exit code 4)
  bool rate_limited = false;
};

struct Capabilities {
  std::string service;
  std::string version;
  std::string organization_id;
  std::string organization_name;
  std::vector<std::string> scopes;
  std::vector<std::string> features;
  std::optional<WallTime> server_time;
  std::int64_t max_records = 0;
  std::int64_t max_body_bytes = 0;
  bool gzip = false;
};

struct Batch {
  std::string id;
  std::span<const Waiting> records;
  bool gzip = false;
};

class Uplink {
 public:
  virtual ~Uplink() = default;
  virtual Reply send(const Batch& batch) = 0;
  // `reply` is how it went; the value is there only when the service knows the end point. Verdict::retry: ask again
  // later, nothing is known. Any other verdict without a value: there is no such end point for us, go on without it.
  virtual std::optional<Capabilities> capabilities(Reply& reply) = 0;
};

}  // namespace fortium::sync
