// From the bytes of a body to records that are on the disk: the one way of every end point that takes records.
//
// Nothing is answered as accepted or duplicate that is not on the disk. Any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "batch.h"
#include "service/access/access.h"
#include "service/access/rate_limit.h"
#include "service/figures.h"
#include "service/http/http.h"
#include "service/store/answers.h"
#include "service/store/records.h"

namespace fortium::service {

// What became of a request that was not refused as a whole.
struct Taken {
  std::optional<std::string> batch_id;
  Checked checked;
  Standing standing;
  WallTime at{};              // of its first answer
  double ms = 0;              // that it took
  std::size_t most_body = 0;  // as in the request
};

class Ingest {
 public:
  Ingest(Depot& depot, Answers& answers, RateLimit& limit, Figures& figures, const Clock& clock)
      : depot_(depot), answers_(answers), limit_(limit), figures_(figures), clock_(clock) {}

  Response batch(const Request& request, const Credential& who) const;

  // What a body of some shape holds, or an answer that needs no record to be kept.
  using Read = std::function<std::variant<Batch, Response>(const Json& json, WallTime now)>;
  // A body in JSON.
  std::variant<Taken, Response> take(const Request& request, const Credential& who, const Read& read) const;
  // What was read by other means from `body`, the plain bytes of this request.
  std::variant<Taken, Response> keep(const Request& request, const Credential& who, std::string_view body,
                                     const Batch& batch, SteadyTime begin) const;
  // A question to the organization's records.
  Result<void> ask(const Credential& who, const std::function<Result<void>(metrics::Reader&)>& work) const;

  Standing charge(const Credential& who) const { return limit_.charge(who.tenant, 1); }
  const Clock& clock() const { return clock_; }

 private:
  std::optional<Response> store(const Request& request, const Credential& who, Checked& checked) const;

  Depot& depot_;
  Answers& answers_;
  RateLimit& limit_;
  Figures& figures_;
  const Clock& clock_;
};

// What is wrong with the way a body is sent, before it is looked at: 415. `protobuf`: it may be that, too.
std::optional<Response> refuse_encoding(const Request& request, bool protobuf);
// The media type of a body, in lower case and without parameters; empty where none is named.
std::string media_type(const Request& request);

// The body as it was before it was packed, or the refusal.
struct Plain {
  std::string unpacked;
  std::string_view text;  // of it, or of the request
};
std::variant<Plain, Response> plain_body(const Request& request);

}  // namespace fortium::service
