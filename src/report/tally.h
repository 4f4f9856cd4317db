// What reports are folded from slices: one tally a group, whatever the groups are. Private to report.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fortium/metrics/active_time.h"
#include "fortium/metrics/report.h"
#include "fortium/metrics/slice.h"
#include "fortium/report/zone.h"

namespace fortium::report {

constexpr std::size_t kKinds = 6;
// Places in metrics::kinds().
enum KindPlace : std::size_t { kCommands, kTools, kAgents, kSessionChanges, kProductivity, kRequests };

// A slice with when it was, in local time: all of it is in one local day, or hour (see Filter::grain).
struct Told {
  const metrics::Slice& slice;
  Millis phase;  // of its hour
  LocalTime local;
};

struct Tally {
  metrics::Figures outcomes;  // of commands, tool calls and agent interactions
  metrics::Figures requests;  // of model requests
  std::array<std::int64_t, kKinds> counts{};
  WallTime first{}, last{};
  metrics::ActiveTime time;  // and sessions
  std::map<std::chrono::sys_days, std::int64_t> by_day;
  std::string project;               // the newest that is named
  WallTime first_bad{}, last_bad{};  // begin of the first and the last hour with something that did not succeed

  std::int64_t records() const;
  void add(const Told& told, bool percentiles);

 private:
  WallTime project_at_{};
};

// What groups the slices of a question: the same text, the same group; nothing, none.
using GroupBy = std::function<std::optional<std::string>(const Told&)>;
using Groups = std::map<std::string, Tally>;

// Which tallies are asked for percentiles, which cost more than all other sums: of_all takes those of all together from
// the first groups, which then have to be all there is.
enum class Percentiles { none, of_groups, of_all };
struct Filter {
  std::string project, source;  // empty: all
  unsigned kinds = ~0U;         // bit n: of the kind in place n
  Percentiles percentiles = Percentiles::none;
  Zone::Grain grain = Zone::Grain::day;  // what of local time groups depend on
};
constexpr unsigned kOutcomes = 1U << kCommands | 1U << kTools | 1U << kAgents;

// Every record of the period in `all`, and in the groups of those that `by` gives a text for.
struct Folded {
  Tally all;
  std::vector<Groups> groups;  // in the order of `by`
};
Result<Folded> fold(metrics::Reader& reader, const metrics::Period& period, const Zone& zone, const Filter& filter,
                    const std::vector<GroupBy>& by);

}  // namespace fortium::report
