// Tools that answer from what was recorded, with the documented fields.
#include <nlohmann/json.hpp>

#include "rows.h"

namespace fortium::mcp {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

// Answers stay below the 40 KB that a client shows a model, whatever names are like.
constexpr std::int64_t kMostNames = 10'000;
constexpr std::size_t kMostRows = 50, kMostRowBytes = 36'000, kMostListBytes = 12'000;

// From the first one on, as many as there is room for.
Json names_within(const std::vector<std::string>& names, std::size_t bytes) {
  Json list = Json::array();
  for (const std::string& name : names) {
    const std::size_t size = dump_json(name).size() + 1;
    if (size > bytes) break;
    bytes -= size;
    list.push_back(name);
  }
  return list;
}

constexpr Field kSessionQuestion[] = {
    {.name = "session_id",
     .type = Text{.max_chars = 128},
     .doc = "Session to tell about; the current one, if absent.",
     .need = Need::optional},
};
constexpr Field kSessionAnswer[] = {
    {.name = "current_session",
     .type = Object{},
     .doc = "The session, or null when nothing is recorded of it.",
     .need = Need::optional},
    {.name = "performance", .type = Object{}, .doc = "Average command time, success rate, errors of the session."},
    {.name = "active_sessions", .type = Integer{.max = INT64_MAX}, .doc = "Sessions of today that have not ended."},
    {.name = "total_sessions_today", .type = Integer{.max = INT64_MAX}, .doc = "Sessions with a record today (UTC)."},
};

template <class T>
double mean(const std::vector<metrics::Session>& sessions, T value) {
  double sum = 0;
  for (const metrics::Session& session : sessions) sum += value(session);
  return sessions.empty() ? 0 : sum / static_cast<double>(sessions.size());
}

CallResult failed(const Error& error) { return CallResult::failure("cannot answer: " + error.what); }

Result<Json> session_metrics(Context& context, const Json& arguments) {
  constexpr double kMinute = 60'000;
  constexpr std::int64_t kMostSessions = 1'000;
  FM_TRY(metrics::Reader* const reader, context.reader());
  const WallTime now = context.clock.now();
  const std::string id = arguments.value("session_id", context.recorder.stamp().session_id);
  FM_TRY(const auto current, reader->session(id));
  const metrics::Period today{std::chrono::floor<std::chrono::days>(now), now + Millis(1)};
  FM_TRY(const auto sessions, reader->sessions(today, kMostSessions));

  std::int64_t active = 0;
  std::vector<metrics::Session> scored;
  for (const metrics::Session& session : sessions) {
    active += session.status == "active";
    if (session.productivity_score) scored.push_back(session);
  }
  Json performance{{"avg_command_time_ms", current ? number_or_null(current->avg_command_ms) : Json()},
                   {"success_rate", current ? number_or_null(current->success_rate) : Json()},
                   {"error_count", current ? current->errors : 0}};
  Json answer{
      {"performance", std::move(performance)},
      {"active_sessions", active},
      {"total_sessions_today", sessions.size()},
      {"average_session_duration_minutes",
       mean(sessions, [](const auto& s) { return static_cast<double>(s.duration().count()) / kMinute; })},
      {"average_commands_per_session", mean(sessions, [](const auto& s) { return static_cast<double>(s.commands); })},
      {"average_productivity_score",
       scored.empty() ? Json() : Json(mean(scored, [](const auto& s) { return *s.productivity_score; }))}};
  if (current) answer["current_session"] = to_json(*current, now);
  return answer;
}

constexpr Field kToolQuestion[] = {
    {.name = "tool_name",
     .type = Text{.max_chars = metrics::kMaxNameChars},
     .doc = "Tool to tell about; all, if absent.",
     .need = Need::optional},
    {.name = "days",
     .type = Integer{.min = 1, .max = 90},
     .doc = "Days to look back, 7 if absent.",
     .need = Need::optional},
};
constexpr Field kToolAnswer[] = {
    {.name = "period", .type = Object{}, .doc = "Start and end of the period, and its days."},
    {.name = "tool_name", .type = Text{}, .doc = "The tool asked for.", .need = Need::optional},
    {.name = "usage_stats",
     .type = Object{},
     .doc = "Executions, average time, success rate, trend.",
     .need = Need::optional},
    {.name = "performance_percentiles",
     .type = Object{},
     .doc = "p50, p90, p95 and p99, in milliseconds.",
     .need = Need::optional},
    {.name = "left_out",
     .type = Integer{.min = 1, .max = kMostNames},
     .doc = "Tools, less used than these, that there is no room for.",
     .need = Need::optional},
};

Result<Json> tool_metrics(Context& context, const Json& arguments) {
  constexpr std::int64_t kDefaultDays = 7;
  FM_TRY(metrics::Reader* const reader, context.reader());
  const auto days = static_cast<std::int64_t>(arguments.value("days", static_cast<double>(kDefaultDays)));
  const std::string only = arguments.value("tool_name", "");
  const metrics::Period period = metrics::last(std::chrono::days(days), context.clock.now());
  FM_TRY(const auto rows, reader->usage(*metrics::find_kind("tool_usage"), period, only, kMostNames));

  Json answer{{"period", {{"start", to_rfc3339(period.since)}, {"end", to_rfc3339(period.until)}, {"days", days}}}};
  if (only.empty()) {
    Json tools = Json::array();
    std::size_t bytes = 0;
    for (const metrics::Usage& row : rows) {
      Json one = to_json(row);
      bytes += dump_json(one).size() + 1;
      if (tools.size() == kMostRows || bytes > kMostRowBytes) break;
      tools.push_back(std::move(one));
    }
    if (tools.size() < rows.size()) answer["left_out"] = rows.size() - tools.size();
    answer["tools"] = std::move(tools);
    return answer;
  }
  metrics::Usage none;
  none.name = only;
  Json one = to_json(rows.empty() ? none : rows.front());
  answer["tool_name"] = only;
  answer["usage_stats"] = std::move(one["usage_stats"]);
  if (one.contains("performance_percentiles"))
    answer["performance_percentiles"] = std::move(one["performance_percentiles"]);
  return answer;
}

constexpr std::string_view kTimeframes[] = {"1h", "24h", "7d", "30d"};
constexpr std::string_view kFormats[] = {"json", "ascii", "markdown"};
constexpr Field kMetric{.name = "metric", .type = Text{.max_chars = 64}, .doc = "Name of a figure."};
constexpr Field kDashboardQuestion[] = {
    {.name = "timeframe", .type = OneOf{kTimeframes}, .doc = "Time range for data."},
    {.name = "metrics",
     .type = List{.item = &kMetric, .max_items = 20},
     .doc = "Figures to show in the json format; all, if absent.",
     .need = Need::optional},
    {.name = "format",
     .type = OneOf{kFormats},
     .doc = "Form of the text: json (if absent), ascii or markdown.",
     .need = Need::optional},
};
constexpr Field kDashboardAnswer[] = {
    {.name = "period", .type = Object{}, .doc = "Start and end of the period."},
    {.name = "text",
     .type = Text{.max_chars = 100'000, .multiline = true},
     .doc = "The dashboard, drawn.",
     .need = Need::optional},
};

CallResult query_dashboard(Context& context, const Json& arguments) {
  const auto time = parse_duration(arguments["timeframe"].get<std::string>());
  auto dashboard = read_dashboard(context, metrics::last(*time, context.clock.now()));
  if (!dashboard) return failed(dashboard.error());
  Json data = to_json(*dashboard);
  if (arguments.contains("metrics") && !arguments["metrics"].empty()) {
    Json picked{{"period", data["period"]}};
    for (const Json& name : arguments["metrics"]) {
      if (!data.contains(name)) {
        std::string known;
        for (const auto& [figure, value] : data.items()) known += (known.empty() ? "" : ", ") + figure;
        return CallResult::failure("query_dashboard: /metrics: each must be one of " + known);
      }
      picked[name.get<std::string>()] = data[name.get<std::string>()];
    }
    data = std::move(picked);
  }
  const std::string format = arguments.value("format", "json");
  if (format == "json") return {dump_json_pretty(data), dump_json(data), false};
  std::string text = format == "ascii" ? to_ascii(*dashboard) : to_markdown(*dashboard);
  data["text"] = text;  // a client that shows only the structured answer shows the drawing too
  return {std::move(text), dump_json(data), false};
}

template <Result<Json> (*ask)(Context&, const Json&)>
CallResult answer(Context& context, const Json& arguments) {
  auto value = ask(context, arguments);
  return value ? CallResult::json(*value) : failed(value.error());
}

}  // namespace

Json to_json(const metrics::Usage& usage) {
  const auto count = static_cast<double>(usage.count);
  const auto timed = [&usage](double ms) { return usage.timed > 0 ? Json(ms) : Json(); };
  Json out{{"tool_name", usage.name},
           {"usage_stats",
            {{"total_executions", usage.count},
             {"avg_execution_time_ms", timed(usage.average_ms)},
             {"min_execution_time_ms", timed(usage.min_ms)},
             {"max_execution_time_ms", timed(usage.max_ms)},
             {"total_execution_time_ms", usage.total_ms},
             {"success_count", usage.successes},
             {"error_count", usage.errors},
             {"success_rate", usage.count > 0 ? Json(static_cast<double>(usage.successes) / count) : Json()},
             {"error_rate", usage.count > 0 ? Json(static_cast<double>(usage.errors) / count) : Json()},
             {"last_used", usage.count > 0 ? Json(to_rfc3339(usage.last_used)) : Json()},
             {"trend", name(usage.trend)}}}};
  if (usage.timed > 0)
    out["performance_percentiles"] = {{"p50", usage.percentiles.p50},
                                      {"p90", usage.percentiles.p90},
                                      {"p95", usage.percentiles.p95},
                                      {"p99", usage.percentiles.p99}};
  return out;
}

Json to_json(const metrics::Session& session, WallTime now) {
  const Millis length = session.status == "active" && !session.end ? now - session.start : session.duration();
  return {{"id", session.id},
          {"user_id", session.user_id},
          {"project", session.project},
          {"start_time", to_rfc3339(session.start)},
          {"end_time", session.end ? Json(to_rfc3339(*session.end)) : Json()},
          {"status", session.status},
          {"duration_ms", length.count()},
          {"commands_executed", session.commands},
          {"tool_calls", session.tools},
          {"tools_used", names_within(session.tools_used, kMostListBytes)},
          {"agents_used", names_within(session.agents_used, kMostListBytes)},
          {"error_count", session.errors},
          {"productivity_score", number_or_null(session.productivity_score)}};
}

Json to_json(const metrics::Summary& summary) {
  Json totals{{"sessions", summary.sessions},
              {"commands", summary.commands},
              {"tools", summary.tools},
              {"agents", summary.agents},
              {"errors", summary.errors},
              {"success_rate", number_or_null(summary.success_rate)},
              {"active_ms", summary.active_ms},
              {"tokens",
               {{"input", summary.tokens.input},
                {"output", summary.tokens.output},
                {"cache_read", summary.tokens.cache_read},
                {"cache_creation", summary.tokens.cache_creation},
                {"total", summary.tokens.total()}}},
              {"cost_usd", number_or_null(summary.cost_usd)}};
  return {{"period", {{"since", to_rfc3339(summary.period.since)}, {"until", to_rfc3339(summary.period.until)}}},
          {"totals", std::move(totals)}};
}

std::vector<Tool> questions() {
  return {{.name = "get-session-metrics",
           .title = "Session metrics",
           .doc = "Get metrics of the current session, and of today's sessions.",
           .input = kSessionQuestion,
           .output = kSessionAnswer,
           .read_only = true,
           .run = answer<session_metrics>},
          {.name = "get-tool-metrics",
           .title = "Tool metrics",
           .doc = "Get usage and performance percentiles of one tool, or of all, over some days.",
           .input = kToolQuestion,
           .output = kToolAnswer,
           .read_only = true,
           .run = answer<tool_metrics>},
          {.name = "query_dashboard",
           .title = "Dashboard",
           .doc = "Query dashboard data and analytics.",
           .input = kDashboardQuestion,
           .output = kDashboardAnswer,
           .read_only = true,
           .run = query_dashboard}};
}

}  // namespace fortium::mcp
