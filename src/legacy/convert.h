// Old text as complete records, one function a shape. Pure; any thread.
//
// Ids are derived from the text or from the names in it, so importing twice changes nothing, and one thing that several
// files tell of is one record. Durations that the old hooks made up are unknown here. Nothing that a person typed
// (commands, paths, descriptions, tokens) is taken over.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/json.h"
#include "fortium/metrics/kind.h"

namespace fortium::legacy {

// One record; or why there is none.
struct Converted {
  const metrics::Kind* kind = nullptr;  // nullptr: skipped
  Json record;
  std::string why;
};

// A piece of a file: a line, or all of it. `repeat` tells equal lines of one file apart: how often the line came
// before.
using Convert = std::vector<Converted> (*)(std::string_view text, std::int64_t repeat);

// A line of tool-metrics.jsonl, session-metrics.jsonl, command-metrics.jsonl, agent-metrics.jsonl, sessions/*.jsonl.
std::vector<Converted> convert_line(std::string_view text, std::int64_t repeat);
// A line of session-history.jsonl, or all of sessions/*_summary.json: how a session went.
std::vector<Converted> convert_summary(std::string_view text, std::int64_t repeat);
// All of sessions/*.json: that a session began. Its counters were never counted.
std::vector<Converted> convert_session(std::string_view text, std::int64_t repeat);
// All of sync_queue.json: lines that were to be sent.
std::vector<Converted> convert_queue(std::string_view text, std::int64_t repeat);
// All of agent_invocations_*.jsonl: two lines an invocation, the later of which says how it ended.
std::vector<Converted> convert_invocations(std::string_view text, std::int64_t repeat);

// All of metrics*.json, command-history*.json and the like: a list of what ran, bare or under "metrics" or "commands",
// or one such thing. What does not say when it was has no timestamp: only its file does.
std::vector<Converted> convert_history(std::string_view text, std::int64_t repeat);

}  // namespace fortium::legacy
