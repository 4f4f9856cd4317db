// What was seen to begin and has not ended yet, in a small table of the store. One thread, as the connection.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "database.h"
#include "fortium/metrics/open_call.h"

namespace fortium::store {

// All that is open in a session; the oldest first.
Result<std::vector<metrics::OpenCall>> open_calls_of(Db& db, std::string_view session_id);
// Of every session, what is kept of it under `what` in this state, if it has not been seen since `before`; the one that
// has been silent for longest first, at most `limit`.
Result<std::vector<metrics::OpenCall>> silent_calls(Db& db, std::string_view what, std::string_view state,
                                                    WallTime before, std::int64_t limit);
// Whether there is such a one.
Result<bool> is_open(Db& db, std::string_view session_id, std::string_view what, std::string_view state);
// Inside a transaction.
Result<void> change_open_calls(Db& db, const metrics::Changes& changes);

}  // namespace fortium::store
