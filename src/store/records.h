// The records themselves, as long as they are here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "database.h"
#include "fortium/metrics/event.h"
#include "fortium/metrics/slice.h"

namespace fortium::store {

// The whole records of a kind with since <= timestamp < until, the oldest first, until `take` says no.
Result<void> each_record(Database& database, const metrics::Kind& kind, WallTime since, WallTime until,
                         const std::function<bool(const metrics::Event&)>& take);
// The same in any order of those of one time, with no other fields than slices depend on: half the work.
Result<void> each_sliced(Database& database, const metrics::Kind& kind, WallTime since, WallTime until,
                         const std::function<bool(const metrics::Event&)>& take);
// The newest records of all kinds, the newest first.
Result<std::vector<metrics::Event>> newest_records(Database& database, std::int64_t limit);
// Records by kind, over all days, in the order of metrics::kinds(): from the ledger, so retention does not change it.
Result<std::vector<std::int64_t>> count_records(Database& database);
// What the records with since <= timestamp < until add up to.
Result<metrics::Slicer> slice_records(Database& database, WallTime since, WallTime until, Millis phase);
// When the first of them happened.
Result<std::optional<WallTime>> next_record(Database& database, WallTime since, WallTime until);

}  // namespace fortium::store
