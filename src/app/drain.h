// Delivering the backlog until nothing waits, time is up, or it does not work: what `sync` does, and `verify --repair`.
// Who records all the time is followed for a few batches more, not for ever.
#pragma once

#include <cstdint>
#include <string>

#include "local.h"

namespace fortium::app {

struct Drained {
  std::int64_t sent = 0, accepted = 0, duplicates = 0, rejected = 0, batches = 0;
  std::string error;
  sync::Verdict verdict = sync::Verdict::receipt;
  bool unreachable = false, rate_limited = false, timed_out = false, gave_up = false;
};

// Progress goes to standard error; `quiet`: only of a large backlog.
Result<Drained> drain(Sender& sender, const Settings& settings, const Clock& clock, Millis timeout, bool quiet);

// As a script sees it: `remaining` still wait, `held` wait for something else than this command.
int exit_code(const Drained& drained, std::int64_t remaining, std::int64_t held);

}  // namespace fortium::app
