// What an event of Claude Code tells -> what is to be recorded, and what is to be noted until its end is seen.
//
// Pure: no file, no clock. What an event means is a row of the table in hook.cpp; an event that has none is counted by
// its name. Whatever arrives twice (two installations, a repeated delivery) gives records of the same ids. Any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fortium/metrics/open_call.h"
#include "records.h"
#include "told.h"

namespace fortium::claude {

// What the caller knows and the event does not.
struct Moment {
  WallTime now{};
  std::int64_t pid = 0;      // of Claude Code; 0: not known
  std::string project = {};  // where the session works, by the folder's name
};

struct Happened {
  std::vector<Record> records;
  metrics::Changes changes;
};

// `open`: all that is open in the event's session.
Happened what_happened(const Told& told, const Moment& moment, std::span<const metrics::OpenCall> open);

// A session whose process is gone without a word, and what was open in it; one that is over already is forgotten.
// `open` is of that session.
Happened abandon(std::span<const metrics::OpenCall> open);

}  // namespace fortium::claude
