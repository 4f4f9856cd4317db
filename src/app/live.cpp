#include "live.h"

#include <algorithm>

#include "fortium/metrics/kind.h"

namespace fortium::app {

namespace {

using report::Row;
using report::Table;
using report::Unit;

constexpr std::int64_t kRows = 8;           // of a table
constexpr std::int64_t kMostCalls = 5'000;  // in an hour
constexpr std::int64_t kLookedAt = 500;     // the newest of each kind, for those that failed

// The columns that a screen of several tables has room for.
void keep(Table& table, std::initializer_list<std::string_view> names) {
  Table kept = table;
  kept.columns.clear();
  kept.totals.clear();
  kept.before.clear();
  for (Row& row : kept.rows) row.clear();
  for (const std::string_view name : names) {
    const std::size_t at = place_of(table, name);
    if (at == table.columns.size()) continue;
    kept.columns.push_back(table.columns[at]);
    for (std::size_t row = 0; row < table.rows.size(); ++row) kept.rows[row].push_back(table.rows[row][at]);
    if (!table.totals.empty()) kept.totals.push_back(table.totals[at]);
    if (!table.before.empty()) kept.before.push_back(table.before[at]);
  }
  table = std::move(kept);
}

Result<Table> first_table(std::string_view question, metrics::Reader& reader, const report::Asked& asked) {
  FM_TRY(report::Report answer, report::find_question(question)->answer(reader, asked));
  return std::move(answer.tables.front());
}

// A line: totals side by side.
Table as_row(Table card) {
  card.layout = report::Layout::rows;
  card.rows = {std::move(card.totals)};
  card.totals.clear();
  card.before.clear();
  return card;
}

Result<Table> rate(metrics::Reader& reader, WallTime now) {
  const auto minute = std::chrono::floor<std::chrono::minutes>(now);
  const WallTime since = minute - std::chrono::minutes(kRateMinutes - 1);
  FM_TRY(const auto calls, reader.recent(*metrics::find_kind("tool_usage"), {since, now + Millis(1)}, "", kMostCalls));
  report::Series series(kRateMinutes);
  for (const metrics::Recent& call : calls)
    ++series[static_cast<std::size_t>((call.timestamp - since) / std::chrono::minutes(1))];
  const std::int64_t last = series.back();
  Table table{.name = "rate", .title = "Tool calls, minute by minute"};
  table.columns = {{"calls", "This minute", Unit::count}, {"series", "Last hour", Unit::series}};
  table.rows = {{last, std::move(series)}};
  return table;
}

Result<Table> failures(metrics::Reader& reader, const report::Asked& asked) {
  struct Failure {
    std::string_view kind;
    metrics::Recent what;
  };
  std::vector<Failure> all;
  for (const auto& [kind, word] : {std::pair("command_execution", "command"), std::pair("tool_usage", "tool"),
                                   std::pair("agent_interaction", "agent")}) {
    FM_TRY(const auto recent, reader.recent(*metrics::find_kind(kind), asked.period, "", kLookedAt));
    for (const metrics::Recent& one : recent)
      if (one.status != "success") all.push_back({word, one});
  }
  std::ranges::stable_sort(all, std::greater(), [](const Failure& one) { return one.what.timestamp; });
  Table table{.name = "failures", .title = "Failed last"};
  table.columns = {{"time", "When", Unit::time},
                   {"kind", "Kind", Unit::text, 2},
                   {"name", "Name", Unit::text},
                   {"status", "How", Unit::text, 1}};
  for (const Failure& one : all) {
    if (table.rows.size() == static_cast<std::size_t>(kRows)) break;
    table.rows.push_back({one.what.timestamp, std::string(one.kind), one.what.name, one.what.status});
  }
  return table;
}

Result<Table> at_work(metrics::Reader& reader, report::Asked asked, WallTime now) {
  asked.limit = 0;
  FM_TRY(Table table, first_table("sessions", reader, asked));
  const std::size_t last = place_of(table, "last");
  std::erase_if(table.rows, [&](const Row& row) {
    const auto* time = last < row.size() ? std::get_if<WallTime>(&row[last]) : nullptr;
    return time == nullptr || *time < now - kAtWork;
  });
  table.totals.clear();  // of sessions that have ended, too
  table.name = "sessions";
  table.title = "Sessions at work";
  return table;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

Result<report::Report> live_report(metrics::Reader& reader, const report::Asked& asked, WallTime now) {
  report::Asked few = asked;
  few.limit = kRows;
  report::Report live{.question = "watch", .title = "Live", .period = asked.period, .zone = asked.zone};
  FM_TRY(Table totals, first_table("summary", reader, few));
  keep(totals,
       {"sessions", "active_ms", "commands", "tools", "agents", "errors", "success_rate", "tokens.total", "cost_usd"});
  totals.title = "Totals";
  FM_TRY(Table sessions, at_work(reader, asked, now));
  FM_TRY(Table calls, rate(reader, now));
  FM_TRY(Table tools, first_table("tools", reader, few));
  FM_TRY(Table failed, failures(reader, asked));
  FM_TRY(Table models, first_table("models", reader, few));
  live.tables = {as_row(std::move(totals)), std::move(sessions), std::move(calls),
                 std::move(tools),          std::move(failed),   std::move(models)};
  return live;
}

std::vector<std::string> live_lines(const report::Report& report, const report::Look& look, std::size_t rows) {
  std::vector<std::string> lines = split_lines(report::find_form("table")->render(report, look));
  if (lines.size() > rows) lines.resize(rows);
  return lines;
}

}  // namespace fortium::app
