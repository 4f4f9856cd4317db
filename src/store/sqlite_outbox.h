// sync::Outbox in SQLite, and what a person may ask of the queue.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "database.h"
#include "fortium/base/entropy.h"
#include "fortium/sync/outbox.h"

namespace fortium::store {

// Where records are to go. `credential` tells accounts apart where no organization is named: a fingerprint of the key.
struct Destination {
  std::string url;  // empty: the setting was not usable when the records were made
  std::string organization;
  std::string credential;

  bool operator==(const Destination&) const = default;
};

// The lane of a destination, made if it is new; kNoLane for an empty one.
Result<std::int64_t> lane_of(Database& database, const Destination& destination);

class SqliteOutbox final : public sync::Outbox {
 public:
  // `owner` is told apart from other processes by pid and start time, so that a dead one's lease is free at once.
  SqliteOutbox(Database& database, std::int64_t lane, Entropy& entropy, bool keep_delivered = true);

  Result<bool> lease(WallTime now, WallTime until) override;
  Result<void> release() override;
  Result<std::vector<sync::Waiting>> peek(const sync::BatchLimits& limits, std::int64_t after) override;
  Result<void> settle(std::span<const sync::Outcome> outcomes, WallTime now) override;
  Result<std::int64_t> waiting() override;
  Result<bool> others_wrote() override;
  Result<sync::LaneState> state() override;
  Result<void> save(const sync::LaneState& state) override;

 private:
  struct Seen {
    std::string id;
    std::size_t kind;
    std::int64_t since;
    int attempts;
  };

  Result<void> prepare();
  Result<void> settle_one(const sync::Outcome& outcome, const Seen& seen);

  Database& database_;
  const std::int64_t lane_;
  const std::string owner_;
  const bool keep_delivered_;
  // Rows handed out: places are used again after their row is gone, so a row is settled by place and id.
  std::unordered_map<std::int64_t, Seen> seen_;
  std::optional<std::int64_t> version_;        // of the data, as SQLite counts what others commit
  std::vector<Statement> find_, drop_, thin_;  // by kind
  Statement peek_, leave_, set_aside_, count_, remember_;
};

// One row of `queue list`.
struct QueueEntry {
  std::string id;
  std::string kind;
  std::string state;  // pending, leased, failed
  int attempts = 0;
  WallTime since{};
  std::string reason;  // for failed
};

struct QueueCounts {
  std::int64_t pending = 0;        // for this lane
  std::int64_t leased = 0;         // of them, in the hands of a sender
  std::int64_t failed = 0;         // set aside, all lanes
  std::int64_t elsewhere = 0;      // waiting for another destination
  std::int64_t unassigned = 0;     // recorded with no account at all
  std::optional<WallTime> oldest;  // when the first in line was recorded
};

// However much waits, nothing is counted: the store keeps the numbers.
Result<QueueCounts> count_queue(Database& database, std::int64_t lane, WallTime now);
// Oldest first; `after` is the last entry's cursor of the page before.
struct QueuePage {
  std::vector<QueueEntry> entries;
  std::optional<std::string> next_cursor;
};
Result<QueuePage> list_queue(Database& database, bool failed_only, std::int64_t limit, std::string_view cursor,
                             WallTime now);
// Back to the end of their lanes; the number moved. No ids: all.
Result<std::int64_t> retry_set_aside(Database& database, std::span<const std::string> ids);
// Out of the queue for good, waiting or set aside; the records stay in the store. The number dropped.
Result<std::int64_t> drop_queued(Database& database, std::span<const std::string> ids);
// Records made with no account go to `lane`; the number moved.
Result<std::int64_t> adopt_unassigned(Database& database, std::int64_t lane);
// Records whose destination had no usable URL when they were made go to the lane of the same account that has one.
Result<void> mend_lanes(Database& database, std::int64_t lane, const Destination& destination);

}  // namespace fortium::store
