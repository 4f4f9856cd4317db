// The table of slices (fortium/metrics/slice.h): changed in the transaction of the records, so that what reports are
// made of is what is kept, and stays when records are let go.
//
// An hour is `thinned` when records of it were let go, by age or after their delivery in `remote` mode, or were lost
// with a damaged file: its slices are all that is known of them, and a recount finds less.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "database.h"
#include "fortium/metrics/slice_reader.h"

namespace fortium::store {

// Adds records to the table, and removes what was added up from it (roll_ups.h) where that is no longer true. What
// it has read it remembers, until it is told that others may have written.
class SliceTable {
 public:
  explicit SliceTable(Database& database) : database_(database) {}

  Result<void> add(const metrics::Event& event);
  // Some of the records of `figures` may be in the table already: those of `common`.
  Result<void> add(const metrics::SliceKey& key, const metrics::Figures& figures, const metrics::Figures& common);
  // Every row that has grown, once. Inside the caller's transaction, as the two above.
  Result<void> write();
  void forget();
  std::size_t remembered() const { return rows_.size(); }
  // What newest_folded_day() says, for those who know.
  void know_folded(std::int64_t day) { folded_ = day; }

 private:
  struct Row {
    metrics::Figures figures;
    bool known = false;  // in the table
    bool grown = false;
  };
  using Rows = std::map<metrics::SliceKey, Row>;
  Result<metrics::Figures*> grow(const metrics::SliceKey& key);

  Database& database_;
  Rows rows_;
  std::vector<Rows::value_type*> grown_;
  std::optional<std::int64_t> folded_;
  Statement get_, update_, insert_;
};

// False: `take` has said no.
// The rows of the hours from `from` on and before `until`, in order of hours.
Result<bool> each_slice(Db& db, std::int64_t from, std::int64_t until, const metrics::Wanted& wanted,
                        const metrics::TakeSlice& take);
// SQL: the hour of a record, and what comes before its FROM when records are let go.
constexpr std::string_view kHour = "timestamp / 3600000";
constexpr std::string_view kThin = "INSERT OR IGNORE INTO thinned (hour) SELECT timestamp / 3600000";

// Hours whose rows are not what their records add up to; of a thinned hour, whose rows count less than there is. Of
// days that were added up otherwise than their rows say, the first. Each hour is looked at in a transaction of its own.
// Seconds for a million records; `step` is told of the hours, and how many there are.
using Step = std::function<void(std::int64_t done, std::int64_t total)>;
Result<std::vector<std::int64_t>> differing_hours(Database& database, const Step& step = {});
// Makes the rows of these hours from the records; what a thinned hour counts beyond them stays.
Result<void> rebuild(Database& database, const std::vector<std::int64_t>& hours);

}  // namespace fortium::store
