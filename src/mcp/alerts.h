// Documented warnings of tools, by the rules of fortium/metrics/alerts.h: over the last five minutes of this process,
// each told once, and again when it got worse or has gone meanwhile. Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/mcp/catalog.h"
#include "fortium/metrics/alerts.h"

namespace fortium::mcp {

class Alerts {
 public:
  explicit Alerts(const metrics::AlertRules& rules) : rules_(rules) {}

  // Notes a call, and says what is to be said about its tool now. What is usual is read where something may have to be
  // said, once an hour.
  std::vector<metrics::Alert> note(const Context& context, const std::string& tool, double duration_ms, bool success);

 private:
  struct Call {
    SteadyTime at;
    double duration_ms;
    bool success;
  };
  struct Usual {
    metrics::Load load;
    SteadyTime read;
  };
  const metrics::Load& usual_of(const Context& context, const std::string& tool);

  const metrics::AlertRules rules_;
  std::map<std::string, std::deque<Call>> calls_;
  std::map<std::string, Usual> usual_;
  metrics::AlertMemory told_;
};

// With the documented members.
Json to_json(const metrics::Alert& alert);

}  // namespace fortium::mcp
