// Age and size of the store: old records go, oldest first, and one that waits to be delivered never does.
#pragma once

#include <cstdint>
#include <string_view>

#include "database.h"
#include "fortium/base/clock.h"
#include "fortium/metrics/kind.h"

namespace fortium::store {

struct StoreLimits {
  std::int64_t retention_days = 400;
  std::int64_t max_bytes = 1LL << 30;
};

// In small transactions, so that a recorder waits for milliseconds at most. Roll-ups (the ledger) are kept. Returns the
// bytes in use afterwards.
Result<std::int64_t> keep_retention_and_size(Database& database, WallTime now, const StoreLimits& limits);
// Lets records of a kind go that happened before a time and wait for nobody; what they add up to stays. The number.
Result<std::int64_t> drop_older(Database& database, const metrics::Kind& kind, WallTime before);
// Removes every record of a person, and what they added to sums. Their ids stay, so that none comes back, and so do the
// counts of ids. The number.
Result<std::int64_t> erase_person(Database& database, std::string_view user_id);
// Pages in use, in bytes.
Result<std::int64_t> bytes_in_use(Db& db);

}  // namespace fortium::store
