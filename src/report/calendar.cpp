// Answers along the calendar: days, weeks and months; hours of the day; a year with its streaks.
#include <algorithm>

#include "grouped.h"

namespace fortium::report {

namespace {

using namespace measure;  // NOLINT(google-build-using-namespace): the lists below are written in its words
using std::chrono::sys_days;

constexpr const Measure* kOfDay[] = {&kSessions, &kActive, &kCommandCount, &kToolCount,     &kAgentCount, &kErrors,
                                     &kInput,    &kOutput, &kCacheRead,    &kCacheCreation, &kTokens,     &kCost};
constexpr const Measure* kOfHour[] = {&kRecords,    &kSessions, &kActive,  &kCommandCount, &kToolCount,
                                      &kAgentCount, &kErrors,   &kSuccess, &kTokens};

sys_days begin_of_unit(sys_days day, By by) {
  switch (by) {
    case By::day: return day;
    case By::week: return monday_of(day);
    case By::month: return first_of_month(day);
  }
  return day;
}

std::string text_of(sys_days day, By by) { return by == By::month ? day_text(day).substr(0, 7) : day_text(day); }

// Every day, week or month of the period, with and without records.
Table calendar_table(Report& report, By by, Measures measures, const Folded& now) {
  const Groups& groups = now.groups;
  constexpr std::string_view kTitles[] = {"Day", "Week from", "Month"};
  const auto place = static_cast<std::size_t>(by);
  Table table{.columns = {{kBys[place], kTitles[place], Unit::text, 0, "Its first day, in local time."}}};
  add_columns(table, measures);
  const std::vector<sys_days> days = days_of(report.period, report.zone);
  static const Tally none;
  std::string at;
  for (const sys_days day : days) {
    std::string text = text_of(begin_of_unit(day, by), by);
    if (text == at) continue;
    at = text;
    const auto group = groups.find(at);
    Row row = {std::move(text)};
    add_values(row, measures, {group != groups.end() ? group->second : none, none, now.all, days});
    table.rows.push_back(std::move(row));
  }
  table.totals.emplace_back();
  add_values(table.totals, measures, {now.all, none, now.all, days});
  table.chart = "active_ms";
  const sys_days first = begin_of_unit(days.front(), by);
  if (report.zone.begin_of(first) < report.period.since)
    report.notes.push_back("the first " + std::string(kBys[place]) + " is not whole: the period begins within it");
  return table;
}

GroupBy by_unit(By by) {
  return [by, day = sys_days::min(), text = std::string()](const Told& told) mutable {
    if (told.local.day != day) text = text_of(begin_of_unit(told.local.day, by), by);
    day = told.local.day;
    return std::optional(text);
  };
}

struct Streaks {
  std::int64_t longest = 0, current = 0;
};

// Days in a row with a record. The current one may end yesterday: today is not over.
Streaks streaks_of(const std::vector<sys_days>& days, const std::map<sys_days, std::int64_t>& counts) {
  Streaks out;
  std::int64_t run = 0;
  for (const sys_days day : days) {
    const bool active = counts.contains(day);
    if (active || day != days.back()) run = active ? run + 1 : 0;
    out.longest = std::max(out.longest, run);
  }
  out.current = run;
  return out;
}

Table streak_table(const std::vector<sys_days>& days, const std::map<sys_days, std::int64_t>& counts) {
  Table table{.name = "streaks", .title = "Streaks", .layout = Layout::card};
  table.columns = {
      {"active_days", "Active days", Unit::count, 0, "Days with a record."},
      {"longest_streak", "Longest streak", Unit::count, 0, "Most active days in a row."},
      {"current_streak", "Current streak", Unit::count, 0, "Active days in a row up to today or yesterday."},
      {"busiest_day", "Busiest day", Unit::text, 0, "The first day with the most records."},
      {"busiest_records", "Its records", Unit::count, 0, "Records of the busiest day."}};
  const Streaks streaks = streaks_of(days, counts);
  const auto busiest = std::ranges::max_element(counts, {}, [](const auto& day) { return day.second; });
  const bool any = busiest != counts.end();
  table.totals = {static_cast<std::int64_t>(counts.size()), streaks.longest, streaks.current,
                  any ? Value(day_text(busiest->first)) : Value(), any ? Value(busiest->second) : Value()};
  return table;
}

}  // namespace

Result<Report> days(metrics::Reader& reader, const Asked& asked) {
  FM_TRY(const Folded now,
         fold_sessions(reader, asked.period, asked.zone, {asked.project, asked.source}, by_unit(asked.by)));
  constexpr std::string_view kTitles[] = {"Day by day", "Week by week", "Month by month"};
  Report report = begin_report("days", kTitles[static_cast<std::size_t>(asked.by)], asked);
  report.tables.push_back(calendar_table(report, asked.by, kOfDay, now));
  add_notes(report, kOfDay, now.all);
  add_unpriced_note(report, now.all);
  return report;
}

Result<Report> hours(metrics::Reader& reader, const Asked& asked) {
  constexpr int kHours = 24;
  const auto text = [](int hour) { return std::string(hour < 10 ? "0" : "") + std::to_string(hour) + ":00"; };
  FM_TRY(const Folded now, fold_sessions(reader, asked.period, asked.zone,
                                         {.project = asked.project, .source = asked.source, .grain = Zone::Grain::hour},
                                         [&text](const Told& told) { return std::optional(text(told.local.hour)); }));
  Report report = begin_report("hours", "Hours of the day", asked);
  Table table{.columns = {{"hour", "Hour", Unit::text, 0, "Begin of the hour, in local time."}}, .chart = "records"};
  add_columns(table, kOfHour);
  static const Tally none;
  const std::vector<sys_days> days = days_of(report.period, report.zone);
  for (int hour = 0; hour < kHours; ++hour) {
    const auto group = now.groups.find(text(hour));
    Row row = {text(hour)};
    add_values(row, kOfHour, {group != now.groups.end() ? group->second : none, none, now.all, days});
    table.rows.push_back(std::move(row));
  }
  table.totals.emplace_back();
  add_values(table.totals, kOfHour, {now.all, none, now.all, days});
  report.tables.push_back(std::move(table));
  add_notes(report, kOfHour, now.all);
  return report;
}

Result<Report> year(metrics::Reader& reader, const Asked& asked) {
  FM_TRY(const Folded now,
         fold_sessions(reader, asked.period, asked.zone, {asked.project, asked.source}, by_unit(By::month)));
  const std::map<sys_days, std::int64_t>& counts = now.all.by_day;
  const std::vector<sys_days> days = days_of(asked.period, asked.zone);
  Report report = begin_report("year", "The year", asked);
  report.tables.push_back(calendar_table(report, By::month, kOfDay, now));
  Table heat{.name = "days", .title = "Records by day", .layout = Layout::heat};
  heat.columns = {{"day", "Day", Unit::text, 0, "The day, in local time."}, kRecords.column};
  for (const sys_days day : days) {
    const auto count = counts.find(day);
    heat.rows.push_back({day_text(day), count != counts.end() ? count->second : std::int64_t{0}});
  }
  report.tables.push_back(std::move(heat));
  report.tables.push_back(streak_table(days, counts));
  add_notes(report, kOfDay, now.all);
  add_unpriced_note(report, now.all);
  return report;
}

}  // namespace fortium::report
