// `fortium-metrics report summary`.
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "local.h"
#include "terminal.h"
#include "time_of.h"

namespace fortium::app {

namespace {

constexpr std::int64_t kTopRows = 5;

struct Answers {
  metrics::Summary summary;
  std::vector<metrics::Usage> tools, commands;
};

Result<Answers> ask(metrics::Reader& reader, const metrics::Period& period) {
  Answers out;
  FM_TRY(out.summary, reader.summary(period));
  FM_TRY(out.tools, reader.usage(*metrics::find_kind("tool_usage"), period, "", kTopRows));
  FM_TRY(out.commands, reader.usage(*metrics::find_kind("command_execution"), period, "", kTopRows));
  return out;
}

Json to_json(const metrics::Summary& summary) {
  return {
      {"period",
       {{"since", to_rfc3339(summary.period.since)}, {"until", to_rfc3339(summary.period.until)}, {"timezone", "UTC"}}},
      {"totals",
       {{"sessions", summary.sessions},
        {"commands", summary.commands},
        {"tools", summary.tools},
        {"agents", summary.agents},
        {"errors", summary.errors},
        {"success_rate", summary.success_rate ? Json(*summary.success_rate) : Json()},
        {"active_ms", summary.active_ms},
        {"tokens",
         {{"input", summary.tokens.input},
          {"output", summary.tokens.output},
          {"cache_read", summary.tokens.cache_read},
          {"cache_creation", summary.tokens.cache_creation},
          {"total", summary.tokens.total()}}},
        {"cost_usd", summary.cost_usd ? Json(*summary.cost_usd) : Json()}}}};
}

std::string fixed(double value, const char* pattern) {
  char text[48];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

void print_usage(const char* title, const std::vector<metrics::Usage>& rows) {
  if (rows.empty()) return;
  Table table;
  table.column(title);
  for (const char* column : {"CALLS", "SUCCESS", "P50", "P95", "TOTAL"}) table.column(column, Table::Align::right);
  for (const metrics::Usage& row : rows)
    table.row({row.name, with_thousands(row.count),
               fixed(100 * static_cast<double>(row.successes) / static_cast<double>(row.count), "%.1f %%"),
               human_ms(row.percentiles.p50), human_ms(row.percentiles.p95), human_ms(row.total_ms)});
  std::cout << "\n" << table.text();
}

void print(const Answers& answers) {
  const metrics::Summary& summary = answers.summary;
  std::cout << to_rfc3339(summary.period.since) << " to " << to_rfc3339(summary.period.until) << "\n\n";
  Table table;
  table.column("TOTALS");
  table.column("", Table::Align::right);
  table.row({"sessions", with_thousands(summary.sessions)});
  table.row({"commands", with_thousands(summary.commands)});
  table.row({"tool calls", with_thousands(summary.tools)});
  table.row({"agent interactions", with_thousands(summary.agents)});
  table.row({"errors", with_thousands(summary.errors)});
  table.row({"success rate", summary.success_rate ? fixed(*summary.success_rate * 100, "%.1f %%") : "–"});
  table.row({"active time", human_ms(static_cast<double>(summary.active_ms))});
  table.row({"tokens", with_thousands(summary.tokens.total())});
  table.row({"cost", summary.cost_usd ? fixed(*summary.cost_usd, "$%.2f") : "–"});
  std::cout << table.text();
  print_usage("TOOLS", answers.tools);
  print_usage("COMMANDS", answers.commands);
}

}  // namespace

int run_report(const Settings& settings, const ReportCommand& command) {
  tell_problems(settings);
  Local local(settings);
  const WallTime now = local.clock().now();
  auto since = time_of(command.since, now);
  if (!since) return fail(kUsage, "--since: " + since.error().what);
  auto until = command.until.empty() ? Result<WallTime>(now + Millis(1)) : time_of(command.until, now);
  if (!until) return fail(kUsage, "--until: " + until.error().what);
  if (*until <= *since) return fail(kUsage, "--until: must be later than --since");
  auto reader = local.reader();
  if (!reader) return fail_store(reader.error());
  auto answers = ask(**reader, {*since, *until});
  if (!answers) return fail_store(answers.error());
  if (command.format == "json")
    std::cout << dump_json(to_json(answers->summary)) << "\n";
  else
    print(*answers);
  return kDone;
}

}  // namespace fortium::app
