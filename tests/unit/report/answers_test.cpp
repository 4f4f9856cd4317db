// What holds for every answer, whatever was recorded.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "report/forms.h"
#include "support/json_schema.h"
#include "world.h"

using namespace fortium;
using namespace fortium::report;
using namespace fortium::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* kZones[] = {"UTC",          "Europe/Berlin",  "America/New_York",
                                  "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia"};

Json ask(std::string_view name, std::vector<metrics::Event> events, Asked asked) {
  ListReader reader(std::move(events));
  return to_json(*find_question(name)->answer(reader, asked));
}
Json ask(std::string_view name, std::vector<metrics::Event> events, By by = By::day) {
  return ask(name, std::move(events), asked_of(*find_question(name), by));
}

metrics::Event tool(std::int64_t at, double ms, const char* status = "success", const char* name = "Bash") {
  static int number = 0;
  metrics::Event event = tool_call("t" + std::to_string(++number), "s1", at);
  value_of(event, "tool_name") = std::string(name);
  value_of(event, "execution_time_ms") = ms;
  value_of(event, "status") = std::string(status);
  return event;
}

// The period that is asked for begins at a full hour.
constexpr std::int64_t kWeekMs = 7 * 86'400'000 + 3'600'000;

// `now` and `before`: so many calls of so many ms, in this week and the one before.
std::string trend_of(int calls, double ms, int calls_before, double ms_before) {
  std::vector<metrics::Event> events;
  for (int i = 0; i < calls; ++i) events.push_back(tool(FakeClock::kStart - 1'000 - i, ms));
  for (int i = 0; i < calls_before; ++i) events.push_back(tool(FakeClock::kStart - kWeekMs - 1'000 - i, ms_before));
  const Json trend = ask("tools", events)["rows"][0]["trend"];
  return trend.is_null() ? "" : trend.get<std::string>();
}

}  // namespace

TEST_CASE("every answer fits the schema that is published, in every zone") {
  for (const char* zone : kZones) {
    const TimeZone held(zone);
    for (const Question& question : questions())
      for (std::size_t by = 0; by < (question.by ? std::size(kBys) : 1); ++by) {
        const Asked asked = asked_of(question, static_cast<By>(by));
        metrics::EmptyReader nothing;
        const JsonSchema schema(json_schema_of(*question.answer(nothing, asked)));
        for (const int days : {0, 40}) {
          CAPTURE(question.name);
          CHECK(schema.complaint(ask(question.name, made_up_work(days), asked)) == "");
        }
      }
  }
}

TEST_CASE("the order in which records come changes nothing") {
  const TimeZone held("America/New_York");
  Dice dice(11);
  const std::vector<metrics::Event> events = made_up_work(40);
  for (const Question& question : questions()) {
    const Json expected = ask(question.name, events);
    std::vector<metrics::Event> shuffled = events;
    for (std::size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[dice.below(i)]);
    CHECK(ask(question.name, shuffled) == expected);
  }
}

TEST_CASE("rows add up to the totals") {
  for (const char* zone : kZones) {
    const TimeZone held(zone);
    for (const char* name : {"tools", "commands", "agents", "models", "projects", "errors", "days", "hours", "year"}) {
      const Json told = ask(name, made_up_work(90));
      for (const char* column : {"calls", "errors", "commands", "tools", "agents", "requests", "records"}) {
        if (!told["totals"].contains(column)) continue;
        std::int64_t sum = 0;
        for (const Json& row : told["rows"]) sum += row[column].get<std::int64_t>();
        // What never failed is no row of "errors".
        if (std::string_view(name) != "errors" || std::string_view(column) == "errors")
          CHECK(told["totals"][column] == sum);
      }
    }
  }
}

TEST_CASE("a trend: within a tenth is none, and few calls say nothing") {
  const TimeZone held("UTC");
  CHECK(trend_of(5, 100, 5, 100) == "stable");
  CHECK(trend_of(5, 110, 5, 100) == "stable");
  CHECK(trend_of(5, 111, 5, 100) == "degrading");
  CHECK(trend_of(5, 90, 5, 100) == "stable");
  CHECK(trend_of(5, 89, 5, 100) == "improving");
  CHECK(trend_of(4, 50, 5, 100).empty());
  CHECK(trend_of(5, 50, 4, 100).empty());
}

TEST_CASE("in any work, a trend is what its rule says, computed in whole numbers") {
  const TimeZone held("UTC");
  Dice dice(3);
  int told[3] = {};
  for (int round = 0; round < 60; ++round) {
    struct Sum {
      std::int64_t timed = 0, ms = 0;
    };
    std::map<std::string, Sum> now, before;
    std::vector<metrics::Event> events;
    const std::int64_t slower = dice.between(70, 130);
    for (std::int64_t left = dice.between(10, 80); left > 0; --left) {
      const std::string name(1, static_cast<char>('a' + dice.below(4)));
      const std::int64_t since = FakeClock::kStart / 3'600'000 * 3'600'000 - 7 * 86'400'000;
      const std::int64_t at = FakeClock::kStart - dice.between(0, 15 * 86'400'000);
      const std::int64_t length = FakeClock::kStart + 1 - since;
      const std::int64_t ms = dice.between(90, 110) * (at >= since ? slower : 100);
      metrics::Event& event = events.emplace_back(tool(at, static_cast<double>(ms), "success", name.c_str()));
      if (dice.one_in(8)) {
        value_of(event, "execution_time_ms") = schema::Value();
      } else if (at >= since - length) {
        Sum& sum = (at >= since ? now : before)[name];
        ++sum.timed;
        sum.ms += ms;
      }
    }
    const Json answer = ask("tools", events);
    for (const Json& row : answer["rows"]) {
      const std::string name = row["tool"];
      const Sum is = now[name], was = before[name];
      const std::int64_t mean = is.ms * was.timed * 10, mean_before = was.ms * is.timed;
      const int place = mean < 9 * mean_before ? 0 : mean > 11 * mean_before ? 2 : 1;
      if (is.timed < 5 || was.timed < 5) {
        CHECK(row["trend"].is_null());
        continue;
      }
      ++told[place];
      CHECK(row["trend"] == metrics::name(static_cast<metrics::Trend>(place)));
    }
  }
  for (const int times : told) CHECK(times > 10);
}

TEST_CASE("an outlier is told against the period before") {
  const TimeZone held("UTC");
  std::vector<metrics::Event> events;
  for (int i = 0; i < 20; ++i) {
    events.push_back(tool(FakeClock::kStart - 1'000 - i, 201, i < 2 ? "error" : "success"));
    events.push_back(tool(FakeClock::kStart - 1'000 - i, 10, i < 3 ? "error" : "success", "Edit"));
    events.push_back(tool(FakeClock::kStart - kWeekMs - 1'000 - i, 100));
    events.push_back(tool(FakeClock::kStart - kWeekMs - 1'000 - i, 10, i < 1 ? "error" : "success", "Edit"));
  }
  for (const char* question : {"summary", "tools", "errors"}) {
    const Json outliers = ask(question, events)["outliers"];
    REQUIRE(outliers.size() == 2);
    CHECK(outliers[0]["name"] == "Bash");
    CHECK(outliers[0]["unlike"] == "slower");
    CHECK(outliers[1]["name"] == "Edit");
    CHECK(outliers[1]["unlike"] == "failing");
  }
}

TEST_CASE("an hour that comes twice is two hours of one name, and a day of 25 hours has them all") {
  const TimeZone held("Europe/Berlin");
  std::vector<metrics::Event> events;
  const WallTime midnight = Zone::system().begin_of(std::chrono::sys_days(std::chrono::year(2025) / 10 / 26));
  for (int hour = 0; hour < 25; ++hour) events.push_back(tool(to_ms(midnight) + hour * 3'600'000, 1));
  Asked asked{.period = {midnight, midnight + 48h}, .zone = Zone::system()};
  const Json days = ask("days", events, asked)["rows"];
  CHECK(days[0]["day"] == "2025-10-26");
  CHECK(days[0]["tools"] == 25);
  CHECK(days[1]["tools"] == 0);
  const Json hours = ask("hours", events, asked)["rows"];
  CHECK(hours[2]["records"] == 2);
  CHECK(hours[3]["records"] == 1);
}

TEST_CASE("streaks: the current one may end yesterday") {
  const TimeZone held("UTC");
  const auto streaks = [](std::initializer_list<int> days_ago) {
    std::vector<metrics::Event> events;
    for (const int days : days_ago) events.push_back(tool(FakeClock::kStart - days * std::int64_t{86'400'000}, 1));
    const Json told = ask("year", events)["streaks"];
    return std::tuple(told["active_days"].get<int>(), told["longest_streak"].get<int>(),
                      told["current_streak"].get<int>());
  };
  CHECK(streaks({}) == std::tuple(0, 0, 0));
  CHECK(streaks({0}) == std::tuple(1, 1, 1));
  CHECK(streaks({1, 2}) == std::tuple(2, 2, 2));
  CHECK(streaks({0, 1, 2}) == std::tuple(3, 3, 3));
  CHECK(streaks({2, 3, 4}) == std::tuple(3, 3, 0));
  CHECK(streaks({0, 10, 11, 12, 13}) == std::tuple(5, 4, 1));
}

TEST_CASE("filters: only what belongs to the project, only what came in that way") {
  const TimeZone held("UTC");
  Asked asked = asked_of(*find_question("projects"));
  asked.project = "api";
  const Json told = ask("projects", made_up_work(20), asked);
  REQUIRE(told["rows"].size() == 1);
  CHECK(told["rows"][0]["project"] == "api");
  std::int64_t sum = 0;
  for (const char* source : {"hook", "import"}) {
    asked = asked_of(*find_question("tools"));
    asked.source = source;
    sum += ask("tools", made_up_work(20), asked)["totals"]["calls"].get<std::int64_t>();
  }
  CHECK(sum == ask("tools", made_up_work(20))["totals"]["calls"]);
}

TEST_CASE("a limit leaves rows out, never numbers of the totals, and says so") {
  const TimeZone held("UTC");
  Asked asked = asked_of(*find_question("tools"));
  const Json all = ask("tools", made_up_work(20), asked);
  asked.limit = 2;
  const Json two = ask("tools", made_up_work(20), asked);
  CHECK(two["rows"].size() == 2);
  CHECK(two["totals"] == all["totals"]);
  CHECK(two["rows"][0] == all["rows"][0]);
  CHECK(two["notes"].dump().find("rows are shown") != std::string::npos);
}

TEST_CASE("a page of HTML has no script, nothing from elsewhere, and no tag that a name brought") {
  const TimeZone held("UTC");
  for (const Question& question : questions()) {
    ListReader reader(made_up_work(20));
    const std::string page = to_html(*question.answer(reader, asked_of(question)), {});
    for (const char* never : {"<script", "src=", "href=", "url(", " style=", "onload", "\x1b", "\u202e"})
      CHECK_MESSAGE(page.find(never) == std::string::npos, question.name, never);
    CHECK(page.find("Content-Security-Policy") < page.find("<style>"));
  }
}

TEST_CASE("a name that a spreadsheet would compute is text in CSV") {
  const TimeZone held("UTC");
  ListReader reader(
      {tool(FakeClock::kStart - 1, 1, "success", "=1+1"), tool(FakeClock::kStart - 1, 1, "success", "a,\"b")});
  const std::string csv = to_csv(*find_question("tools")->answer(reader, asked_of(*find_question("tools"))), {});
  CHECK(csv.find("\r\n'=1+1,") != std::string::npos);
  CHECK(csv.find("\r\n\"a,\"\"b\",") != std::string::npos);
}

TEST_CASE("the score: nothing known, no score; what is known counts by its weight") {
  const TimeZone held("UTC");
  CHECK(ask("summary", {})["totals"]["score"].is_null());
  // Three of four succeed, and a minute is no focus: (40 × 0.75 + 30 × 0) / 70.
  std::vector<metrics::Event> events;
  for (int i = 0; i < 4; ++i) events.push_back(tool(FakeClock::kStart - 60'000 - i, 1, i == 0 ? "error" : "success"));
  CHECK(ask("summary", events)["totals"]["score"] == 43);
}
