// sync::LocalLedger in SQLite, and what changes with it when records change lanes.
//
// The table holds a tally for each session, day, kind, installation and lane, written in the transaction of the
// records. A line stays, also when nothing is left in it, as it knows what number its session had reached.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "database.h"
#include "fortium/metrics/kind.h"
#include "fortium/sync/ledger.h"

namespace fortium::store {

// One line of the table.
struct LedgerLine {
  std::string session_id;  // "": of records without one
  std::string day;
  std::string kind;
  std::string device_id;
  std::int64_t lane = 0;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes its comparison with 0 for one of pointers
  auto operator<=>(const LedgerLine&) const = default;
};

// The line of these five values, in this order.
constexpr std::string_view kWhereLine =
    "WHERE session_id = ?1 AND day = ?2 AND kind = ?3 AND device_id = ?4 AND lane = ?5";

// Inside the caller's transaction; the tally may be of any sign. `last`: the newest seq given there.
Result<void> add_to_ledger(Db& db, const LedgerLine& line, const sync::Tally& tally, std::int64_t last = 0);
// The tallies of these rows (kMoved) go to another lane. Inside the caller's transaction. The number of rows.
constexpr std::string_view kMoved = "id, timestamp, coalesce(session_id, ''), device_id, lane";
Result<std::int64_t> move_tallies(Db& db, const metrics::Kind& kind, Statement& rows, std::int64_t to);
// All records of one lane go to another one, and their tallies with them. Inside the caller's transaction. The number
// moved.
Result<std::int64_t> move_records(Db& db, const metrics::Kind& kind, std::int64_t from, std::int64_t to);
// The same for one record; nothing where there is no such record.
Result<void> move_record(Db& db, const metrics::Kind& kind, std::string_view id, std::int64_t to);

class SqliteLedger final : public sync::LocalLedger {
 public:
  // Of this installation's records for that lane.
  SqliteLedger(Database& database, std::int64_t lane) : database_(database), lane_(lane) {}

  Result<sync::Ledger> tallies(const sync::Days& days) override;
  Result<Undelivered> undelivered() override;
  Result<Row> row(const sync::LedgerKey& key) override;
  Result<std::vector<bool>> known(std::size_t kind, std::span<const std::string> ids) override;

 private:
  Result<sync::Ledger> tallies_of(const std::string& queue);

  Database& database_;
  const std::int64_t lane_;
};

// Records of a lane that are still here get a place in its queue again; the number queued. Twice is harmless: the
// receiver counts an id once.
Result<std::int64_t> queue_again(Database& database, std::int64_t lane, const metrics::Kind& kind,
                                 std::span<const std::string> ids);

}  // namespace fortium::store
