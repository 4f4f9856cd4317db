// GET /api/v1/dashboard/summary in its documented shape, and /charts: series that a page draws as they are.
#include <nlohmann/json.hpp>

#include "filtered_reader.h"
#include "fortium/base/json.h"
#include "fortium/report/questions.h"
#include "read_period.h"
#include "read_routes.h"
#include "service/http/etag.h"
#include "service/http/read_query.h"

namespace fortium::service {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr std::int64_t kTop = 10;

enum Parameter : std::size_t { kFrom, kTo, kRange, kUser };
constexpr std::string_view kRanges[] = {"1h", "1d", "7d", "30d"};
constexpr Field kQuery[] = {
    kFromParameter,
    kToParameter,
    {.name = "time_range",
     .type = OneOf{kRanges},
     .doc = "The period up to now, in place of from and to.",
     .need = Need::optional},
    {.name = "user_id", .type = Text{}, .doc = "Only this person's records.", .need = Need::optional},
};
static_assert(well_formed(kQuery));

using Build = Result<Json> (*)(metrics::Reader& reader, const metrics::Period& period, bool people);

Json maybe(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

Result<Json> top(metrics::Reader& reader, std::string_view kind, const metrics::Period& period,
                 std::string_view name_of) {
  FM_TRY(const auto rows, reader.usage(*metrics::find_kind(kind), period, "", kTop));
  Json out = Json::array();
  for (const metrics::Usage& row : rows)
    out.push_back(
        {{std::string(name_of), row.name},
         {"count", row.count},
         {"avg_execution_time", row.timed > 0 ? Json(row.average_ms) : Json()},
         {"error_rate", row.count > 0 ? static_cast<double>(row.errors) / static_cast<double>(row.count) : 0.0},
         {"last_used", to_rfc3339(row.last_used)}});
  return out;
}

Result<Json> summary(metrics::Reader& reader, const metrics::Period& period, bool people) {
  FM_TRY(const metrics::Summary all, reader.summary(period));
  FM_TRY(const auto agents, reader.usage(*metrics::find_kind("agent_interaction"), period, "", INT64_MAX));
  FM_TRY(const auto score, reader.average_metric("productivity_score", period));
  FM_TRY(const auto days, reader.days(period));
  Json out = {{"overview",
               {{"total_sessions", all.sessions},
                {"total_commands", all.commands},
                {"total_tools", all.tools},
                {"total_agents_used", agents.size()},
                {"avg_execution_time", maybe(all.avg_command_ms)},
                {"error_rate", all.success_rate ? Json(1 - *all.success_rate) : Json()},
                {"productivity_score", maybe(score)},
                {"active_ms", all.active_ms},
                {"total_tokens", all.tokens.total()},
                {"cost_usd", maybe(all.cost_usd)}}}};
  out["trends"] = Json::array();
  for (const metrics::Day& day : days)
    out["trends"].push_back(
        {{"date", day.day}, {"commands", day.commands}, {"tools", day.tools}, {"errors", day.errors}});
  FM_TRY(out["top_commands"], top(reader, "command_execution", period, "command_name"));
  FM_TRY(out["top_tools"], top(reader, "tool_usage", period, "tool_name"));
  FM_TRY(out["top_agents"], top(reader, "agent_interaction", period, "agent_name"));
  out["user_activity"] = Json::array();
  if (!people) return out;
  FM_TRY(const auto persons, reader.people(period));
  for (const metrics::Person& person : persons)
    out["user_activity"].push_back({{"user_id", person.user_id.empty() ? Json() : Json(person.user_id)},
                                    {"sessions", person.sessions},
                                    {"commands", person.commands},
                                    {"tools", person.tools},
                                    {"errors", person.errors}});
  return out;
}

// A question that is drawn, and the columns of its rows that are series over the first one.
struct Drawn {
  std::string_view question;
  std::string_view columns[6];
};
constexpr Drawn kDrawn[] = {
    {"days", {"commands", "tools", "agents", "errors", "tokens.total", "cost_usd"}},
    {"hours", {"commands", "tools", "errors"}},
    {"tools", {"calls", "errors"}},
    {"models", {"requests", "tokens.total", "cost_usd"}},
};

Result<Json> chart(metrics::Reader& reader, const Drawn& drawn, const metrics::Period& period) {
  const report::Question& question = *report::find_question(drawn.question);
  FM_TRY(const report::Report report, question.answer(reader, {.period = period, .zone = report::Zone::system()}));
  const report::Table& table = report.tables.front();
  const auto number = [](const report::Value& value) -> Json {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole;
    if (const auto* real = std::get_if<double>(&value)) return *real;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return nullptr;
  };
  Json labels = Json::array(), series = Json::array();
  for (const report::Row& row : table.rows) labels.push_back(number(row[0]));
  for (const std::string_view column : drawn.columns) {
    if (column.empty()) break;
    const std::size_t at = place_of(table, column);
    Json values = Json::array();
    for (const report::Row& row : table.rows) values.push_back(number(row[at]));
    series.push_back({{"name", table.columns[at].name}, {"title", table.columns[at].title}, {"data", values}});
  }
  return Json{{"name", drawn.question}, {"title", report.title}, {"labels", labels}, {"series", series}};
}

Result<Json> charts(metrics::Reader& reader, const metrics::Period& period, bool /*people*/) {
  Json all = Json::array();
  for (const Drawn& drawn : kDrawn) {
    FM_TRY(Json one, chart(reader, drawn, period));
    all.push_back(std::move(one));
  }
  return Json{{"charts", std::move(all)}};
}

Response answer(Parts& parts, const Call& call, Build build) {
  const WallTime now = parts.clock.now();
  auto checked = read_query(call.request, kQuery, now);
  if (auto* refused = std::get_if<Response>(&checked)) return std::move(*refused);
  const auto& row = std::get<schema::Row>(checked);
  auto read = read_period(row[kFrom], row[kTo], now);
  if (const auto* wrong = std::get_if<FieldError>(&read)) return invalid(call.request, {*wrong});
  auto& period = std::get<metrics::Period>(read);
  if (const auto* range = std::get_if<std::string>(&row[kRange])) {
    if (row[kFrom].index() != 0 || row[kTo].index() != 0)
      return invalid(call.request, {{"time_range", "is given in place of from and to"}});
    period.since = period.until - *parse_duration(*range);
  }
  const auto* user = std::get_if<std::string>(&row[kUser]);
  auto filter = allowed(call.who, {.user_id = user != nullptr ? *user : ""});
  if (!filter) return not_allowed(call.request);
  auto records = parts.depot.find(call.who.place);
  if (!records) return store_problem(call.request, records.error());
  FilteredReader reader(**records, std::move(*filter));
  auto data = build(reader, period, (call.who.may & kViewRecords) != 0);
  if (!data) return store_problem(call.request, data.error());
  return with_etag(call.request, {.body = dump_json({{"success", true},
                                                     {"period",
                                                      {{"since", to_rfc3339(period.since)},
                                                       {"until", to_rfc3339(period.until)},
                                                       {"timezone", report::Zone::system().name()}}},
                                                     {"data", std::move(*data)}})});
}

}  // namespace

std::span<const Route> dashboard_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/api/v1/dashboard/summary", kViewRecords | kViewSummary, Body::none, Cost::request,
       [](Parts& parts, const Call& call) { return answer(parts, call, summary); },
       "What a dashboard shows first: totals, days, and what is used most.", kQuery},
      {"GET", "/api/v1/dashboard/charts", kViewRecords | kViewSummary, Body::none, Cost::request,
       [](Parts& parts, const Call& call) { return answer(parts, call, charts); },
       "Series that a page draws as they are.", kQuery},
  };
  return kRoutes;
}

}  // namespace fortium::service
