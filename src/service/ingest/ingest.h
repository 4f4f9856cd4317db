// POST /api/v1/metrics/batch: from the bytes of a body to a receipt, with one durable transaction in between.
//
// Nothing is answered as accepted or duplicate that is not on the disk. Any thread.
#pragma once

#include "service/access/access.h"
#include "service/access/rate_limit.h"
#include "service/http/http.h"
#include "service/store/answers.h"
#include "service/store/records.h"

namespace fortium::service {

class Ingest {
 public:
  Ingest(Depot& depot, Answers& answers, RateLimit& limit, const Clock& clock)
      : depot_(depot), answers_(answers), limit_(limit), clock_(clock) {}

  Response batch(const Request& request, const Credential& who) const;

 private:
  Depot& depot_;
  Answers& answers_;
  RateLimit& limit_;
  const Clock& clock_;
};

// What is wrong with the way a body is sent, before it is looked at: 415.
std::optional<Response> refuse_encoding(const Request& request);

}  // namespace fortium::service
