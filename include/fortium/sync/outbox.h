// Hands recorded events to one sender at a time, and remembers how sending goes, for all processes that share a store.
//
// A lane is a destination: where records of one URL and organization wait. Records never change lanes by themselves, so
// a changed key or organization never delivers the backlog of another. A lease is a loan of the whole lane: it ends
// when released, when its time is up, or at once when its owner's process is dead. Rows leave the queue only by
// settle(), on the receiver's word about that very row; so a crash at any moment sends twice at worst, and the ids make
// that once. Calls block for at most the store's busy timeout. One instance belongs to one thread; any number of
// processes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"

namespace fortium::sync {

struct Waiting {
  std::int64_t place = 0;  // in the queue; grows
  std::string id;
  std::size_t kind = 0;  // index into metrics::kinds()
  std::string wire;      // exact bytes of the record
  int attempts = 0;
};

// What is to become of one row.
enum class Fate {
  delivered,  // counted by the receiver: leaves the queue
  refused,    // the receiver will never take it: set aside with the reason
  later,      // stays, one attempt more
};

struct Outcome {
  std::int64_t place = 0;
  Fate fate = Fate::later;
  std::string reason;  // the receiver's words, redacted and cut, for refused
};

// Closed: send. Open: wait until `not_before`. Paused: the settings are wrong (credentials, address); wait for a
// changed setting, a person's `sync`, or `not_before`.
enum class Circuit { closed, open, paused };

// How sending to one lane goes; kept in the store, so all processes back off together.
struct LaneState {
  Circuit circuit = Circuit::closed;
  int failures = 0;                    // in a row
  std::optional<WallTime> not_before;  // of the next attempt
  bool retry_after = false;            // not_before was asked for by the service: a person's `sync` waits too
  std::string last_error;              // empty: the last attempt worked
  std::optional<WallTime> last_success;
  std::optional<WallTime> capabilities_at;  // when the service last told what follows
  std::int64_t max_records = 0;             // advertised; 0: unknown
  std::int64_t max_body_bytes = 0;          // advertised, before compression; 0: unknown
  std::int64_t learnt_records = 0;          // learnt from 413; 0: none
  bool gzip = false;                        // the service takes it

  bool operator==(const LaneState&) const = default;
};

struct BatchLimits {
  std::int64_t records = 20;
  std::int64_t bytes = 10 << 20;
};

class Outbox {
 public:
  virtual ~Outbox() = default;

  // True: this process may send until `until`. False: another one may, and lives. Called again, it prolongs.
  virtual Result<bool> lease(WallTime now, WallTime until) = 0;
  virtual Result<void> release() = 0;

  // The oldest rows after `after` that wait in this lane, at least one if any, up to the limits.
  virtual Result<std::vector<Waiting>> peek(const BatchLimits& limits, std::int64_t after = 0) = 0;
  // Each outcome happens or has happened before: settling twice changes nothing.
  virtual Result<void> settle(std::span<const Outcome> outcomes, WallTime now) = 0;
  virtual Result<std::int64_t> waiting() = 0;
  // Whether somebody else has written to the store since this was asked last.
  virtual Result<bool> others_wrote() = 0;

  virtual Result<LaneState> state() = 0;
  virtual Result<void> save(const LaneState& state) = 0;
};

}  // namespace fortium::sync
