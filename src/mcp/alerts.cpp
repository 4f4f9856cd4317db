#include "alerts.h"

#include <nlohmann/json.hpp>

namespace fortium::mcp {

namespace {

using namespace std::chrono_literals;

constexpr auto kWindow = 5min;
constexpr std::size_t kFewest = 5;
constexpr std::size_t kKept = 100;
constexpr std::size_t kMostTools = 200;  // memory: names come from outside
constexpr double kErrorRateMedium = 0.10, kErrorRateCritical = 0.25;
constexpr double kSlowMedium = 5'000, kSlowCritical = 10'000;

std::string_view severity(double value, double critical) { return value >= critical ? "critical" : "medium"; }

}  // namespace

Json Alerts::note(std::string_view tool, double duration_ms, bool success, SteadyTime now) {
  Json alerts = Json::array();
  auto at = calls_.find(tool);
  if (at == calls_.end()) {
    if (calls_.size() >= kMostTools) calls_.clear();
    at = calls_.emplace(std::string(tool), std::deque<Call>()).first;
  }
  std::deque<Call>& calls = at->second;
  calls.push_back({now, duration_ms, success});
  while (calls.size() > kKept || calls.front().at < now - kWindow) calls.pop_front();
  if (calls.size() < kFewest) return alerts;

  double failed = 0, total = 0;
  for (const Call& call : calls) {
    failed += call.success ? 0 : 1;
    total += call.duration_ms;
  }
  const auto count = static_cast<double>(calls.size());
  if (const double rate = failed / count; rate >= kErrorRateMedium)
    alerts.push_back({{"type", "high_error_rate"},
                      {"severity", severity(rate, kErrorRateCritical)},
                      {"message", "of the last " + std::to_string(calls.size()) + " calls, " +
                                      std::to_string(static_cast<int>(failed)) + " did not succeed"},
                      {"threshold", kErrorRateMedium},
                      {"actual", rate}});
  if (const double mean = total / count; mean >= kSlowMedium)
    alerts.push_back({{"type", "performance_warning"},
                      {"severity", severity(mean, kSlowCritical)},
                      {"message", "the last " + std::to_string(calls.size()) + " calls were slow on average"},
                      {"threshold_ms", kSlowMedium},
                      {"actual_ms", mean}});
  return alerts;
}

}  // namespace fortium::mcp
