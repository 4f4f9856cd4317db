// What an answer of the service means: the one table of status codes, and the rules of a receipt.
//
// Whatever is not a well-formed receipt for this very batch delivers nothing. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/secret.h"
#include "fortium/net/http.h"
#include "fortium/sync/uplink.h"

namespace fortium::net {

constexpr std::size_t kMostWords = 200;  // bytes of what the service said that are shown

struct Meaning {
  sync::Verdict verdict = sync::Verdict::retry;
  bool unreachable = false;  // nobody answered like a service
  bool rate_limited = false;
  bool heeds_retry_after = false;
};

// `compressed`: the body of the request was. Verdict::receipt: read on, the status alone delivers nothing.
Meaning meaning_of(int status, bool compressed);

// Seconds or an HTTP date (RFC 9110); anything else, nought and the past are no answer. `now` is the time of the
// answer.
std::optional<Millis> parse_retry_after(std::string_view value, WallTime now);
std::optional<WallTime> parse_http_date(std::string_view value);

// "HTTP 503: try later", with what the service said redacted, on one line and cut.
std::string in_words(const HttpResponse& response, const Secret& key);

// Fills in outcomes and limits, or says why the body is no receipt of this batch.
Result<void> read_receipt(std::string_view body, const sync::Batch& batch, const Secret& key, sync::Reply& reply);

// Of a receipt whose batch is not at hand: what it says of each record that it names by an id.
Result<std::vector<sync::RecordOutcome>> read_outcomes(std::string_view body, const Secret& key);

// All of the above.
sync::Reply read_answer(const HttpResponse& response, const sync::Batch& batch, bool compressed, const Secret& key,
                        WallTime now);

// The places of the batch's records in the order of its body: by kind, then as given.
std::vector<std::size_t> body_order(const sync::Batch& batch);

}  // namespace fortium::net
