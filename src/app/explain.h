// Why there are fewer model requests than lines that tell of one, and whether Claude Code's own totals agree.
//
// Of everything that was imported into a store so far. A function; one thread, as the store.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "../store/database.h"

namespace fortium::app {

struct Explained {
  std::int64_t files = 0, lines = 0;
  std::int64_t merged = 0;      // lines that repeat the usage of a message: one is written for each of its blocks
  std::int64_t replays = 0;     // requests that a side chain tells again under another id
  std::int64_t copies = 0;      // requests that another file told before: forks, copied files, files read anew
  std::int64_t api_errors = 0;  // "<synthetic>" and retries: no usage
  // Sessions of which Claude Code wrote a total. It counts requests, too, that leave no message (compaction, titles) or
  // are counted in another session, so `more` is as it should be; `fewer` would mean that something was counted twice.
  std::int64_t sessions = 0, equal = 0, more = 0, fewer = 0;
  std::int64_t forked = 0;  // and those that share their begin with another: totals of forks contain their parents'
  std::int64_t client_tokens = 0, tokens = 0;  // of the sessions that were compared
  double client_cost_usd = 0, cost_usd = 0;
};

Result<Explained> explain_imports(store::Database& database);
Json to_json(const Explained& explained);

}  // namespace fortium::app
