// Tables with a row for each group of records. Private to report.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fortium/report/questions.h"
#include "measures.h"
#include "tally.h"

namespace fortium::report {

using Measures = std::span<const Measure* const>;

// The days that a period touches.
std::vector<std::chrono::sys_days> days_of(const metrics::Period& period, const Zone& zone);

Report begin_report(std::string_view question, std::string_view title, const Asked& asked);

void add_columns(Table& table, Measures measures);
void add_values(Row& row, Measures measures, const Seen& seen);
// Rules that readers of these measures are told, if there is anything to read; each once.
void add_notes(Report& report, Measures measures, const Tally& all);
// Requests without a known price are not in a sum that looks whole.
void add_unpriced_note(Report& report, const Tally& all);

// What was asked of, and of the period before.
struct Both {
  Folded now, before;
};
Result<Both> fold_both_names(metrics::Reader& reader, const Asked& asked, const GroupBy& by, Percentiles percentiles,
                             unsigned kinds);
Result<Both> fold_both_sessions(metrics::Reader& reader, const Asked& asked, const GroupBy& by);

// Commands, tools and agents by kind and name, such as "1Bash".
std::optional<std::string> by_kind_and_name(const Told& told);
// "command", "tool", "agent" of such a group, and its name.
Row kind_and_name(const std::string& group);

// What tells a group apart: columns, and a group's cells in them.
struct Labels {
  std::vector<Column> columns;
  Row (*of)(const std::string& group);
};
// Of the groups that `better` puts first, as many as asked for; with a note on what is left out.
using Better = bool (*)(const Tally& a, const Tally& b);
Table group_table(Report& report, const Labels& labels, Measures measures, const Tally& all, const Tally& all_before,
                  const Groups& now, const Groups& before, Better better, const Asked& asked);

// What became much slower or fails much more than before, of groups by kind and name: a table "outliers".
void add_outliers(Report& report, const Groups& now, const Groups& before);

// The answers that are more than a row a group.
Result<Report> summary(metrics::Reader& reader, const Asked& asked);
Result<Report> days(metrics::Reader& reader, const Asked& asked);
Result<Report> hours(metrics::Reader& reader, const Asked& asked);
Result<Report> year(metrics::Reader& reader, const Asked& asked);

}  // namespace fortium::report
