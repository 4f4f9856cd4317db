// What can be said of a group of records: a column and how its value comes about, each once. Private to report.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "fortium/report/report.h"
#include "tally.h"

namespace fortium::report {

// Fewer calls than these say nothing about a development.
constexpr std::int64_t kFew = 5;
constexpr std::size_t kMostParts = 30;  // of a series

// One group, the same group in the period before, and all groups.
struct Seen {
  const Tally& it;
  const Tally& before;
  const Tally& all;
  const std::vector<std::chrono::sys_days>& days;  // of the period
};

struct Measure {
  Column column;
  Value (*of)(const Seen& seen);
  std::string_view note = {};  // a rule that readers are told
};

constexpr Value kUnknown = std::monostate{};

inline Value ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? Value(static_cast<double>(part) / static_cast<double>(whole)) : Value();
}
inline Value millis(std::int64_t us, std::int64_t of = 1) {
  return of > 0 ? Value(static_cast<double>(us) / 1'000 / static_cast<double>(of)) : Value();
}
inline std::int64_t all_tokens(const metrics::Figures& figures) {
  return figures.input_tokens + figures.output_tokens + figures.cache_read_tokens + figures.cache_creation_tokens;
}
inline Value percentile(const Seen& seen, int percent) {
  return seen.it.outcomes.timed > 0 ? Value(seen.it.outcomes.durations.percentile(percent)) : Value();
}
Value trend(const Seen& seen);
Value series(const Seen& seen);

namespace measure {

constexpr Measure kRecords{{"records", "Records", Unit::count, 0, "Records of all kinds."},
                           [](const Seen& seen) -> Value { return seen.it.records(); }};
constexpr Measure kSessions{{"sessions", "Sessions", Unit::count, 3, "Sessions that recorded something."},
                            [](const Seen& seen) -> Value { return seen.it.time.sessions(); }};
constexpr Measure kCommandCount{{"commands", "Commands", Unit::count, 4, "Slash commands and skills that ran."},
                                [](const Seen& seen) -> Value { return seen.it.counts[kCommands]; }};
constexpr Measure kToolCount{{"tools", "Tool calls", Unit::count, 2, "Tool calls."},
                             [](const Seen& seen) -> Value { return seen.it.counts[kTools]; }};
constexpr Measure kAgentCount{{"agents", "Agents", Unit::count, 5, "Agent interactions."},
                              [](const Seen& seen) -> Value { return seen.it.counts[kAgents]; }};
constexpr Measure kRequestCount{{"requests", "Requests", Unit::count, 0, "Model requests."},
                                [](const Seen& seen) -> Value { return seen.it.requests.count; }};
constexpr Measure kCalls{{"calls", "Calls", Unit::count, 0, "How often it ran."},
                         [](const Seen& seen) -> Value { return seen.it.outcomes.count; }};
constexpr Measure kErrors{
    {"errors", "Errors", Unit::count, 4, "Commands, tool calls and agent interactions that did not end in success."},
    [](const Seen& seen) -> Value { return seen.it.outcomes.errors(); }};
constexpr Measure kFailed{{"failed", "Failed", Unit::count, 4, "Errors that ended with the status error."},
                          [](const Seen& seen) -> Value { return seen.it.outcomes.by_status[1]; }};
constexpr Measure kTimeouts{{"timeouts", "Timeouts", Unit::count, 5, "Errors that ended with the status timeout."},
                            [](const Seen& seen) -> Value { return seen.it.outcomes.by_status[2]; }};
constexpr Measure kCancelled{{"cancelled", "Cancelled", Unit::count, 5, "Errors that ended with the status cancelled."},
                             [](const Seen& seen) -> Value { return seen.it.outcomes.by_status[3]; }};
constexpr Measure kSuccess{
    {"success_rate", "Success", Unit::share, 1, "Share that ended in success."},
    [](const Seen& seen) { return ratio(seen.it.outcomes.count - seen.it.outcomes.errors(), seen.it.outcomes.count); }};
constexpr Measure kErrorRate{{"error_rate", "Of its calls", Unit::share, 2, "Errors as a share of its calls."},
                             [](const Seen& seen) { return ratio(seen.it.outcomes.errors(), seen.it.outcomes.count); }};
constexpr Measure kErrorShare{{"share", "Share", Unit::share, 3, "Share of all errors."}, [](const Seen& seen) {
                                return ratio(seen.it.outcomes.errors(), seen.all.outcomes.errors());
                              }};
constexpr Measure kActive{
    {"active_ms", "Active", Unit::duration, 2, "Active time."},
    [](const Seen& seen) -> Value { return static_cast<double>(seen.it.time.total().count()); },
    "active time: minutes in which a session recorded something, and gaps of up to 5 minutes between them"};

constexpr Measure kInput{{"tokens.input", "Input", Unit::tokens, 3, "Tokens sent, without those of the cache."},
                         [](const Seen& seen) -> Value { return seen.it.requests.input_tokens; }};
constexpr Measure kOutput{{"tokens.output", "Output", Unit::tokens, 3, "Tokens received."},
                          [](const Seen& seen) -> Value { return seen.it.requests.output_tokens; }};
constexpr Measure kCacheRead{{"tokens.cache_read", "Cache read", Unit::tokens, 4, "Tokens read from the cache."},
                             [](const Seen& seen) -> Value { return seen.it.requests.cache_read_tokens; }};
constexpr Measure kCacheCreation{
    {"tokens.cache_creation", "Cache written", Unit::tokens, 5, "Tokens written to the cache."},
    [](const Seen& seen) -> Value { return seen.it.requests.cache_creation_tokens; }};
constexpr Measure kTokens{{"tokens.total", "Tokens", Unit::tokens, 1, "Tokens of all four sorts."},
                          [](const Seen& seen) -> Value { return all_tokens(seen.it.requests); }};
constexpr Measure kCacheHits{
    {"cache_hit_rate", "Cache hits", Unit::share, 2, "Share of what was sent that came from the cache."},
    [](const Seen& seen) {
      const metrics::Figures& of = seen.it.requests;
      return ratio(of.cache_read_tokens, of.input_tokens + of.cache_read_tokens + of.cache_creation_tokens);
    },
    "cache hits: tokens read from the cache, of all tokens that were sent (input, cache read, cache written)"};
constexpr Measure kCost{{"cost_usd", "Cost", Unit::usd, 0, "Cost of the requests that have a known price."},
                        [](const Seen& seen) -> Value {
                          if (seen.it.requests.priced == 0) return kUnknown;
                          return static_cast<double>(seen.it.requests.cost_nano_usd) / 1e9;
                        }};
constexpr Measure kUnpriced{{"unpriced", "Unpriced", Unit::count, 6, "Requests whose price is not known."},
                            [](const Seen& seen) -> Value { return seen.it.requests.count - seen.it.requests.priced; }};
constexpr Measure kAgentInput{{"tokens.input", "Input", Unit::tokens, 6, "Tokens that it read, where known."},
                              [](const Seen& seen) -> Value { return seen.it.outcomes.input_tokens; }};
constexpr Measure kAgentOutput{{"tokens.output", "Output", Unit::tokens, 6, "Tokens that it wrote, where known."},
                               [](const Seen& seen) -> Value { return seen.it.outcomes.output_tokens; }};

constexpr Measure kP50{{"p50_ms", "P50", Unit::duration, 2, "Half took no longer."},
                       [](const Seen& seen) { return percentile(seen, 50); }};
constexpr Measure kP90{{"p90_ms", "P90", Unit::duration, 7, "Nine of ten took no longer."},
                       [](const Seen& seen) { return percentile(seen, 90); }};
constexpr Measure kP95{
    {"p95_ms", "P95", Unit::duration, 3, "Nineteen of twenty took no longer."},
    [](const Seen& seen) { return percentile(seen, 95); },
    "percentiles: nearest rank of the known durations; exact up to 32 of them, beyond that within 0.4 %"};
constexpr Measure kP99{{"p99_ms", "P99", Unit::duration, 6, "99 of 100 took no longer."},
                       [](const Seen& seen) { return percentile(seen, 99); }};
constexpr Measure kMean{{"mean_ms", "Mean", Unit::duration, 9, "Mean of the known durations."},
                        [](const Seen& seen) { return millis(seen.it.outcomes.total_us, seen.it.outcomes.timed); }};
constexpr Measure kMax{{"max_ms", "Max", Unit::duration, 8, "The longest."}, [](const Seen& seen) {
                         return seen.it.outcomes.timed > 0 ? millis(seen.it.outcomes.max_us) : Value();
                       }};
constexpr Measure kTotal{{"total_ms", "Total", Unit::duration, 5, "Known durations, added up."}, [](const Seen& seen) {
                           return seen.it.outcomes.timed > 0 ? millis(seen.it.outcomes.total_us) : Value();
                         }};
constexpr Measure kTrend{
    {"trend", "Trend", Unit::text, 4, "How the mean duration develops: improving, stable or degrading."},
    trend,
    "trend: mean duration against the period before, of as many whole hours; within 10 % is stable, fewer than 5 in "
    "either say nothing"};
constexpr Measure kChange{
    {"change", "Change", Unit::change, 5, "Calls against the period before; not said for fewer than 5 before."},
    [](const Seen& seen) -> Value {
      if (seen.before.outcomes.count < kFew) return kUnknown;
      return change_of(seen.it.outcomes.count, seen.before.outcomes.count);
    }};
constexpr Measure kSeries{
    {"by_day", "By day", Unit::series, 6, "Records by day; of longer periods, by each of 30 equal parts."}, series};
constexpr Measure kFirst{{"first", "First", Unit::time, 5, "When the first one was."}, [](const Seen& seen) -> Value {
                           return seen.it.records() > 0 ? Value(seen.it.first) : Value();
                         }};
constexpr Measure kLast{{"last", "Last", Unit::time, 8, "When the last one was."}, [](const Seen& seen) -> Value {
                          return seen.it.records() > 0 ? Value(seen.it.last) : Value();
                        }};
constexpr Measure kFirstBad{
    {"first", "First", Unit::time, 3, "Begin of the hour in which it first failed in this period."},
    [](const Seen& seen) -> Value { return seen.it.outcomes.errors() > 0 ? Value(seen.it.first_bad) : Value(); },
    "first and last are exact to the hour of UTC"};
constexpr Measure kLastBad{
    {"last", "Last", Unit::time, 3, "Begin of the hour in which it last failed in this period."},
    [](const Seen& seen) -> Value { return seen.it.outcomes.errors() > 0 ? Value(seen.it.last_bad) : Value(); }};
constexpr Measure kWhere{
    {"project", "Mostly in", Unit::text, 3, "Project in which it failed most; of equals the first by name."},
    [](const Seen& seen) -> Value {
      if (&seen.it == &seen.all || seen.it.bad_by_project.empty()) return kUnknown;
      const auto& [project, times] =
          *std::ranges::max_element(seen.it.bad_by_project, {}, [](const auto& one) { return one.second; });
      return project.empty() ? kUnknown : Value(project);
    }};
constexpr Measure kStart{
    {"start", "Start", Unit::time, 1, "When its first record in this period was."},
    [](const Seen& seen) -> Value { return seen.it.records() > 0 ? Value(seen.it.first) : Value(); }};
constexpr Measure kMostErrors{{"errors", "Errors", Unit::count, 0, "How often it did not end in success."},
                              [](const Seen& seen) -> Value { return seen.it.outcomes.errors(); }};
constexpr Measure kProject{{"project", "Project", Unit::text, 3, "Project that was named last."},
                           [](const Seen& seen) -> Value {
                             const bool total = &seen.it == &seen.all;
                             return total || seen.it.project.empty() ? Value() : Value(seen.it.project);
                           }};

}  // namespace measure

}  // namespace fortium::report
