// What reports are folded from: one tally a group, whatever the groups are. Of names, from spans of names; of what does
// not ask for names, from hours of sessions. Private to report.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fortium/metrics/active_time.h"
#include "fortium/metrics/report.h"
#include "fortium/report/zone.h"

namespace fortium::report {

// Places in metrics::kinds().
enum KindPlace : std::size_t { kCommands, kTools, kAgents, kSessionChanges, kProductivity, kRequests };

// What a span of a name, or an hour of a session, is about; empty where it is of all. The local time of an hour: all of
// it is in one local day, or hour (see Filter::grain).
struct Told {
  const std::string& session_id;  // of an hour
  const std::string& project;     // of an hour
  const LocalTime& local;         // of an hour
  std::size_t kind;               // of a name
  const std::string& name;        // of a name
};

class LocalDays;

struct Tally {
  metrics::Figures outcomes;  // of commands, tool calls and agent interactions
  metrics::Figures requests;  // of model requests
  std::array<std::int64_t, metrics::kKindCount> counts{};
  WallTime first{}, last{};
  metrics::ActiveTime time;  // and sessions
  std::map<std::chrono::sys_days, std::int64_t> by_day;
  std::string project;  // the newest that is named
  // Of names: begin of the first and the last hour with something that did not succeed, and how often by project.
  WallTime first_bad{}, last_bad{};
  std::map<std::string, std::int64_t, std::less<>> bad_by_project;

  std::int64_t records() const;
  void add(const metrics::NameSpan& span, LocalDays& local);
  void add(const metrics::SessionHour& hour, Millis phase, const LocalTime& local);

 private:
  void add_times(WallTime since, WallTime until);

  WallTime project_at_{};
};

// What groups those of a question: the same text, the same group; nothing, none.
using GroupBy = std::function<std::optional<std::string>(const Told&)>;
using Groups = std::map<std::string, Tally>;

// Which tallies are asked for percentiles, which cost more than all other sums: of_all takes those of all together from
// the first groups, which then have to be all there is.
enum class Percentiles { none, of_groups, of_all };
struct Filter {
  std::string project, source;  // empty: all
  unsigned kinds = ~0U;         // of names. bit n: of the kind in place n
  Percentiles percentiles = Percentiles::none;
  Zone::Grain grain = Zone::Grain::day;  // what of local time groups depend on
};
constexpr unsigned kOutcomes = 1U << kCommands | 1U << kTools | 1U << kAgents;

// Every record of the period in `all`, and in the group that `by` gives a text for.
struct Folded {
  Tally all;
  Groups groups;
};
// From spans of names, without sessions and active time.
Result<Folded> fold_names(metrics::Reader& reader, const metrics::Period& period, const Zone& zone,
                          const Filter& filter, const GroupBy& by);
// From hours of sessions, without names, durations and agents' tokens.
Result<Folded> fold_sessions(metrics::Reader& reader, const metrics::Period& period, const Zone& zone,
                             const Filter& filter, const GroupBy& by);

}  // namespace fortium::report
