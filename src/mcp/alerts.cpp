#include "alerts.h"

#include <nlohmann/json.hpp>

namespace fortium::mcp {

namespace {

using namespace std::chrono_literals;

constexpr auto kWindow = 5min;
constexpr auto kUsualFor = 1h;
constexpr std::size_t kKept = 100;
constexpr std::size_t kMostTools = 200;  // memory: names come from outside

}  // namespace

std::vector<metrics::Alert> Alerts::note(const Context& context, const std::string& tool, double duration_ms,
                                         bool success) {
  const SteadyTime now = context.clock.steady();
  if (calls_.size() >= kMostTools && !calls_.contains(tool)) calls_.clear();
  std::deque<Call>& calls = calls_[tool];
  calls.push_back({now, duration_ms, success});
  while (calls.size() > kKept || calls.front().at < now - kWindow) calls.pop_front();
  metrics::Load load;
  for (const Call& call : calls) {
    ++load.calls;
    ++load.timed;
    load.failed += call.success ? 0 : 1;
    load.total_ms += call.duration_ms;
  }
  const bool suspicious = is_suspicious(load, rules_);
  return told_.fresh(tool, suspicious ? judge(load, usual_of(context, tool), rules_) : std::vector<metrics::Alert>());
}

// A store that cannot be read knows nothing of what is usual.
const metrics::Load& Alerts::usual_of(const Context& context, const std::string& tool) {
  const SteadyTime now = context.clock.steady();
  const auto at = usual_.find(tool);
  if (at != usual_.end() && now < at->second.read + kUsualFor) return at->second.load;
  if (usual_.size() >= kMostTools) usual_.clear();
  Usual& usual = usual_[tool] = {{}, now};
  const std::size_t kind = metrics::index_of(*metrics::find_kind("tool_usage"));
  if (auto reader = context.reader())
    if (auto loads = loads_of(**reader, metrics::usual_period(context.clock.now()), 1U << kind, tool))
      usual.load = (*loads)[{kind, tool}];
  return usual.load;
}

Json to_json(const metrics::Alert& alert) {
  const bool in_ms = alert.type == "performance_warning";
  return {{"type", alert.type},
          {"severity", alert.severity},
          {"message", alert.message},
          {in_ms ? "threshold_ms" : "threshold", alert.threshold},
          {in_ms ? "actual_ms" : "actual", alert.actual}};
}

}  // namespace fortium::mcp
