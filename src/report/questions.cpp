// The table of questions, and the answers that are a row a group.
#include "fortium/report/questions.h"

#include <algorithm>

#include "grouped.h"

namespace fortium::report {

namespace {

using namespace measure;  // NOLINT(google-build-using-namespace): the lists below are written in its words

constexpr const Measure* kOfSession[] = {&kStart,     &kLast,       &kActive, &kProject, &kCommandCount,
                                         &kToolCount, &kAgentCount, &kErrors, &kTokens,  &kCost};
constexpr const Measure* kOfUse[] = {&kCalls, &kSuccess, &kErrors, &kP50,   &kP90,    &kP95,    &kP99,
                                     &kMean,  &kMax,     &kTotal,  &kTrend, &kChange, &kSeries, &kLast};
constexpr const Measure* kOfAgent[] = {&kCalls,  &kSuccess,    &kErrors,      &kP50,   &kP90,   &kP95,
                                       &kP99,    &kMean,       &kMax,         &kTotal, &kTrend, &kChange,
                                       &kSeries, &kAgentInput, &kAgentOutput, &kLast};
constexpr const Measure* kOfModel[] = {&kRequestCount, &kInput, &kOutput,   &kCacheRead, &kCacheCreation, &kTokens,
                                       &kCacheHits,    &kCost,  &kUnpriced, &kSeries,    &kLast};
constexpr const Measure* kOfProject[] = {&kSessions, &kActive, &kCommandCount, &kToolCount, &kAgentCount, &kErrors,
                                         &kSuccess,  &kTokens, &kCost,         &kSeries,    &kLast};
constexpr const Measure* kOfError[] = {&kMostErrors, &kFailed,     &kTimeouts, &kCancelled, &kCalls,
                                       &kErrorRate,  &kErrorShare, &kWhere,    &kFirstBad,  &kLastBad};

bool more_calls(const Tally& a, const Tally& b) { return a.outcomes.count > b.outcomes.count; }
bool more_errors(const Tally& a, const Tally& b) { return a.outcomes.errors() > b.outcomes.errors(); }
bool more_tokens(const Tally& a, const Tally& b) { return all_tokens(a.requests) > all_tokens(b.requests); }
bool more_records(const Tally& a, const Tally& b) { return a.records() > b.records(); }
bool newer(const Tally& a, const Tally& b) { return a.first > b.first; }

Row own_name(const std::string& group) { return {group.empty() ? Value() : Value(group)}; }
Row after_kind(const std::string& group) { return {group.substr(1)}; }

// A question whose answer is a row a group.
struct Grouping {
  std::string_view question, title;
  unsigned kinds = 0;  // 0: by session or project, of all kinds
  std::optional<std::string> (*by)(const Told& told);
  Labels labels;
  Measures measures;
  Better better;
  std::string_view chart = {};
};

Result<Report> answer(metrics::Reader& reader, const Asked& asked, const Grouping& how) {
  const bool durations = how.by == by_kind_and_name;
  FM_TRY(const Both both,
         how.kinds == 0
             ? fold_both_sessions(reader, asked, how.by)
             : fold_both_names(reader, asked, how.by, durations ? Percentiles::of_all : Percentiles::none, how.kinds));
  Report report = begin_report(how.question, how.title, asked);
  Table table = group_table(report, how.labels, how.measures, both.now.all, both.before.all, both.now.groups,
                            both.before.groups, how.better, asked);
  table.chart = how.chart;
  report.tables.push_back(std::move(table));
  if (durations) add_outliers(report, both.now.groups, both.before.groups);
  add_notes(report, how.measures, both.now.all);
  if (place_of(report.tables[0], "cost_usd") < report.tables[0].columns.size()) add_unpriced_note(report, both.now.all);
  return report;
}

Result<Report> sessions(metrics::Reader& reader, const Asked& asked) {
  return answer(reader, asked,
                {.question = "sessions",
                 .title = "Sessions",
                 .by = [](const Told& told) -> std::optional<std::string> {
                   if (told.session_id.empty()) return std::nullopt;
                   return told.session_id;
                 },
                 .labels = {{{"session", "Session", Unit::id, 0, "Id of the session."}}, own_name},
                 .measures = kOfSession,
                 .better = newer});
}

Result<Report> tools(metrics::Reader& reader, const Asked& asked) {
  return answer(reader, asked,
                {.question = "tools",
                 .title = "Tools",
                 .kinds = 1U << kTools,
                 .by = by_kind_and_name,
                 .labels = {{{"tool", "Tool", Unit::text, 0, "Name of the tool."}}, after_kind},
                 .measures = kOfUse,
                 .better = more_calls,
                 .chart = "calls"});
}

Result<Report> commands(metrics::Reader& reader, const Asked& asked) {
  return answer(reader, asked,
                {.question = "commands",
                 .title = "Commands and skills",
                 .kinds = 1U << kCommands,
                 .by = by_kind_and_name,
                 .labels = {{{"command", "Command", Unit::text, 0, "Slash command or skill."}}, after_kind},
                 .measures = kOfUse,
                 .better = more_calls,
                 .chart = "calls"});
}

Result<Report> agents(metrics::Reader& reader, const Asked& asked) {
  return answer(reader, asked,
                {.question = "agents",
                 .title = "Agents",
                 .kinds = 1U << kAgents,
                 .by = by_kind_and_name,
                 .labels = {{{"agent", "Agent", Unit::text, 0, "Name of the agent."}}, after_kind},
                 .measures = kOfAgent,
                 .better = more_calls,
                 .chart = "calls"});
}

Result<Report> models(metrics::Reader& reader, const Asked& asked) {
  return answer(reader, asked,
                {.question = "models",
                 .title = "Models",
                 .kinds = 1U << kRequests,
                 .by = [](const Told& told) -> std::optional<std::string> { return told.name; },
                 .labels = {{{"model", "Model", Unit::text, 0, "Name of the model."}}, own_name},
                 .measures = kOfModel,
                 .better = more_tokens,
                 .chart = "tokens.total"});
}

Result<Report> projects(metrics::Reader& reader, const Asked& asked) {
  return answer(reader, asked,
                {.question = "projects",
                 .title = "Projects",
                 .by = [](const Told& told) -> std::optional<std::string> { return told.project; },
                 .labels = {{{"project", "Project", Unit::text, 0, "Name of the project."}}, own_name},
                 .measures = kOfProject,
                 .better = more_records,
                 .chart = "active_ms"});
}

Result<Report> errors(metrics::Reader& reader, const Asked& asked) {
  // What never failed is no row here, but counts in the totals.
  FM_TRY(Both both, fold_both_names(reader, asked, by_kind_and_name, Percentiles::of_groups, kOutcomes));
  Groups& groups = both.now.groups;
  const Groups everything = groups;
  std::erase_if(groups, [](const auto& group) { return group.second.outcomes.errors() == 0; });
  Report report = begin_report("errors", "What fails", asked);
  Table table = group_table(
      report,
      {{{"kind", "Kind", Unit::text, 1, "command, tool or agent"}, {"name", "Name", Unit::text, 0, "Its name."}},
       kind_and_name},
      kOfError, both.now.all, both.before.all, groups, both.before.groups, more_errors, asked);
  table.chart = "errors";
  report.tables.push_back(std::move(table));
  add_outliers(report, everything, both.before.groups);
  add_notes(report, kOfError, both.now.all);
  return report;
}

constexpr Question kQuestions[] = {
    {"summary", "this period at a glance, against the one before", {.days = 7}, false, summary},
    {"sessions", "each session, the newest first", {.days = 7}, false, sessions},
    {"tools", "tools by name: how often, how long, how well", {.days = 7}, false, tools},
    {"commands", "slash commands and skills by name", {.days = 7}, false, commands},
    {"agents", "agents by name", {.days = 7}, false, agents},
    {"models", "models by name: tokens, cache, cost", {.days = 7}, false, models},
    {"projects", "projects by name", {.days = 7}, false, projects},
    {"errors", "what fails most, and since when", {.days = 7}, false, errors},
    {"days", "day by day, week by week or month by month", {.days = 30, .calendar = true}, true, days},
    {"hours", "hours of the day", {.days = 30, .calendar = true}, false, hours},
    {"year", "a year of days, with streaks", {.days = 365, .calendar = true}, false, year},
};

constexpr int kPeriods = 12;  // weeks or months

}  // namespace

std::span<const Question> questions() { return kQuestions; }

const Question* find_question(std::string_view name) {
  const auto* const at = std::ranges::find(kQuestions, name, &Question::name);
  return at != std::end(kQuestions) ? at : nullptr;
}

By find_by(std::string_view text) {
  const auto* const at = std::ranges::find(kBys, text);
  return at != std::end(kBys) ? static_cast<By>(at - kBys) : By::day;
}

metrics::Period last_days(int days, const Zone& zone, WallTime now) {
  return {zone.begin_of(zone.local(now).day - std::chrono::days(days - 1)), now + Millis(1)};
}

metrics::Period default_period(const Question& question, By by, const Zone& zone, WallTime now) {
  const WallTime until = now + Millis(1);
  if (!question.back.calendar) return metrics::last(std::chrono::days(question.back.days), now);
  const std::chrono::sys_days today = zone.local(now).day;
  if (question.by && by == By::week) return {zone.begin_of(monday_of(today) - std::chrono::weeks(kPeriods - 1)), until};
  if (question.by && by == By::month) {
    const std::chrono::year_month_day date(today);
    return {zone.begin_of(std::chrono::sys_days(date.year() / date.month() / 1 - std::chrono::months(kPeriods - 1))),
            until};
  }
  return last_days(question.back.days, zone, now);
}

}  // namespace fortium::report
