// metrics::EventStore in SQLite: the record, its place in the queue, its line in the ledger and its part of a slice in
// one transaction.
//
// Fixed bugs: a record was refused as wrong when it was the ledger that was damaged.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "database.h"
#include "fortium/base/hash.h"
#include "fortium/metrics/event_pack.h"
#include "fortium/metrics/open_call.h"
#include "fortium/metrics/store.h"
#include "slices.h"

namespace fortium::store {

// Lane of records that nobody waits for: no account yet, or the service's own tables.
constexpr std::int64_t kNoLane = 0;
// Lane of records that a person took out of the queue for good.
constexpr std::int64_t kDroppedLane = -1;

// For the check of records that were checked when they were made, by the clock of then: now may be earlier.
constexpr WallTime kAnyTime = from_ms(253'402'300'799'000);  // the last second of the year 9999

// Whether a record gets a place in the queue of its lane.
enum class Queueing { queue, delivered_before };

class SqliteStore final : public metrics::EventStore {
 public:
  // With a lane, records are queued for it.
  static Result<std::unique_ptr<SqliteStore>> open(Database& database, std::int64_t lane = kNoLane,
                                                   Queueing queueing = Queueing::queue);

  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events) override { return append(events, {}); }
  // The changes of what is open happen with the records, or neither does.
  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events, const metrics::Changes& changes);
  // The same in an order that touches each page of the file once: a group may be much larger than what fits into memory
  // as events.
  Result<std::vector<metrics::Stored>> append(const metrics::EventPack& events);
  // Everything that `work` adds, one transaction: durable when it returns ok, undone when `work` says no.
  Result<void> write(const std::function<Result<void>()>& work);
  // Inside `work`.
  Result<std::vector<metrics::Stored>> add(std::span<metrics::Event> events, const metrics::Changes& changes);

 private:
  struct Tally {
    std::int64_t count = 0;
    LedgerDigest digest;
    std::int64_t last = 0;  // the newest seq given
    bool grown = false;     // in the transaction at work
  };
  // A line of the ledger in our lane: session, day since 1970, kind, installation.
  template <class Text>
  using Line = std::tuple<Text, std::int64_t, std::size_t, Text>;
  struct Before {  // so that a line is found without copying its texts
    using is_transparent = void;
    template <class Text>
    static Line<std::string_view> view(const Line<Text>& line) {
      return line;
    }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return view(a) < view(b);
    }
  };
  // Where the counters of the file stand. Kept from one transaction to the next, as long as nobody else has written
  // meanwhile, so that a run of records reads none of them twice.
  struct Counters {
    unsigned version = 0;  // of the file, after our last commit
    std::map<Line<std::string>, Tally, Before> ledger;
    std::map<std::string, std::int64_t, std::less<>> seq;  // the newest of each session
    std::int64_t place = -1;                               // the last in our lane; -1: not known
    std::optional<bool> any_gone;                          // records that were let go
  };

  SqliteStore(Database& database, std::int64_t lane, Queueing queueing)
      : database_(database), lane_(lane), queued_(lane != kNoLane && queueing == Queueing::queue), slices_(database) {}
  Result<void> prepare();
  Result<metrics::Stored> add(metrics::Event& event);
  Result<bool> is_gone(const metrics::Event& event);
  Result<metrics::Stored> compare(metrics::Event& event);
  Result<std::int64_t*> last_of(std::string_view session);
  Result<Tally*> tally_of(const metrics::Event& event);
  Result<void> enqueue(const metrics::Event& event);
  Result<void> write_counters();
  void forget();

  Database& database_;
  const std::int64_t lane_;
  const bool queued_;
  Counters counters_;
  SliceTable slices_;
  std::vector<Statement> insert_, find_;  // by kind
  Statement get_seq_, last_place_, enqueue_, get_ledger_, put_ledger_, add_ledger_, any_gone_, gone_;
};

// A whole record by id; not_found.
Result<metrics::Event> read_event(Db& db, const metrics::Kind& kind, std::string_view id);
// The row of a statement that selects all columns of a kind, in order.
metrics::Event event_of(const Statement& statement, const metrics::Kind& kind);

}  // namespace fortium::store
