// GET /api/v1/metrics/ledger: what the service has, by day and kind, so that a client can tell what is missing.
//
// With ids, a row that does not fit one answer is begun there and goes on in the next: each part names the row's whole
// count and digest. Any thread.
#pragma once

#include "access.h"
#include "http.h"
#include "tenants.h"

namespace fortium::service {

Response ledger(const Request& request, const Credential& who, Tenants& tenants);

}  // namespace fortium::service
