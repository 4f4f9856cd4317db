// What the two parts of SliceReader share. Private to it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fortium/metrics/slice_reader.h"

namespace fortium::metrics {

// Places in kinds().
inline const std::size_t kCommand = index_of(*find_kind("command_execution"));
inline const std::size_t kTool = index_of(*find_kind("tool_usage"));
inline const std::size_t kAgent = index_of(*find_kind("agent_interaction"));
inline const unsigned kOutcomes = 1U << kCommand | 1U << kTool | 1U << kAgent;

inline double to_millis(std::int64_t us) { return static_cast<double>(us) / 1'000; }

inline std::optional<double> mean_ms(const Figures& of) {
  if (of.timed == 0) return std::nullopt;
  return to_millis(of.total_us) / static_cast<double>(of.timed);
}

inline std::optional<double> success_rate(std::int64_t all, std::int64_t errors) {
  if (all == 0) return std::nullopt;
  return static_cast<double>(all - errors) / static_cast<double>(all);
}

// When what was there last.
using Times = std::map<std::string, WallTime, std::less<>>;
std::vector<std::string> newest_first(const Times& last, std::int64_t limit);

}  // namespace fortium::metrics
