// Age and size of the store: old records go, oldest first, and one that waits to be delivered never does.
#pragma once

#include <cstdint>

#include "database.h"
#include "fortium/base/clock.h"

namespace fortium::store {

struct StoreLimits {
  std::int64_t retention_days = 400;
  std::int64_t max_bytes = 1LL << 30;
};

// In small transactions, so that a recorder waits for milliseconds at most. Roll-ups (the ledger) are kept. Returns the
// bytes in use afterwards.
Result<std::int64_t> keep_retention_and_size(Database& database, WallTime now, const StoreLimits& limits);
// Pages in use, in bytes.
Result<std::int64_t> bytes_in_use(Db& db);

}  // namespace fortium::store
