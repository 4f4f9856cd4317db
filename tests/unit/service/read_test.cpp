// The read side: the same numbers as `report`, filters, pages, CSV, tags.
#include "fixture.h"
#include "fortium/report/questions.h"
#include "fortium/report/render.h"
#include "service/openapi.h"

namespace fortium::service {

using namespace std::chrono_literals;

namespace {

constexpr const char* kPeriod = "from=2026-01-01&to=2026-01-03";

Json command(int n, const std::string& name, const std::string& session, const std::string& user, double ms = 100) {
  return {{"id", id(n)},
          {"timestamp", "2026-01-02T0" + std::to_string(n % 10) + ":00:00.000Z"},
          {"command_name", name},
          {"execution_time_ms", ms},
          {"status", n % 4 == 0 ? "error" : "success"},
          {"session_id", session},
          {"user_id", user}};
}

// Twelve commands of two people in three sessions, on two installations.
void record_some(Fixture& f) {
  Json first = Json::array(), second = Json::array();
  for (int n = 0; n < 8; ++n)
    first.push_back(command(n, n % 2 == 0 ? "/plan" : "/build", n < 4 ? "s1" : "s2", n < 6 ? "ann" : "bob"));
  for (int n = 8; n < 12; ++n) second.push_back(command(n, "/test", "s3", "bob", 2'000));
  REQUIRE(f.post({{"device_id", "laptop"}, {"command_executions", first}}).status == 200);
  REQUIRE(f.post({{"device_id", "tower"}, {"command_executions", second}}).status == 200);
}

Json ask(Fixture& f, const std::string& path, const std::string& more = "") {
  const Response response = f.get(path + "?" + kPeriod + more);
  REQUIRE_MESSAGE(response.status == 200, response.body);
  return body_of(response);
}

std::vector<std::string> fields_of(const Response& response) {
  std::vector<std::string> fields;
  const Json body = body_of(response);
  for (const Json& error : body["errors"]) fields.push_back(error["field"]);
  return fields;
}

}  // namespace

TEST_CASE("rows by name, with totals") {
  Fixture f;
  record_some(f);
  const Json json = ask(f, "/api/v1/metrics/commands");
  CHECK(json["success"] == true);
  CHECK(json["period"]["since"] == "2026-01-01T00:00:00.000Z");
  CHECK(json["period"]["until"] == "2026-01-04T00:00:00.000Z");
  REQUIRE(json["data"].size() == 3);
  CHECK(json["data"][0]["calls"] == 4);
  CHECK(json["totals"]["calls"] == 12);
  CHECK(json["totals"]["errors"] == 3);
  CHECK(json["next_cursor"].is_null());
}

TEST_CASE("a filter shows its part, and parts add up to the whole") {
  Fixture f;
  record_some(f);
  const auto calls = [&](const std::string& filter) {
    return ask(f, "/api/v1/metrics/commands", filter)["totals"]["calls"].get<int>();
  };
  CHECK(calls("&user_id=ann") == 6);
  CHECK(calls("&user_id=bob") == 6);
  CHECK(calls("&session_id=s1") == 4);
  CHECK(calls("&device_id=laptop") == 8);
  CHECK(calls("&device_id=tower") == 4);
  CHECK(calls("&device_id=tower&user_id=ann") == 0);
  CHECK(calls("&name=/plan") == 4);
  CHECK(calls("&project=none") == 0);
}

TEST_CASE("every question answers the same of all installations as of each of them") {
  Fixture f;
  Json records = Json::array();
  for (int n = 0; n < 10; ++n) records.push_back(command(n, "/plan", "s1", "ann", n * 10.0));
  REQUIRE(f.post({{"device_id", "laptop"}, {"command_executions", records}}).status == 200);
  for (const report::Question& question : report::questions()) {
    if (question.name == "year") continue;
    const std::string path = "/api/v1/metrics/" + std::string(question.name);
    CAPTURE(path);
    CHECK(ask(f, path, "&device_id=laptop") == ask(f, path));
  }
}

TEST_CASE("pages hold every row once, in one order") {
  Fixture f;
  record_some(f);
  const Json whole = ask(f, "/api/v1/metrics/sessions");
  Json seen = Json::array();
  std::string more = std::string("?limit=2&") + kPeriod;
  for (int page = 0; page < 5; ++page) {
    const Json json = body_of(f.get("/api/v1/metrics/sessions" + more));
    for (const Json& row : json["data"]) seen.push_back(row);
    CHECK(json["totals"] == whole["totals"]);
    if (json["next_cursor"].is_null()) break;
    more = "?limit=2&cursor=" + json["next_cursor"].get<std::string>();
  }
  CHECK(seen == whole["data"]);
}

TEST_CASE("CSV has the same columns and rows") {
  Fixture f;
  record_some(f);
  const Response response = f.get(std::string("/api/v1/metrics/commands?format=csv&limit=2&") + kPeriod);
  CHECK(response.header("Content-Type") == "text/csv; charset=utf-8; header=present");
  CHECK(response.body.starts_with("command,calls,"));
  CHECK(std::ranges::count(response.body, '\n') == 3);
  CHECK_FALSE(response.header("X-Next-Cursor").empty());
  Request asking = f.request("GET", std::string("/api/v1/metrics/commands?") + kPeriod, f.key);
  asking.headers.emplace_back("Accept", "text/csv");
  CHECK(f.service.answer(asking).body.starts_with("command,calls,"));
}

TEST_CASE("who has the answer is told so without its bytes") {
  Fixture f;
  record_some(f);
  Request asking = f.request("GET", "/api/v1/metrics/summary", f.key);
  const Response first = f.service.answer(asking);
  REQUIRE(first.status == 200);
  asking.headers.emplace_back("If-None-Match", "\"other\", W/" + std::string(first.header("ETag")));
  f.clock.advance(100ms);
  const Response again = f.service.answer(asking);
  CHECK(again.status == 304);
  CHECK(again.body.empty());
  CHECK(again.header("ETag") == first.header("ETag"));
  CHECK(f.results(list(tool(id(99))))[0]["status"] == "accepted");
  asking.query = "from=2026-01-01&to=2026-01-03";
  CHECK(f.service.answer(asking).status == 200);
}

TEST_CASE("a parameter that is not understood is named, and none is ignored") {
  Fixture f;
  const auto refused = [&](const std::string& query) {
    const Response response = f.get("/api/v1/metrics/tools?" + query);
    CHECK(response.status == 400);
    return fields_of(response);
  };
  CHECK(refused("from=yesterday") == std::vector<std::string>{"from"});
  CHECK(refused("from=2026-01-05&to=2026-01-02") == std::vector<std::string>{"to"});
  CHECK(refused("limit=0") == std::vector<std::string>{"limit"});
  CHECK(refused("limit=1001") == std::vector<std::string>{"limit"});
  CHECK(refused("limit=many") == std::vector<std::string>{"limit"});
  CHECK(refused("cursor=1.2") == std::vector<std::string>{"cursor"});
  CHECK(refused("format=xlsx") == std::vector<std::string>{"format"});
  CHECK(refused("by=week") == std::vector<std::string>{"by"});
  CHECK(refused("organization=other") == std::vector<std::string>{"organization"});
  CHECK(refused("source=elsewhere&limit=-1") == std::vector<std::string>{"limit", "source"});
}

TEST_CASE("a refusal is JSON also where it names what is cut within a character") {
  Fixture f;
  std::string name(499, 'x');
  for (int i = 0; i < 3; ++i) name += "\xe2\x82\xac";  // the limit is in the middle of the first
  const Response response = f.get("/api/v1/metrics/commands?" + name + "=1");
  CHECK(response.status == 400);
  CHECK(fields_of(response) == std::vector{std::string(499, 'x') + "\xef\xbf\xbd"});
}

TEST_CASE("the dashboard has its documented parts") {
  Fixture f;
  record_some(f);
  const Json answer = ask(f, "/api/v1/dashboard/summary");
  const Json& json = answer["data"];
  CHECK(json["overview"]["total_commands"] == 12);
  CHECK(json["overview"]["total_sessions"] == 3);
  CHECK(json["overview"]["error_rate"] == 0.25);
  CHECK(json["trends"] == Json::parse(R"([{"date":"2026-01-02","commands":12,"tools":0,"errors":3}])"));
  CHECK(json["top_commands"].size() == 3);
  CHECK(json["user_activity"].size() == 2);
  const Json drawn = ask(f, "/api/v1/dashboard/charts");
  const Json& charts = drawn["data"]["charts"];
  REQUIRE(charts.size() == 4);
  for (const Json& chart : charts)
    for (const Json& series : chart["series"]) CHECK(series["data"].size() == chart["labels"].size());
  CHECK(fields_of(f.get("/api/v1/dashboard/summary?time_range=1h&from=2026-01-01")) ==
        std::vector<std::string>{"time_range"});
}

TEST_CASE("an export gives every record back as it came, in pages") {
  Fixture f;
  record_some(f);
  std::string all, cursor;
  int pages = 0;
  do {
    const Response page = f.get("/api/v1/metrics/export?kind=command_execution&limit=5&" + std::string(kPeriod) +
                                (cursor.empty() ? "" : "&cursor=" + cursor));
    REQUIRE_MESSAGE(page.status == 200, page.body);
    all += page.body;
    cursor = page.header("X-Next-Cursor");
    ++pages;
  } while (!cursor.empty());
  CHECK(pages == 3);
  CHECK(std::ranges::count(all, '\n') == 12);
  // What was exported is taken back as what it was.
  Json records = Json::array();
  std::string_view left = all;
  while (!left.empty()) {
    const auto line = left.substr(0, left.find('\n'));
    left.remove_prefix(line.size() + 1);
    records.push_back(Json::parse(line));
  }
  const Json receipt = body_of(f.post({{"command_executions", records}}));
  for (const Json& result : receipt["results"]) CHECK(result["status"] == "duplicate");
  CHECK(body_of(f.get("/api/v1/metrics/export?kind=command_execution&format=json&user_id=ann&" + std::string(kPeriod)))
            .size() == 6);
  CHECK(f.get("/api/v1/metrics/export?kind=command_execution&format=csv&" + std::string(kPeriod))
            .body.starts_with("id,timestamp,"));
  CHECK(fields_of(f.get("/api/v1/metrics/export")) == std::vector<std::string>{"kind"});
}

TEST_CASE("another organization's records are not there") {
  Fixture f;
  record_some(f);
  const std::string other = f.issue(f.tenant("Other"), kRead);
  for (const char* path : {"/api/v1/metrics/commands", "/api/v1/metrics/sessions", "/api/v1/metrics/summary"}) {
    const Response response = f.get(std::string(path) + "?" + kPeriod + "&session_id=s1", other);
    REQUIRE(response.status == 200);
    CHECK(response.body.find("s1") == std::string::npos);
    CHECK(response.body.find("/plan") == std::string::npos);
  }
  CHECK(f.get("/api/v1/metrics/export?kind=command_execution&" + std::string(kPeriod), other).body.empty());
}

TEST_CASE("every end point is described") {
  const Json json = Json::parse(openapi_json());
  std::size_t rows = 0;
  for (const std::span<const Route> table : all_routes())
    for (const Route& route : table) {
      CAPTURE(route.path);
      ++rows;
      std::string method(route.method);
      for (char& c : method) c = static_cast<char>(c | 0x20);
      const Json& operation = json["paths"][std::string(route.path)][method];
      CHECK_FALSE(operation["summary"].get<std::string>().empty());
      CHECK(operation.contains("security") == (route.any_of != 0));
      CHECK(operation["parameters"].size() >= route.query.size());
      CHECK(operation.contains("requestBody") == (route.body != Body::none));
      // The bodies of administrators and of people are checked by what is published of them. What is not described is
      // told elsewhere: messages of MCP, changes of sessions, and the shapes of those who came before.
      if (route.body != Body::json) continue;
      const Json& body = operation["requestBody"]["content"]["application/json"]["schema"];
      const bool ours = route.path.starts_with("/api/v1/admin/") || route.path.starts_with("/api/v1/auth/");
      const bool takes_none = route.path == "/api/v1/auth/logout";
      CHECK((body.contains("properties") || !ours || takes_none));
      if (!route.form.empty()) CHECK(body["additionalProperties"] == false);
      if (ours && !takes_none) CHECK_FALSE(route.form.empty());
      if (ours && route.path != "/api/v1/auth/password" && !takes_none) CHECK_FALSE(route.gives.shape.empty());
    }
  std::size_t operations = 0;
  for (const auto& [path, methods] : json["paths"].items()) operations += methods.size();
  CHECK(operations == rows);
}

}  // namespace fortium::service
