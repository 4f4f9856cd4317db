// What was seen to begin and has not ended yet: a tool call, a command, a turn, a subagent, a session. No record: it
// becomes one when its end is seen, or when it is clear that it never will be. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fortium/base/clock.h"

namespace fortium::metrics {

struct OpenCall {
  std::string session_id;
  std::string what;        // the word of whoever keeps it
  std::string key;         // with the two above, its name
  std::string name;        // of the tool, command or agent
  std::string prompt_id;   // that led to it; may be empty
  std::string agent_id;    // of the subagent that did it; empty: the session itself
  std::string state;       // a word; empty at first
  std::string detail;      // JSON text of what its record will say; no more than a record may
  std::int64_t count = 1;  // how often it was seen
  std::int64_t pid = 0;    // process that it belongs to; 0: not known
  WallTime started{};
  WallTime seen{};
};

// What is to become of one of them. All changes of one moment are made in the transaction of its records.
struct Change {
  enum class Do {
    begin,  // kept, unless it is kept already
    renew,  // kept, in the place of what was kept before
    count,  // once more: `count` grows and `seen` moves; kept as it is if it was not there
    mark,   // its `state` is this one
    end,    // no longer kept
    close,  // the same, and all that its session has open
  } what;
  OpenCall call;
};
using Changes = std::vector<Change>;

// The same `count` from two installations comes within this time, with the same `state`, and is counted once.
constexpr Millis kSameMoment{5'000};

}  // namespace fortium::metrics
