// POST /api/v1/metrics/batch: from the bytes of a body to a receipt, with one durable transaction in between.
//
// Nothing is answered as accepted or duplicate that is not on the disk. Any thread.
#pragma once

#include "access.h"
#include "answers.h"
#include "http.h"
#include "rate_limit.h"
#include "tenants.h"

namespace fortium::service {

class Ingest {
 public:
  Ingest(Tenants& tenants, Answers& answers, RateLimit& limit, const Clock& clock)
      : tenants_(tenants), answers_(answers), limit_(limit), clock_(clock) {}

  Response batch(const Request& request, const Credential& who) const;

 private:
  Tenants& tenants_;
  Answers& answers_;
  RateLimit& limit_;
  const Clock& clock_;
};

// What is wrong with the way a body is sent, before it is looked at: 415.
std::optional<Response> refuse_encoding(const Request& request);

}  // namespace fortium::service
