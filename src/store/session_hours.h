// The table of hours of sessions (fortium/metrics/session_hour.h): slices added up once more, when an hour is long
// over, for answers about years. All hours up to the newest in it are in it, so a reader takes those from here, and
// later ones from slices.
//
// Nothing of it is kept with records: it is made when nobody waits. A record that comes so late that its hour is here
// removes the hour, and those after it, in its own transaction: then they are made again.
#pragma once

#include <cstdint>
#include <functional>

#include "database.h"
#include "fortium/metrics/session_hour.h"

namespace fortium::store {

using TakeSessionHour = metrics::SessionHours::Take;

// The hour up to which all is here; before all time: none is.
Result<std::int64_t> newest_session_hour(Db& db);
// The rows of the hours from `from` on and before `until`, in order of hours. False: `take` has said no.
Result<bool> each_session_hour(Db& db, std::int64_t from, std::int64_t until, const TakeSessionHour& take);
// Of this hour and later ones, inside the caller's transaction.
Result<void> remove_session_hours(Db& db, std::int64_t from);

// Makes rows of some hours that are long over, in a transaction of a few milliseconds; true: there are more. Once a day
// is enough: before that, false, and nothing is written.
Result<bool> fold_session_hours(Database& database, WallTime now);

}  // namespace fortium::store
