// SQLite's file layer, watched: what is written to the log and when it is synced is noted, and writes can be made to
// fail. It becomes the default layer of the process, so that the layer under test stands on it. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

namespace fortium::test {

struct LogCall {
  bool sync = false;  // or a write
  std::int64_t offset = 0;
  int size = 0;
  bool zeros = false;  // nothing else was written
};

struct Watched {
  std::vector<LogCall> calls;     // to logs, in order
  int writes_until_failure = -1;  // negative: none fails
  bool refuse_zeros = false;      // no room to grow ahead
};

// Registers the layer at the first call.
Watched& watch_logs();

}  // namespace fortium::test
