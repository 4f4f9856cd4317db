// metrics::EventStore in SQLite: the record, its place in the queue and its line in the ledger in one transaction.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "database.h"
#include "fortium/base/hash.h"
#include "fortium/metrics/store.h"

namespace fortium::store {

// Lane of records that nobody waits for: no account yet, or the service's own tables.
constexpr std::int64_t kNoLane = 0;

class SqliteStore final : public metrics::EventStore {
 public:
  // With a lane, records are queued for it.
  static Result<std::unique_ptr<SqliteStore>> open(Database& database, std::int64_t lane = kNoLane);

  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events) override;

 private:
  // What one transaction adds, written once at its end.
  struct Tally {
    std::int64_t count = 0;
    LedgerDigest digest;
  };
  struct Pending {
    std::map<std::tuple<std::string, std::string, std::string>, Tally> ledger;  // day, kind, device
    std::unordered_map<std::string, std::int64_t> last_seq;                     // session
    std::int64_t last_place = -1;
  };

  SqliteStore(Database& database, std::int64_t lane) : database_(database), lane_(lane) {}
  Result<void> prepare();
  Result<metrics::Stored> add(metrics::Event& event, Pending& pending);
  Result<metrics::Stored> compare(metrics::Event& event);
  Result<std::int64_t> next_seq(const std::string& session, Pending& pending);
  Result<void> enqueue(const metrics::Event& event, Pending& pending);
  Result<void> finish(Pending& pending);

  Database& database_;
  const std::int64_t lane_;
  std::vector<Statement> insert_, find_;  // by kind
  Statement get_seq_, put_seq_, last_place_, enqueue_, get_ledger_, put_ledger_;
};

// A whole record by id; not_found.
Result<metrics::Event> read_event(Db& db, const metrics::Kind& kind, std::string_view id);
// The row of a statement that selects all columns of a kind, in order.
metrics::Event event_of(const Statement& statement, const metrics::Kind& kind);

}  // namespace fortium::store
