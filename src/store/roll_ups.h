// Slices added up once more, when their day is long over, for answers about long periods: hours of sessions
// (fortium/metrics/session_hour.h) and days of names (fortium/metrics/name_day.h). Both tables have all days of UTC up
// to the newest in name_day, so a reader takes those from here, and later ones from slices.
//
// Nothing of it is kept with records: it is made when nobody waits. A record that comes so late that its day is here
// removes the day, and those after it, in its own transaction: then they are made again.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "database.h"
#include "fortium/metrics/report.h"

namespace fortium::store {

// The day up to which all is here, since 1970; before all time: none is.
Result<std::int64_t> newest_folded_day(Db& db);
constexpr std::string_view kNewestFoldedDay = "(SELECT coalesce(max(day), -1) FROM name_day)";  // SQL

// The rows of the hours, or days, from `from` on and before `until`, in order of them. False: `take` has said no.
Result<bool> each_session_hour(Db& db, std::int64_t from, std::int64_t until, const metrics::SessionHours::Take& take);
Result<bool> each_name_day(Db& db, std::int64_t from, std::int64_t until, const metrics::Wanted& wanted,
                           const metrics::NameDays::Take& take);

// Removes the day of this hour and later ones, inside the caller's transaction.
Result<void> unfold(Db& db, std::int64_t hour);
// Makes the rows of some days that are long over, in a transaction of a few milliseconds; true: there are more.
Result<bool> fold_slices(Database& database, WallTime now);
// Whether what is here of this day is what its slices add up to.
Result<bool> is_folded_right(Db& db, std::int64_t day);

}  // namespace fortium::store
