// Imports `tool-metrics.jsonl` of the documented predecessors: four shapes of line under one file name.
//
// Ids are derived from the source, so importing twice changes nothing, and the tool call and the agent call that one
// use of an agent wrote are told apart. Durations that the old hooks made up are unknown here. Nothing that a person
// typed (commands, paths, descriptions, tokens) is taken over. One instance belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/json.h"
#include "fortium/base/result.h"
#include "fortium/metrics/kind.h"

namespace fortium::legacy {

// One line, as a complete record; or why it is none.
struct Converted {
  const metrics::Kind* kind = nullptr;  // nullptr: skipped
  Json record;
  std::string why;
};

// `repeat` tells equal lines of one file apart: how often the line came before.
Converted convert_tool_metric(std::string_view line, std::int64_t repeat);

constexpr std::size_t kMostSkipped = 100;  // named one by one
constexpr std::int64_t kLinesAtOnce = 200;

struct Skipped {
  std::string file;
  std::int64_t line = 0;
  std::string why;
};
// How far it is.
struct Found {
  std::int64_t files = 0;
  std::int64_t lines = 0;     // read
  std::int64_t of_lines = 0;  // in the files opened so far
  std::int64_t records = 0;
  std::int64_t skipped_count = 0;
  std::vector<Skipped> skipped;  // the first kMostSkipped of them
};
struct Visitor {
  // Takes a record; says why not, if it does not.
  std::function<std::string(const Converted& record)> take;
  // After every kLinesAtOnce lines and at the end of a file. An error ends the reading.
  std::function<Result<void>()> pause;
};

// The documented folders below a home and a project folder; those that exist.
std::vector<std::string> metric_folders(const std::string& home, const std::string& project);
// Reads the tool-metrics.jsonl of one folder; a folder without one gives nothing.
Result<void> read_folder(const std::string& folder, Found& found, const Visitor& visitor);

}  // namespace fortium::legacy
