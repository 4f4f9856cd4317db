// The documented dashboard: one set of figures, as JSON, as a box of ASCII, and as Markdown.
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "rows.h"

namespace fortium::mcp {

namespace {

constexpr std::string_view kTitle = "FORTIUM AI-AUGMENTED DEVELOPMENT DASHBOARD";
constexpr std::size_t kInner = 61;  // the documented box is 63 columns wide with its border
constexpr std::int64_t kRecent = 10;
constexpr std::int64_t kMostAgents = 10'000;

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string percent(const std::optional<double>& share, bool sign = false) {
  if (!share) return "n/a";
  return (sign && *share >= 0 ? "+" : "") + fixed(*share * 100, 1) + "%";
}

std::string millis(const std::optional<double>& ms) { return ms ? fixed(*ms, 0) + "ms" : "n/a"; }

std::string centered(std::string_view text) {
  const std::size_t left = (kInner - text.size()) / 2;
  return "|" + std::string(left, ' ') + std::string(text) + std::string(kInner - text.size() - left, ' ') + "|\n";
}

std::string pair_row(const std::string& left, const std::string& right) {
  std::string row = "| " + left;
  row.resize(2 + kInner / 2, ' ');
  row += right;
  row.resize(1 + kInner, ' ');
  return row + "|\n";
}

}  // namespace

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Result<Dashboard> read_dashboard(Context& context, const metrics::Period& period) {
  constexpr std::int64_t kSteps = 5;
  Dashboard out;
  out.period = period;
  FM_TRY(metrics::Reader* const reader, context.reader());
  FM_TRY(const metrics::Summary now, reader->summary(period));
  FM_TRY_(context.pulse(1, kSteps, "totals are read"));
  FM_TRY(const metrics::Summary before, reader->summary(metrics::period_before(period)));
  FM_TRY_(context.pulse(2, kSteps, "totals before are read"));
  FM_TRY(const auto agents, reader->usage(*metrics::find_kind("agent_interaction"), period, "", kMostAgents));
  FM_TRY_(context.pulse(3, kSteps, "agents are read"));
  FM_TRY(out.recent_commands, reader->recent(*metrics::find_kind("command_execution"), period, "", kRecent));
  FM_TRY_(context.pulse(4, kSteps, "commands are read"));
  FM_TRY(const std::optional<double> quality, reader->average_metric("code_quality_score", period));
  out.command_count = now.commands;
  out.success_rate = now.success_rate;
  out.active_agents = static_cast<std::int64_t>(agents.size());
  if (before.commands > 0)
    out.productivity_improvement =
        static_cast<double>(now.commands - before.commands) / static_cast<double>(before.commands);
  out.avg_response_time = now.avg_command_ms;
  // Recorded as a share or as a percentage.
  if (quality) out.quality_score = *quality > 1 ? *quality / 100 : *quality;
  return out;
}

Json to_json(const Dashboard& dashboard) {
  Json recent = Json::array();
  for (const metrics::Recent& row : dashboard.recent_commands)
    recent.push_back({{"name", row.name},
                      {"duration", row.duration_ms},
                      {"status", row.status},
                      {"timestamp", to_rfc3339(row.timestamp)}});
  return {{"period", {{"since", to_rfc3339(dashboard.period.since)}, {"until", to_rfc3339(dashboard.period.until)}}},
          {"command_count", dashboard.command_count},
          {"success_rate", number_or_null(dashboard.success_rate)},
          {"active_agents", dashboard.active_agents},
          {"productivity_improvement", number_or_null(dashboard.productivity_improvement)},
          {"avg_response_time", number_or_null(dashboard.avg_response_time)},
          {"quality_score", number_or_null(dashboard.quality_score)},
          {"recent_commands", std::move(recent)}};
}

std::string to_ascii(const Dashboard& dashboard) {
  const std::string rule = "+" + std::string(kInner, '-') + "+\n";
  std::string out = rule + centered(kTitle) + rule;
  out += pair_row("Commands Executed: " + std::to_string(dashboard.command_count),
                  "Success Rate: " + percent(dashboard.success_rate));
  out += pair_row("Active Agents: " + std::to_string(dashboard.active_agents),
                  "Productivity: " + percent(dashboard.productivity_improvement, /*sign=*/true));
  out += pair_row("Response Time: " + millis(dashboard.avg_response_time),
                  "Quality Score: " + percent(dashboard.quality_score));
  return out + rule;
}

std::string to_markdown(const Dashboard& dashboard) {
  std::string out = "# Fortium AI-Augmented Development Dashboard\n\n## Key Metrics\n\n";
  out += "- **Commands Executed**: " + std::to_string(dashboard.command_count) + "\n";
  out += "- **Success Rate**: " + percent(dashboard.success_rate) + "\n";
  out += "- **Active Agents**: " + std::to_string(dashboard.active_agents) + "\n";
  out += "- **Productivity Improvement**: " + percent(dashboard.productivity_improvement, /*sign=*/true) + "\n";
  out += "- **Average Response Time**: " + millis(dashboard.avg_response_time) + "\n";
  out += "- **Quality Score**: " + percent(dashboard.quality_score) + "\n";
  out += "\n## Recent Activity\n\n";
  if (dashboard.recent_commands.empty()) out += "No recent activity\n";
  for (const metrics::Recent& row : dashboard.recent_commands)
    out += "- " + row.name + ": " + millis(row.duration_ms) + "\n";
  return out;
}

}  // namespace fortium::mcp
