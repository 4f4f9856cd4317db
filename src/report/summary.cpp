// The first answer: this period against the one before, and what stands out.
#include "grouped.h"
#include "score.h"

namespace fortium::report {

namespace {

using namespace measure;  // NOLINT(google-build-using-namespace): the lists below are written in its words

constexpr std::int64_t kTopRows = 5;
constexpr const Measure* kOfAll[] = {&kSessions,      &kActive,  &kCommandCount, &kToolCount, &kAgentCount,
                                     &kErrors,        &kSuccess, &kInput,        &kOutput,    &kCacheRead,
                                     &kCacheCreation, &kTokens,  &kCacheHits,    &kCost,      &kSeries};
constexpr const Measure* kOfTop[] = {&kCalls, &kSuccess, &kP50, &kP95, &kTotal, &kTrend, &kSeries};
constexpr const Measure* kOfFailure[] = {&kMostErrors, &kErrorRate, &kErrorShare, &kLastBad};
constexpr Column kScore{"score", "Score", Unit::count, 0, "How smoothly work goes, from 0 to 100; --explain says how."};

bool more_calls(const Tally& a, const Tally& b) { return a.outcomes.count > b.outcomes.count; }
bool more_errors(const Tally& a, const Tally& b) { return a.outcomes.errors() > b.outcomes.errors(); }

// Groups by kind and name, of one kind.
Groups only(const Groups& groups, KindPlace kind) {
  Groups out = groups;
  std::erase_if(out, [kind](const auto& group) { return group.first.front() != static_cast<char>('0' + kind); });
  return out;
}

// The first rows of what another question answers whole.
void add_top(Report& report, std::string_view name, std::string_view title, const Labels& labels, Measures measures,
             const Both& both, const Groups& now, Better better, Asked asked) {
  asked.limit = kTopRows;
  const std::vector<std::string> notes = report.notes;
  Table table =
      group_table(report, labels, measures, both.now.all, both.before.all, now, both.before.groups, better, asked);
  report.notes = notes;  // that there are more is what "top" means
  table.name = name;
  table.title = title;
  table.totals.clear();
  table.before.clear();
  report.tables.push_back(std::move(table));
}

}  // namespace

Result<Report> summary(metrics::Reader& reader, const Asked& asked) {
  FM_TRY(Both both, fold_both_sessions(reader, asked, [](const Told&) { return std::nullopt; }));
  FM_TRY(Both names, fold_both_names(reader, asked, by_kind_and_name, Percentiles::of_groups, kOutcomes));
  both.now.groups = std::move(names.now.groups);
  both.before.groups = std::move(names.before.groups);
  const Groups &now = both.now.groups, &before = both.before.groups;
  Report report = begin_report("summary", "Summary", asked);
  Table card{.layout = Layout::card};
  add_columns(card, kOfAll);
  card.columns.push_back(kScore);
  const std::vector<std::chrono::sys_days> days = days_of(report.period, report.zone);
  static const Tally none;
  add_values(card.totals, kOfAll, {both.now.all, both.before.all, both.now.all, days});
  add_values(card.before, kOfAll, {both.before.all, none, both.before.all, days_of(report.before, report.zone)});
  card.totals.push_back(score_of(both.now.all, now, before));
  card.before.push_back(kUnknown);  // it would take the period before that one
  report.tables.push_back(std::move(card));

  const auto after_kind = [](const std::string& group) { return Row{group.substr(1)}; };
  add_top(report, "tools", "Tools", {{{"tool", "Tool", Unit::text, 0, "Name of the tool."}}, after_kind}, kOfTop, both,
          only(now, kTools), more_calls, asked);
  add_top(report, "commands", "Commands and skills",
          {{{"command", "Command", Unit::text, 0, "Slash command or skill."}}, after_kind}, kOfTop, both,
          only(now, kCommands), more_calls, asked);
  Groups failing = now;
  std::erase_if(failing, [](const auto& group) { return group.second.outcomes.errors() == 0; });
  add_top(report, "failures", "What fails most",
          {{{"kind", "Kind", Unit::text, 1, "command, tool or agent"}, {"name", "Name", Unit::text, 0, "Its name."}},
           kind_and_name},
          kOfFailure, both, failing, more_errors, asked);
  add_outliers(report, now, before);
  if (both.now.all.records() == 0) report.notes.emplace_back(kNothing);
  if (asked.explain) add_score(report, both.now.all, now, before);
  add_notes(report, kOfAll, both.now.all);
  add_notes(report, kOfTop, both.now.all);
  add_unpriced_note(report, both.now.all);
  return report;
}

}  // namespace fortium::report
