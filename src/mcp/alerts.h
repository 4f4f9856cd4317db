// Documented warnings of tools that fail or are slow: over the last five minutes of this process, from the fifth call
// on. Rules: share of calls that did not succeed at least 10 % (medium) or 25 % (critical); mean duration at least 5 s
// (medium) or 10 s (critical). Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "fortium/base/clock.h"
#include "fortium/base/json.h"

namespace fortium::mcp {

class Alerts {
 public:
  // Notes a call, and says what is to be said about its tool now: an array, empty when all is well.
  Json note(std::string_view tool, double duration_ms, bool success, SteadyTime now);

 private:
  struct Call {
    SteadyTime at;
    double duration_ms;
    bool success;
  };
  std::map<std::string, std::deque<Call>, std::less<>> calls_;
};

}  // namespace fortium::mcp
