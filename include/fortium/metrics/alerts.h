// What somebody should look at: tools, commands and agents that fail, are slow or run far more often than usual. The
// same rules for every place that warns. Values; any thread.
//
// Quiet: nothing is said of fewer than kFewestCalls, nor of what has always been like that. What is usual is what the
// seven days before say, where they hold at least kEnoughUsual calls; without them the limits alone decide, and nothing
// is too often.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fortium/metrics/report.h"

namespace fortium::metrics {

struct AlertRules {
  double error_rate = 0.10;  // share of calls that did not succeed, from which on one is told; 0: never
  double slow_ms = 5'000;    // the same for the mean duration
  double usage = 3;          // calls, as a multiple of those of a usual hour with any; 0: never
};

constexpr std::int64_t kFewestCalls = 5;
constexpr std::int64_t kFewestToBeOften = 20;
constexpr std::int64_t kEnoughUsual = 20;
constexpr double kUnusual = 2;         // an error rate or mean duration of more than so many times the usual one
constexpr double kMuchTooOften = 2.5;  // times the limit of error_rate is critical
constexpr double kMuchTooSlow = 2;     // times that of slow_ms
constexpr std::chrono::hours kAlertWindow{1};
constexpr std::chrono::days kUsualDays{7};

// Calls of one name.
struct Load {
  std::int64_t calls = 0;
  std::int64_t failed = 0;
  std::int64_t timed = 0;  // with a known duration
  double total_ms = 0;     // of those
  std::int64_t hours = 0;  // in which there was a call
};

struct Alert {
  std::string_view type;      // of kAlertTypes
  std::string_view severity;  // of kAlertSeverities
  std::string message;
  double threshold = 0, actual = 0;  // share, ms or calls
};

inline constexpr std::string_view kAlertTypes[] = {"high_error_rate", "performance_warning", "usage_spike"};
inline constexpr std::string_view kAlertSeverities[] = {"medium", "critical"};

// What is to be said about these calls; `usual` is what the same name usually does.
std::vector<Alert> judge(const Load& now, const Load& usual, const AlertRules& rules);
// Whether any rule could say something whatever is usual: only then `usual` has to be found out.
bool is_suspicious(const Load& now, const AlertRules& rules);

// By place of its kind in kinds() and name: commands, tool calls and agents of a period; only one, if given.
using Loads = std::map<std::pair<std::size_t, std::string>, Load>;
Result<Loads> loads_of(Reader& reader, const Period& period, unsigned kinds = ~0U, std::string_view name = {});
// The days before the last hour.
Period usual_period(WallTime now);

struct NamedAlert {
  std::size_t kind = 0;  // place in kinds()
  std::string name;
  Alert alert;
};
// Of the last hour, the worst first.
Result<std::vector<NamedAlert>> current_alerts(Reader& reader, const AlertRules& rules, WallTime now);

// Tells what was told before and has not got worse since.
class AlertMemory {
 public:
  // Of one thing, all that is to be said about it now: what of it is news.
  std::vector<Alert> fresh(const std::string& about, std::vector<Alert> alerts);

 private:
  std::map<std::string, std::map<std::string_view, std::string_view>> told_;  // about, type: severity
};

}  // namespace fortium::metrics
