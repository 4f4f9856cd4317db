// Drains one lane: lease, batch, send, settle, decide when to wake. Deterministic: time comes in, the next wake goes
// out; there is no thread, socket or clock in here.
//
// Policy (interface section 5, reliability section 3): full jitter from 1 s, doubling, at most 15 min; Retry-After is a
// minimum, taken up to 24 h; 401, 403, 404, 405 and 410 pause for 15 min or until a person acts; 413 halves the batch;
// 400 and 422 bisect until the bad record stands alone. A record refused alone is set aside only once another record of
// the same batch was taken: a broken service must not empty the queue. If all of a batch are refused alone (of a large
// batch: kMostTrials of them, picked at random), nothing is set aside and the lane pauses. After a pause or many
// failures a batch of one record goes ahead of the others. Records that the service asks to see later wait without
// holding up the rest. One instance belongs to one thread.
//
// Recording goes first: after a batch during which somebody recorded, the sender rests for several times as long as the
// batch took, so that even with the service on the same disk few of those who record meet it.
//
// Fixed bugs: such records waited for as long as the wall clock had been set back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "fortium/sync/outbox.h"
#include "fortium/sync/uplink.h"

namespace fortium::sync {

constexpr Millis kBackoffFirst{1'000};
constexpr Millis kBackoffMost{15 * 60'000};
constexpr Millis kRetryAfterMost{24 * 3'600'000};
constexpr Millis kPause{15 * 60'000};
constexpr Millis kLeaseTime{60'000};  // longer than the HTTP deadline, so a slow success is settled, not resent
constexpr Millis kCapabilitiesAge{24 * 3'600'000};
constexpr std::int64_t kDefaultBatch = 20;  // where neither setting nor service says otherwise
constexpr std::int64_t kMostBatch = 1000;
constexpr std::int64_t kDefaultBodyBytes = 10 << 20;
constexpr std::int64_t kEnvelopeBytes = 1024;  // of a body, kept free for what is not records
constexpr int kRest = 12;                      // requests' times, when somebody records
constexpr Millis kRestMost{1'000};
constexpr int kProbeAfter = 5;           // failures in a row, after which one record probes the way
constexpr std::size_t kMostTrials = 20;  // records refused alone, none taken: the service is broken

struct Policy {
  std::int64_t batch_size = 0;  // setting; 0: what the service advertises
  Millis interval{5'000};       // between rounds when nothing waits
};

enum class Step {
  idle,     // nothing waits
  sent,     // a request was answered and settled something; there may be more to do at once
  waiting,  // records wait until `wake`: back-off, Retry-After, pause
  taken,    // another process is sending
  failed,   // this step's request did not work; `wake` says when to try again
};

struct StepReport {
  Step step = Step::idle;
  Millis wake{0};     // from now
  bool last = false;  // for sent: nothing more waited when this batch was made
  int requests = 0;
  std::int64_t sent = 0;
  std::int64_t accepted = 0;
  std::int64_t duplicates = 0;
  std::int64_t rejected = 0;           // set aside
  Verdict verdict = Verdict::receipt;  // of this step's request, for failed
  bool unreachable = false;
  bool rate_limited = false;
  std::string error;  // for people; empty when all is well
};

enum class Asked { background, by_person };

class Engine {
 public:
  Engine(Outbox& outbox, Uplink& uplink, Entropy& entropy, Policy policy);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // At most one request. by_person tries at once whatever the back-off or pause, but never before a Retry-After.
  Result<StepReport> step(WallTime now, Asked asked = Asked::background);
  // Gives the lease back, so that another process may go on at once.
  Result<void> finish();

 private:
  // A refused batch, until all of its rows are taken or set aside. Places, not counts: should another process have been
  // at the queue meanwhile, nothing here becomes wrong.
  struct Hunt {
    BatchLimits limits;                  // that gave the batch
    std::int64_t after = 0;              // it lies behind this place
    std::int64_t last = 0;               // and ends here
    std::int64_t suspect_last = 0;       // its rows up to here hold one that is not acceptable; 0: no such knowledge
    bool taken = false;                  // the service took one of it
    bool rest_refused = false;           // all others together were refused too, and none was taken yet
    std::vector<Outcome> alone;          // refused alone, to be set aside once another one was taken
    std::vector<std::int64_t> deferred;  // to be tried later, as the service said
  };

  Result<StepReport> send(LaneState state, std::span<const Waiting> rows, WallTime now);
  Result<StepReport> learn(LaneState state, WallTime now);
  Result<StepReport> settle_receipt(LaneState state, std::span<const Waiting> rows, const Reply& reply, WallTime now);
  Result<StepReport> narrow(LaneState state, std::span<const Waiting> rows, const Reply& reply, WallTime now);
  Result<StepReport> halve(LaneState state, std::span<const Waiting> rows, const Reply& reply, WallTime now);
  Result<StepReport> back_off(LaneState state, const Reply& reply, WallTime now);
  Result<StepReport> pause(LaneState state, const Reply& reply, WallTime now);
  Result<StepReport> nothing_to_send(const LaneState& state, WallTime now);
  Result<StepReport> rest(StepReport report);
  Result<void> postpone(std::span<const Waiting> rows, WallTime now);
  Result<std::vector<Waiting>> next_rows(const LaneState& state, WallTime now);
  Result<std::vector<Waiting>> hunted(const LaneState& state);
  void defer(std::span<const std::int64_t> places, std::span<const Waiting> rows, WallTime now);
  Millis until_recheck(WallTime now) const;
  BatchLimits limits(const LaneState& state) const;

  Outbox& outbox_;
  Uplink& uplink_;
  Entropy& entropy_;
  const Policy policy_;
  bool leased_ = false;
  std::optional<Hunt> hunt_;
  // Rows up to this place were deferred by a receipt. They are tried again when nothing else waits and `recheck_at_`
  // has come, so that records which this service cannot take yet never stand in the way of others.
  std::int64_t passed_ = 0;
  WallTime recheck_at_{};
  int deferrals_ = 0;
};

}  // namespace fortium::sync
