// Slices added up once more, when their day is long over, for answers about long periods: hours of sessions
// (fortium/metrics/session_hour.h) and spans of names (fortium/metrics/name_span.h). Both tables have all days of UTC
// up to the newest in name_span, so a reader takes those from here, and later ones from slices.
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
constexpr std::string_view kNewestFoldedDay =
    "(SELECT coalesce(max(begin) / 24, -1) FROM name_span WHERE hours = 24 AND whole = 1)";  // SQL

// Hours from `from` on and before `until`, those of a session in order. False: `take` has said no.
Result<bool> each_session_hour(Db& db, std::int64_t from, std::int64_t until, const metrics::Within& within,
                               const metrics::SessionHours::Take& take);
// Spans of so many hours, counted since 1970, as far as they are here, until `take` says no. The one that comes next.
Result<std::int64_t> each_name_span(Db& db, std::int64_t hours, std::int64_t from, std::int64_t until,
                                    const metrics::Wanted& wanted, const metrics::NameSpans::Take& take);

// Removes the day of this hour and later ones, inside the caller's transaction.
Result<void> unfold(Db& db, std::int64_t hour);
// Makes the rows of some days that are long over, in a transaction of some milliseconds; true: there are more.
Result<bool> fold_slices(Database& database, WallTime now);
// The longest span that an hour is in; and whether what is here of it is what its slices add up to.
std::int64_t span_of(std::int64_t hour);
Result<bool> is_folded_right(Db& db, std::int64_t span);

}  // namespace fortium::store
