// Prompts bring their data with them and say what to look at.
#include <charconv>
#include <nlohmann/json.hpp>

#include "rows.h"

namespace fortium::mcp {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr std::int64_t kMostRows = 20;
constexpr std::int64_t kMostDays = 90;
constexpr std::int64_t kSteps = 4;

constexpr Field kAnalyze[] = {
    {.name = "user_id", .type = Text{}, .doc = "User to analyze."},
    {.name = "days",
     .type = Text{},
     .doc = "Number of days to analyze, from 1 to 90; 7, if absent.",
     .need = Need::optional},
};

Result<std::int64_t> days_of(const Json& arguments) {
  if (!arguments.contains("days")) return 7;
  const auto text = arguments["days"].get<std::string>();
  std::int64_t days = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (code != std::errc() || end != text.data() + text.size() || days < 1 || days > kMostDays)
    return Error{Errc::invalid, "/days: must be a whole number from 1 to 90"};
  return days;
}

Result<std::string> analyze(Context& context, const Json& arguments) {
  FM_TRY(const std::int64_t days, days_of(arguments));
  FM_TRY(metrics::Reader* const reader, context.reader());
  const metrics::Period period = metrics::last(std::chrono::days(days), context.clock.now());
  FM_TRY(const auto now, reader->summary(period));
  FM_TRY(const auto earlier, reader->summary(metrics::period_before(period)));
  FM_TRY_(context.pulse(1, kSteps, "totals are read"));
  FM_TRY(const auto tools, reader->usage(*metrics::find_kind("tool_usage"), period, "", kMostRows));
  FM_TRY_(context.pulse(2, kSteps, "tools are read"));
  FM_TRY(const auto commands, reader->usage(*metrics::find_kind("command_execution"), period, "", kMostRows));
  FM_TRY_(context.pulse(3, kSteps, "commands are read"));
  FM_TRY(const auto people, reader->people(period));

  const auto list = [](const auto& rows) {
    Json out = Json::array();
    for (const metrics::Usage& row : rows) out.push_back(to_json(row));
    return out;
  };
  Json who = Json::array();
  for (const metrics::Person& person : people)
    who.push_back({{"user_id", person.user_id},
                   {"sessions", person.sessions},
                   {"commands", person.commands},
                   {"tools", person.tools},
                   {"errors", person.errors}});
  const Json data{{"period", to_json(now)},
                  {"period_before", to_json(earlier)},
                  {"tools", list(tools)},
                  {"commands", list(commands)},
                  {"people", std::move(who)}};
  return "Analyze the productivity of " + arguments["user_id"].get<std::string>() + " over the last " +
         std::to_string(days) +
         " days, from the metrics below. Compare the period with the one before it. Name what takes most time, what "
         "fails most and since when, and what changed; then suggest at most three things to try. Say where the data is "
         "too thin for a conclusion. Durations are in milliseconds, rates from 0 to 1.\n\n" +
         dump_json_pretty(data);
}

}  // namespace

std::vector<Prompt> prompts() {
  return {{.name = "analyze-productivity",
           .title = "Analyze productivity",
           .doc = "Analyze user productivity metrics and provide insights.",
           .arguments = kAnalyze,
           .write = analyze}};
}

}  // namespace fortium::mcp
