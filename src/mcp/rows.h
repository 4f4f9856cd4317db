// The parts that standard_catalog() is made of. Private to mcp.
#pragma once

#include <vector>

#include "fortium/mcp/catalog.h"

namespace fortium::mcp {

std::vector<Tool> recorders(const std::optional<metrics::AlertRules>& rules);
std::vector<Tool> session_recorders();
std::vector<Tool> questions();
std::vector<Resource> resources();
std::vector<Prompt> prompts();

// What query_dashboard and the dashboard resource show.
struct Dashboard {
  metrics::Period period;
  std::int64_t command_count = 0;
  std::optional<double> success_rate;              // 0 to 1
  std::int64_t active_agents = 0;                  // different agents at work
  std::optional<double> productivity_improvement;  // change of commands against the period before; 0.1 is 10 % more
  std::optional<double> avg_response_time;         // of commands, in ms
  std::optional<double> quality_score;             // mean of the recorded code_quality_score, 0 to 1
  std::vector<metrics::Recent> recent_commands;
};
Result<Dashboard> read_dashboard(Context& context, const metrics::Period& period);
Json to_json(const Dashboard& dashboard);
std::string to_ascii(const Dashboard& dashboard);
std::string to_markdown(const Dashboard& dashboard);

Json to_json(const metrics::Usage& usage);
Json to_json(const metrics::Session& session, WallTime now);
Json to_json(const metrics::Summary& summary);
Json number_or_null(const std::optional<double>& value);

}  // namespace fortium::mcp
