// What a session's transcript tells beyond its hooks (tokens above all), read while the session lives or when it ends.
//
// The same reading as `import`: incremental, and what is read twice is known by its ids. Who has hooks never has to ask
// for it. One thread, without an open store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "settings.h"

namespace fortium::app {

struct Tail {
  std::string transcript;  // the session's own; those of its subagents lie beside it
  bool over = false;       // nothing more will be written: what was left open is settled
};

enum class TailRead { done, too_much, failed };

// Up to here, if no more than so many bytes are new; else nothing is read.
TailRead import_tail(const Settings& settings, const Tail& tail, std::int64_t most_bytes = INT64_MAX);
// Of sessions that are over, wherever Claude Code keeps their transcripts.
void import_tails(const Settings& settings, const std::vector<std::string>& sessions, const Environment& environment);

}  // namespace fortium::app
