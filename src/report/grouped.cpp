#include "grouped.h"

#include <algorithm>

namespace fortium::report {

namespace {

constexpr std::int64_t kEnough = 20;     // calls, in both periods, for one to be an outlier
constexpr double kSlower = 2;            // times the 95th percentile before
constexpr double kWorseErrorRate = 0.1;  // at least, and twice that before

const Tally& in(const Groups& groups, const std::string& name) {
  static const Tally none;
  const auto at = groups.find(name);
  return at != groups.end() ? at->second : none;
}

void add_note(Report& report, std::string note) {
  if (std::ranges::find(report.notes, note) == report.notes.end()) report.notes.push_back(std::move(note));
}

}  // namespace

std::vector<std::chrono::sys_days> days_of(const metrics::Period& period, const Zone& zone) {
  std::vector<std::chrono::sys_days> out;
  const std::chrono::sys_days last = zone.local(period.until - Millis(1)).day;
  std::chrono::sys_days day = zone.local(period.since).day;
  for (WallTime begin = zone.begin_of(day); day <= last;) {
    const std::chrono::sys_days next = day + std::chrono::days(1);
    const WallTime end = zone.begin_of(next);
    if (begin < end) out.push_back(day);
    begin = end;
    day = next;
  }
  return out;
}

Report begin_report(std::string_view question, std::string_view title, const Asked& asked) {
  return {.question = question,
          .title = title,
          .period = asked.period,
          .before = metrics::period_before(asked.period),
          .zone = asked.zone,
          .project = asked.project,
          .source = asked.source};
}

void add_columns(Table& table, Measures measures) {
  for (const Measure* measure : measures) table.columns.push_back(measure->column);
}

void add_values(Row& row, Measures measures, const Seen& seen) {
  for (const Measure* measure : measures) row.push_back(measure->of(seen));
}

void add_notes(Report& report, Measures measures, const Tally& all) {
  if (all.records() == 0) return;
  for (const Measure* measure : measures)
    if (!measure->note.empty()) add_note(report, std::string(measure->note));
}

void add_unpriced_note(Report& report, const Tally& all) {
  if (const std::int64_t unpriced = all.requests.count - all.requests.priced; unpriced > 0)
    add_note(report, "cost: " + std::to_string(unpriced) + " of " + std::to_string(all.requests.count) +
                         " requests have no known price and are not in the sum");
}

Result<Both> fold_both_names(metrics::Reader& reader, const Asked& asked, const GroupBy& by, Percentiles percentiles,
                             unsigned kinds) {
  const Filter filter{asked.project, asked.source, kinds, percentiles};
  Both out;
  FM_TRY(out.before, fold_names(reader, metrics::period_before(asked.period), asked.zone, filter, by));
  FM_TRY(out.now, fold_names(reader, asked.period, asked.zone, filter, by));
  return out;
}

Result<Both> fold_both_sessions(metrics::Reader& reader, const Asked& asked, const GroupBy& by) {
  const Filter filter{asked.project, asked.source};
  Both out;
  FM_TRY(out.before, fold_sessions(reader, metrics::period_before(asked.period), asked.zone, filter, by));
  FM_TRY(out.now, fold_sessions(reader, asked.period, asked.zone, filter, by));
  return out;
}

std::optional<std::string> by_kind_and_name(const Told& told) { return static_cast<char>('0' + told.kind) + told.name; }

Row kind_and_name(const std::string& group) {
  constexpr std::string_view kWords[] = {"command", "tool", "agent"};
  return {std::string(kWords[static_cast<std::size_t>(group.front() - '0')]), group.substr(1)};
}

Table group_table(Report& report, const Labels& labels, Measures measures, const Tally& all, const Tally& all_before,
                  const Groups& now, const Groups& before, Better better, const Asked& asked) {
  Table table{.columns = labels.columns};
  add_columns(table, measures);
  const std::vector<std::chrono::sys_days> days = days_of(report.period, report.zone);
  std::vector<Groups::const_iterator> sorted;
  for (auto at = now.begin(); at != now.end(); ++at) sorted.push_back(at);
  std::ranges::stable_sort(sorted, better, [](Groups::const_iterator at) -> const Tally& { return at->second; });
  const std::size_t shown =
      asked.limit > 0 ? std::min(sorted.size(), static_cast<std::size_t>(asked.limit)) : sorted.size();
  for (std::size_t i = 0; i < shown; ++i) {
    Row row = labels.of(sorted[i]->first);
    add_values(row, measures, {sorted[i]->second, in(before, sorted[i]->first), all, days});
    table.rows.push_back(std::move(row));
  }
  table.totals.resize(labels.columns.size());
  table.before.resize(labels.columns.size());
  static const Tally none;
  add_values(table.totals, measures, {all, all_before, all, days});
  add_values(table.before, measures, {all_before, none, all_before, days_of(report.before, report.zone)});
  if (shown < sorted.size())
    add_note(report, std::to_string(shown) + " of " + std::to_string(sorted.size()) +
                         " rows are shown, totals are of all" + (asked.for_more.empty() ? "" : "; ") +
                         std::string(asked.for_more));
  return table;
}

void add_outliers(Report& report, const Groups& now, const Groups& before) {
  Table table{.name = "outliers", .title = "Unlike before"};
  table.columns = {{"kind", "Kind", Unit::text, 1, "command, tool or agent"},
                   {"name", "Name", Unit::text, 0, "Its name."},
                   {"unlike", "Is", Unit::text, 0, "slower or failing"},
                   {"p95_ms", "P95", Unit::duration, 0, "Nineteen of twenty took no longer."},
                   {"p95_before_ms", "P95 before", Unit::duration, 0, "The same in the period before."},
                   {"error_rate", "Errors", Unit::share, 0, "Errors as a share of its calls."},
                   {"error_rate_before", "Errors before", Unit::share, 0, "The same in the period before."}};
  for (const auto& [group, tally] : now) {
    const metrics::Figures &is = tally.outcomes, &was = in(before, group).outcomes;
    const auto row = [&, &name = group](const char* what) {
      Row out = kind_and_name(name);
      out.emplace_back(std::string(what));
      for (const metrics::Figures* of : {&is, &was})
        out.push_back(of->timed > 0 ? Value(of->durations.percentile(95)) : Value());
      for (const metrics::Figures* of : {&is, &was}) out.push_back(ratio(of->errors(), of->count));
      table.rows.push_back(std::move(out));
    };
    if (is.timed >= kEnough && was.timed >= kEnough && was.durations.percentile(95) > 0 &&
        is.durations.percentile(95) > kSlower * was.durations.percentile(95))
      row("slower");
    if (is.count >= kEnough && was.count >= kEnough &&
        static_cast<double>(is.errors()) / static_cast<double>(is.count) >
            std::max(kWorseErrorRate, 2 * static_cast<double>(was.errors()) / static_cast<double>(was.count)))
      row("failing");
  }
  const bool any = !table.rows.empty();
  report.tables.push_back(std::move(table));
  if (any)
    add_note(
        report,
        "unlike before: at least 20 calls in both periods, and a 95th percentile of more than twice, or errors of more "
        "than twice and over 10 %");
}

}  // namespace fortium::report
