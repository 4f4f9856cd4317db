// Another program, run to its end within a time. Blocks; not while other threads fork.
#pragma once

#include <string>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"

namespace fortium::app {

struct Ran {
  int code = 0;     // its exit code; 128 + the signal that ended it
  std::string out;  // what it said on both streams, at most 64 KiB
};

// Standard input is empty. What is not done in time is killed, with all that it started in its process group.
Result<Ran> run_program(const std::vector<std::string>& words, Millis limit);

}  // namespace fortium::app
