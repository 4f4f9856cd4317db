// The read side: questions about what was recorded, and their answers as values. Times are those of the records; rates
// are from 0 to 1; durations and percentiles are in milliseconds. An absent number means that nothing is known, never
// zero. A reader belongs to one thread; each question sees one moment.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"
#include "fortium/metrics/event.h"
#include "fortium/metrics/kind.h"
#include "fortium/metrics/name_span.h"
#include "fortium/metrics/session_hour.h"
#include "fortium/metrics/slice.h"

namespace fortium::metrics {

// From `since` on, before `until`.
struct Period {
  WallTime since{};
  WallTime until{};
};
// The time up to now, with what is recorded in this very millisecond. From a day on it begins at a full hour, as one
// that is cut has to be counted record by record.
Period last(Millis time, WallTime now);
// The period right before, of equal length; from a day on of as many whole hours, for the same reason.
Period period_before(const Period& period);

struct Tokens {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t cache_read = 0;
  std::int64_t cache_creation = 0;

  std::int64_t total() const { return input + output + cache_read + cache_creation; }
};

struct Summary {
  Period period;
  std::int64_t sessions = 0;  // that have a record in the period
  std::int64_t commands = 0;
  std::int64_t tools = 0;
  std::int64_t agents = 0;
  std::int64_t errors = 0;     // commands, tool calls and agent interactions that did not end in success
  std::int64_t active_ms = 0;  // as ActiveTime defines it
  Tokens tokens;
  std::optional<double> cost_usd;  // of the requests whose cost is known
  std::optional<double> avg_command_ms;
  std::optional<double> success_rate;  // of commands, tool calls and agent interactions
};

// As Durations says.
struct Percentiles {
  double p50 = 0, p90 = 0, p95 = 0, p99 = 0;
};

// How a duration develops: a mean against the one before; within 10 % is stable.
enum class Trend { improving, stable, degrading };
std::string_view name(Trend trend);
Trend trend_of(double mean, double mean_before);

// One row of commands, tools or agents.
struct Usage {
  std::string name;
  std::int64_t count = 0;
  std::int64_t successes = 0;
  std::int64_t errors = 0;
  std::int64_t timed = 0;  // of them, with a known duration; the figures below are of those
  double total_ms = 0, average_ms = 0, min_ms = 0, max_ms = 0;
  Percentiles percentiles;
  WallTime last_used{};
  // Of the newest fifth of the period, and at least its last two days, against what was before.
  Trend trend = Trend::stable;
  Tokens tokens;  // of agents
};

struct Session {
  std::string id;
  std::string user_id;
  std::string project;
  WallTime start{};
  WallTime last{};
  std::optional<WallTime> end;
  std::string status;    // of kSessionStatuses
  bool started = false;  // its start was recorded, not only seen
  double total_ms = 0;   // durations of its commands, tool calls and agent interactions
  std::int64_t commands = 0;
  std::int64_t tools = 0;
  std::int64_t errors = 0;
  std::vector<std::string> tools_used;  // by name
  std::vector<std::string> agents_used;
  std::optional<double> avg_command_ms;
  std::optional<double> productivity_score;  // as its caller recorded it
  std::optional<double> success_rate;
  // What its changes said, as one record: the newest value of each field. Without a kind: there are none.
  Event told;

  Millis duration() const { return (end ? *end : last) - start; }
};

struct Recent {
  std::string name;
  double duration_ms = 0;
  std::string status;
  WallTime timestamp{};
};

struct Person {
  std::string user_id;  // empty: not known
  std::int64_t sessions = 0;
  std::int64_t commands = 0;
  std::int64_t tools = 0;
  std::int64_t errors = 0;
};

struct Day {
  std::string day;  // UTC
  std::int64_t commands = 0;
  std::int64_t tools = 0;
  std::int64_t errors = 0;
};

// Of one project, or from one source; empty: of all.
struct Within {
  std::string_view project, source;

  bool has(std::string_view its_project, std::string_view its_source) const {
    return (project.empty() || its_project == project) && (source.empty() || its_source == source);
  }
};

// What is asked of slices: a reader may leave out, or leave empty, what is not.
struct Wanted {
  unsigned kinds = ~0U;  // bit n: of the kind in place n of kinds()
  bool sessions = true;  // session_id, user_id, and the minutes; else slices that differ in nothing but these come, too
  bool durations = true;  // those that percentiles are made of
  Within within = {};

  bool has(std::size_t kind) const { return (kinds >> kind & 1U) != 0; }
  Wanted without_sessions() const { return {kinds, false, durations, within}; }
  bool has(const SliceKey& key) const { return has(key.kind) && within.has(key.project, key.source); }
};

class Reader {
 public:
  virtual ~Reader() = default;
  // Asked every few milliseconds while an answer takes long; `no` ends it with `cancelled`. It must not use the reader.
  virtual void while_reading(const std::function<bool()>& /*go_on*/) {}
  // Every record of the period is in exactly one of the slices that are handed over, in order of their hours, until
  // `take` says no. Hours begin at `phase`, and an hour that the period cuts is that part of it. `take` must not use
  // the reader.
  virtual Result<void> slices(const Period& period, Millis phase, const Wanted& wanted,
                              const std::function<bool(const Slice&)>& take) = 0;
  // The same by session instead of by name and kind: the fewer, the better for long periods. Days of UTC come in order,
  // and on a day the hours of a session.
  virtual Result<void> session_hours(const Period& period, Millis phase, const Within& within,
                                     const std::function<bool(const SessionHour&)>& take);
  // The same by name and some hours of UTC, without sessions; only what is wanted. Of a name they come in order, where
  // all projects and sources are wanted; else there may be several parts of the same time.
  virtual Result<void> name_spans(const Period& period, const Wanted& wanted,
                                  const std::function<bool(const NameSpan&)>& take);
  virtual Result<Summary> summary(const Period& period) = 0;
  // kind: command_execution, tool_usage or agent_interaction. By count, the most used first; `only` one name, if given.
  virtual Result<std::vector<Usage>> usage(const Kind& kind, const Period& period, std::string_view only,
                                           std::int64_t limit) = 0;
  // The newest first.
  virtual Result<std::vector<Session>> sessions(const Period& period, std::int64_t limit) = 0;
  virtual Result<std::optional<Session>> session(std::string_view id) = 0;
  // Commands, tool calls or agent interactions, the newest first; of one session, if given.
  virtual Result<std::vector<Recent>> recent(const Kind& kind, const Period& period, std::string_view session,
                                             std::int64_t limit) = 0;
  virtual Result<std::vector<Person>> people(const Period& period) = 0;
  // Mean of the recorded values of one type of productivity metric.
  virtual Result<std::optional<double>> average_metric(std::string_view type, const Period& period) = 0;
  virtual Result<std::vector<Day>> days(const Period& period) = 0;
  // What stands in one text field, over all kinds that have it, the newest first; none for what is no such field.
  virtual Result<std::vector<std::string>> words(std::string_view field, const Period& period, std::int64_t limit) = 0;
  // Records by kind, in the order of kinds(), of all time and of whoever wrote them: what tells that there is more.
  // Asked again and again it costs next to nothing while nothing is written.
  virtual Result<std::vector<std::int64_t>> counts() = 0;
};

}  // namespace fortium::metrics
