// The documented resources, read from what was recorded.
#include <nlohmann/json.hpp>

#include "rows.h"

namespace fortium::mcp {

namespace {

using namespace std::chrono_literals;

constexpr Millis kDay = 24h;
constexpr Millis kWeek = 7 * 24h;
constexpr std::int64_t kMostRows = 50;

Result<Json> sessions(Context& context, const std::string& /*organization*/) {
  FM_TRY(metrics::Reader* const reader, context.reader());
  const WallTime now = context.clock.now();
  FM_TRY(const auto rows, reader->sessions(metrics::last(kWeek, now), kMostRows));
  Json active = Json::array(), recent = Json::array();
  for (const metrics::Session& row : rows)
    (row.status == "active" && !row.end ? active : recent).push_back(to_json(row, now));
  return Json{{"active_sessions", std::move(active)}, {"recent_sessions", std::move(recent)}};
}

Result<Json> usage_of(Context& context, std::string_view kind, const char* key) {
  FM_TRY(metrics::Reader* const reader, context.reader());
  const metrics::Period period = metrics::last(kWeek, context.clock.now());
  FM_TRY(const auto rows, reader->usage(*metrics::find_kind(kind), period, "", kMostRows));
  Json list = Json::array();
  for (const metrics::Usage& row : rows) {
    list.push_back(to_json(row));
    if (kind != "tool_usage") {
      list.back()["agent_name"] = row.name;
      list.back().erase("tool_name");
      list.back()["tokens"] = {{"input", row.tokens.input}, {"output", row.tokens.output}};
    }
  }
  return Json{{"period", {{"since", to_rfc3339(period.since)}, {"until", to_rfc3339(period.until)}}},
              {key, std::move(list)}};
}

Result<Json> tools(Context& context, const std::string& /*organization*/) {
  return usage_of(context, "tool_usage", "tools");
}
Result<Json> agents(Context& context, const std::string& /*organization*/) {
  return usage_of(context, "agent_interaction", "agents");
}

Result<Json> performance(Context& context, const std::string& /*organization*/) {
  FM_TRY(metrics::Reader* const reader, context.reader());
  FM_TRY(const auto summary, reader->summary(metrics::last(kWeek, context.clock.now())));
  Json out = to_json(summary);
  out["avg_command_time_ms"] = number_or_null(summary.avg_command_ms);
  return out;
}

Result<Json> dashboard(Context& context, const std::string& /*organization*/) {
  FM_TRY(const Dashboard figures, read_dashboard(context, metrics::last(kDay, context.clock.now())));
  return to_json(figures);
}

Result<Json> trends(Context& context, const std::string& /*organization*/) {
  FM_TRY(metrics::Reader* const reader, context.reader());
  const metrics::Period now = metrics::last(kWeek, context.clock.now());
  FM_TRY(const auto days, reader->days(now));
  FM_TRY(const auto current, reader->summary(now));
  FM_TRY(const auto before, reader->summary(metrics::period_before(now)));
  Json rows = Json::array();
  for (const metrics::Day& day : days)
    rows.push_back({{"day", day.day}, {"commands", day.commands}, {"tools", day.tools}, {"errors", day.errors}});
  return Json{{"days", std::move(rows)}, {"this_week", to_json(current)}, {"week_before", to_json(before)}};
}

Result<Json> teams(Context& context, const std::string& /*organization*/) {
  FM_TRY(metrics::Reader* const reader, context.reader());
  const metrics::Period period = metrics::last(kWeek, context.clock.now());
  FM_TRY(const auto people, reader->people(period));
  Json rows = Json::array();
  for (const metrics::Person& person : people)
    rows.push_back({{"user_id", person.user_id},
                    {"sessions", person.sessions},
                    {"commands", person.commands},
                    {"tools", person.tools},
                    {"errors", person.errors}});
  return Json{{"period", {{"since", to_rfc3339(period.since)}, {"until", to_rfc3339(period.until)}}},
              {"members", std::move(rows)}};
}

Result<Json> one_session(Context& context, const std::string& id) {
  FM_TRY(metrics::Reader* const reader, context.reader());
  FM_TRY(const auto session, reader->session(id));
  if (!session) return Error{Errc::not_found, "no such session"};
  return to_json(*session, context.clock.now());
}

Result<Json> one_tool(Context& context, const std::string& name) {
  FM_TRY(metrics::Reader* const reader, context.reader());
  const metrics::Period period = metrics::last(kWeek, context.clock.now());
  FM_TRY(const auto rows, reader->usage(*metrics::find_kind("tool_usage"), period, name, 1));
  if (rows.empty()) return Error{Errc::not_found, "no such tool"};
  Json out = to_json(rows.front());
  out["period"] = {{"since", to_rfc3339(period.since)}, {"until", to_rfc3339(period.until)}};
  return out;
}

}  // namespace

std::vector<Resource> resources() {
  const std::vector<std::string_view> tool{"tool_usage"}, agent{"agent_interaction"};
  const std::vector<std::string_view> outcomes{"command_execution", "tool_usage", "agent_interaction"};
  const std::vector<std::string_view> dashboard_of{"command_execution", "agent_interaction", "productivity_metric"};
  std::vector<std::string_view> all;
  for (const metrics::Kind& kind : metrics::kinds()) all.push_back(kind.name);
  return {
      {"fortium://metrics/sessions/{organization_id}", "User Sessions", "User Sessions",
       "Active and recent sessions of the last seven days.", sessions, all},
      {"fortium://metrics/tools/{organization_id}", "Tool Usage", "Tool Usage",
       "Tools of the last seven days: counts, success rates, percentiles.", tools, tool},
      {"fortium://metrics/performance/{organization_id}", "Performance Metrics", "Performance Metrics",
       "Totals of the last seven days.", performance, all},
      {"fortium://metrics/session/{session_id}", "One Session", "One Session",
       "A session: its times, counts, tools and agents.", one_session, all},
      {"fortium://metrics/tool/{tool_name}", "One Tool", "One Tool",
       "A tool of the last seven days: counts, success rate, percentiles.", one_tool, tool},
      {"metrics://dashboard/current", "Current Dashboard", "Current Dashboard", "The dashboard of the last 24 hours.",
       dashboard, dashboard_of},
      {"metrics://analytics/trends", "Productivity Trends", "Productivity Trends",
       "The last seven days, day by day and against the week before.", trends, all},
      {"metrics://agents/usage", "Agent Usage Statistics", "Agent Usage Statistics",
       "Agents of the last seven days: counts, tokens, percentiles.", agents, agent},
      {"metrics://teams/performance", "Team Performance", "Team Performance",
       "People of the last seven days, as recorded on this machine.", teams, outcomes},
  };
}

}  // namespace fortium::mcp
