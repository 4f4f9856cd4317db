// A hook event of Claude Code -> what is to be recorded, and what is to be noted until its end is seen.
//
// Pure: no file, no clock. What an event means is a row of the table in hook.cpp; an event that has none is counted by
// its name. Whatever arrives twice (two installations, a repeated delivery) gives records of the same ids. Any thread.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "condense.h"
#include "fortium/metrics/open_call.h"
#include "privacy.h"
#include "records.h"

namespace fortium::claude {

struct HookEvent {
  Json fields;
  std::map<std::string, Size, std::less<>> size;
  std::string fingerprint;  // of all that was kept: the same event from two installations has the same

  std::string text(std::string_view name) const;  // empty: it is not there, or is no text
  std::string session_id() const { return text("session_id"); }
};
// invalid: it is no event of a session.
Result<HookEvent> read_event(Condensed condensed);

// What the caller knows and the event does not.
struct Moment {
  WallTime now{};
  std::int64_t pid = 0;  // of Claude Code; 0: not known
  Privacy privacy;
  std::string project = {};  // where the session works, by the folder's name
};

struct Happened {
  std::vector<Record> records;
  metrics::Changes changes;
};

// `open`: all that is open in the event's session.
Happened what_happened(const HookEvent& event, const Moment& moment, std::span<const metrics::OpenCall> open);

// A session whose process is gone without a word, and what was open in it; one that is over already is forgotten.
// `open` is of that session.
Happened abandon(std::span<const metrics::OpenCall> open);

}  // namespace fortium::claude
