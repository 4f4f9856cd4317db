// Records that come one by one, and sessions, by every documented name.
#include "fixture.h"

namespace fortium::service {

using namespace std::chrono_literals;

namespace {

std::string code_of(const Response& response) { return body_of(response)["code"]; }
Json data_of(const Response& response) {
  REQUIRE_MESSAGE(response.status < 300, response.body);
  return body_of(response)["data"];
}
std::vector<std::string> fields_of(const Response& response) {
  std::vector<std::string> fields;
  const Json json = body_of(response);
  for (const Json& error : json["errors"]) fields.push_back(error["field"]);
  return fields;
}

constexpr auto kTool = "/api/v1/metrics/tool-usage";
constexpr auto kStart = "/api/v1/metrics/session/start";
constexpr auto kEnd = "/api/v1/metrics/session/end";
std::string change(const std::string& session) { return "/api/v1/metrics/session/" + session; }

}  // namespace

TEST_CASE("every kind has an end point, and takes the documented body") {
  Fixture f;
  const std::pair<const char*, const char*> kBodies[] = {
      {"/api/v1/metrics/command-execution",
       R"({"command_name":"generate_component","execution_time_ms":1200,"status":"success",
           "command_args":{"type":"react"},"context":{"project":"web_app"}})"},
      {"/api/v1/metrics/tool-usage", R"({"tool_name":"Edit","execution_time_ms":3,"status":"timeout"})"},
      {"/api/v1/metrics/agent-interaction",
       R"({"agent_name":"frontend-developer","interaction_type":"tool_call","input_tokens":300,"output_tokens":800,
           "processing_time_ms":2100,"success":true,"metadata":{"task":"component_creation"}})"},
      {"/api/v1/metrics/productivity",
       R"({"metric_type":"completion_rate","value":8.5,"unit":"tasks_per_hour","period_start":"2025-09-08T09:00:00Z",
           "period_end":"2025-09-08T10:00:00Z","dimensions":{"complexity":"medium"}})"},
      {"/api/v1/metrics/model-usage", R"({"model":"m","input_tokens":1,"output_tokens":2,"duration_ms":3})"},
      // As the code of the predecessors wanted them.
      {"/api/metrics/commands",
       R"({"user_id":"0a4ecf1e-4f3c-4b7e-9d6b-0a6f5f2d9c11","command_name":"/plan","execution_time_ms":5,"status":"error",
           "error_message":null,"project_id":"p"})"},
      {"/api/metrics/agents",
       R"({"user_id":"u","agent_name":"a","interaction_type":"x","execution_time_ms":5,"status":"success"})"},
      {"/api/metrics/productivity", R"({"metric_type":"commands_per_hour","metric_value":3,"metric_unit":"1/h"})"},
      {"/api/v1/metrics/tools", R"({"tool_name":"Edit","duration":3,"success":false})"},
  };
  for (const auto& [path, body] : kBodies) {
    const Response response = f.send("POST", path, Json::parse(body));
    CHECK_MESSAGE(response.status == 201, path << " " << response.body);
    const Json json = body_of(response);
    CHECK(json["success"] == true);
    CHECK(is_uuid(json["data"]["id"].get<std::string>()));
    CHECK(parse_rfc3339(json["data"]["created_at"].get<std::string>()).ok());
    CHECK(json["rate_limit"]["limit"] == 1'000'000);
    CHECK(json["performance"]["processing_latency_ms"].is_number());
    for (const char* name :
         {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Processing-Time", "X-Ingestion-Rate"})
      CHECK_FALSE(response.header(name).empty());
  }
  CHECK(f.count() == std::size(kBodies));
}

TEST_CASE("the same record again is 200 with the same id, another one of that id a conflict") {
  Fixture f;
  CHECK(data_of(f.send("POST", kTool, tool(id(1))))["id"] == id(1));
  const Response again = f.send("POST", kTool, tool(id(1)));
  CHECK(again.status == 200);
  CHECK(data_of(again)["id"] == id(1));
  const Response other = f.send("POST", kTool, tool(id(1), "Write"));
  CHECK(other.status == 409);
  CHECK(code_of(other) == "id_conflict");
  const Response batch = f.post({{"tool_usages", list(tool(id(1)))}});
  CHECK(body_of(batch)["results"][0]["status"] == "duplicate");
  CHECK(f.count() == 1);
}

TEST_CASE("every violation is told, and nothing is kept") {
  Fixture f;
  const Response wrong = f.send("POST", kTool, {{"execution_time_ms", -5}, {"status", "bogus"}, {"colour", 1}});
  CHECK(wrong.status == 400);
  CHECK(body_of(wrong)["message"] == "Validation failed");
  CHECK(fields_of(wrong) == std::vector<std::string>{"colour", "execution_time_ms", "status", "tool_name"});
  CHECK(wrong.header("X-RateLimit-Remaining") == "999999");
  CHECK(f.send("POST", kTool, Json::array()).status == 400);
  Json large = tool(id(1));
  large["context"] = {{"text", std::string(70'000, 'x')}};
  CHECK(f.send("POST", kTool, large).status == 413);
  Json newer = tool(id(1));
  newer["v"] = 2;
  const Response later = f.send("POST", kTool, newer);
  CHECK(later.status == 503);
  CHECK(code_of(later) == "newer_version");
  CHECK_FALSE(later.header("Retry-After").empty());
  CHECK(f.count() == 0);
}

TEST_CASE("the same request with its Idempotency-Key gives the same record") {
  Fixture f;
  const Headers key = {{"Idempotency-Key", "k-1"}};
  const Response first = f.send("POST", kTool, tool(""), key);
  CHECK(first.status == 201);
  f.clock.advance(1h);
  const Response again = f.send("POST", kTool, tool(""), key);
  CHECK(again.status == 201);
  CHECK(data_of(again) == data_of(first));
  f.clock.advance(48h);
  const Response late = f.send("POST", kTool, tool(""), key);
  CHECK(late.status == 200);
  CHECK(data_of(late)["id"] == data_of(first)["id"]);
  CHECK(f.send("POST", kTool, tool("", "Write"), {{"Idempotency-Key", "k-1"}}).status == 422);
  CHECK(f.count() == 1);
}

TEST_CASE("the limit counts a single record as one") {
  Fixture f(/*units_per_minute=*/10);
  CHECK(f.send("POST", kTool, tool("")).header("X-RateLimit-Remaining") == "9");
  for (int i = 0; i < 10; ++i) CHECK(f.send("POST", kTool, tool("")).status == 201);
  CHECK(f.send("POST", kTool, tool("")).status == 429);
}

TEST_CASE("a session is one thing, made of changes") {
  Fixture f;
  const Response started = f.send("POST", kStart, {{"context", {{"project", "shop"}}}});
  CHECK(started.status == 201);
  const std::string session = data_of(started)["id"];
  CHECK(is_uuid(session));
  CHECK(data_of(started)["session"]["status"] == "active");
  CHECK(data_of(started)["session"]["session_end"].is_null());

  f.clock.advance(10min);
  const Response changed =
      f.send("PUT", change(session), {{"commands_executed", 5}, {"agents_used", {"planner"}}, {"context", {{"a", 1}}}});
  CHECK(changed.status == 200);
  Json now = data_of(changed)["session"];
  CHECK(now["id"] == session);
  CHECK(now["organization_id"] == f.acme.id);
  CHECK(now["commands_executed"] == 5);
  CHECK(now["agents_used"] == Json{"planner"});
  CHECK(now["context"] == Json{{"a", 1}});  // merged by field: the newest one stands

  f.clock.advance(10min);
  const Response ended = f.send("POST", kEnd, {{"session_id", session}, {"productivity_score", 80}});
  CHECK(ended.status == 201);
  now = data_of(ended)["session"];
  CHECK(now["status"] == "completed");
  CHECK(now["total_duration_ms"] == 20 * 60'000);
  CHECK(now["commands_executed"] == 5);
  CHECK(now["productivity_score"] == 80);
  CHECK(f.count() == 3);

  // Ended and started again: nothing is recorded that is so already.
  CHECK(f.send("POST", kEnd, {{"session_id", session}}).status == 200);
  CHECK(f.count() == 3);
  f.clock.advance(1min);
  CHECK(f.send("POST", kStart, {{"session_id", session}}).status == 201);
  const Response active = f.send("POST", kStart, {{"session_id", session}});
  CHECK(active.status == 200);
  CHECK(data_of(active)["session"]["status"] == "active");
  CHECK(f.count() == 4);
}

TEST_CASE("changes that come late or twice make the same session") {
  Fixture f;
  const auto at = [](const char* minute) { return "2026-01-01T10:" + std::string(minute) + ":00Z"; };
  const Json start = {{"id", id(1)}, {"session_id", "s"}, {"timestamp", at("00")}};
  const Json update = {{"id", id(2)}, {"timestamp", at("10")}, {"commands_executed", 3}};
  const Json older = {{"id", id(3)}, {"timestamp", at("05")}, {"commands_executed", 1}, {"tasks_completed", 2}};
  CHECK(f.send("POST", kStart, start).status == 201);
  CHECK(f.send("PUT", change("s"), update).status == 200);
  const Json late = data_of(f.send("PUT", change("s"), older))["session"];
  CHECK(late["commands_executed"] == 3);  // the newest by its own time
  CHECK(late["tasks_completed"] == 2);
  CHECK(data_of(f.send("PUT", change("s"), older))["change_id"] == id(3));
  CHECK(f.send("POST", kStart, start).status == 200);
  Json other = older;
  other["commands_executed"] = 9;
  CHECK(f.send("PUT", change("s"), other).status == 409);
  CHECK(f.count() == 3);
}

TEST_CASE("a session that is not there") {
  Fixture f;
  CHECK(f.send("PUT", change("nobody"), {{"commands_executed", 5}}).status == 404);
  CHECK(f.send("POST", kEnd, {{"session_id", "nobody"}}).status == 404);
  CHECK(fields_of(f.send("POST", kEnd, Json::object())) == std::vector<std::string>{"session_id"});
  CHECK(f.send("PUT", change(std::string(300, 'x')), Json::object()).status == 404);
  f.send("POST", kStart, {{"session_id", "s"}});
  CHECK(fields_of(f.send("PUT", change("s"), {{"session_id", "t"}, {"change", "end"}})) ==
        std::vector<std::string>{"session_id", "change"});
  const std::string theirs = f.issue(f.tenant("Other"), kIngest | kRead);
  Request foreign = f.request("PUT", change("s"), theirs);
  foreign.body = "{}";
  CHECK(f.service.answer(foreign).status == 404);
  CHECK(f.count() == 1);
}

TEST_CASE("a session is begun without a word, and ended by its path") {
  Fixture f;
  const Json data = data_of(f.service.answer(f.request("POST", kStart, f.key)));
  const std::string path = "/api/v1/metrics/sessions/" + data["id"].get<std::string>();
  const Response ended = f.service.answer(f.request("DELETE", path, f.key));
  CHECK(ended.status == 201);
  CHECK(data_of(ended)["session"]["status"] == "completed");
  CHECK(f.service.answer(f.request("DELETE", path, f.key)).status == 200);
  CHECK(f.service.answer(f.request("DELETE", path + "x", f.key)).status == 404);
  CHECK(f.count() == 2);
}

TEST_CASE("a start with an Idempotency-Key is one session") {
  Fixture f;
  const Headers key = {{"Idempotency-Key", "k-1"}};
  const Json first = data_of(f.send("POST", kStart, {{"context", {{"a", 1}}}}, key));
  CHECK(data_of(f.send("POST", kStart, {{"context", {{"a", 1}}}}, key))["id"] == first["id"]);
  CHECK(f.count() == 1);
}

TEST_CASE("names with quotes, SQL, Unicode and 255 characters come back verbatim") {
  Fixture f;
  std::string longest;
  for (int i = 0; i < 128; ++i) longest += "ü";
  for (const std::string& name :
       {std::string("Robert'); DROP TABLE user_session;--"), std::string("\"a\"\\b"), longest}) {
    const Json session = data_of(f.send("POST", kStart, {{"session_id", name}, {"user_id", name}}))["session"];
    CHECK(session["id"] == name);
    CHECK(session["user_id"] == name);
  }
}

TEST_CASE("what hooks of the predecessors send") {
  Fixture f;
  const Json sent = {{"tool_name", "Edit"},
                     {"session_id", "s"},
                     {"execution_time_ms", 11},
                     {"success", true},
                     {"timestamp", "2025-11-22T07:41:31Z"},
                     {"user", "alice@example.com"},
                     {"user_name", "Alice"},
                     {"organization_id", "1"},
                     {"auth_token", "0123abc"},
                     {"file_path", "/w/shop/a"},
                     {"lines_added", 2},
                     {"command_type", "git"}};
  const Json data = data_of(f.send("POST", "/api/v1/hooks/tool-metrics", sent));
  CHECK(data["tool_name"] == "Edit");
  CHECK(data["session_id"] == "s");
  CHECK(data["processed"] == true);
  CHECK(data["activity_created"] == false);
  CHECK(f.send("POST", "/hooks/tool-metrics", sent).status == 201);
  CHECK(fields_of(f.send("POST", "/hooks/tool-metrics", {{"tool_name", "Edit"}})) ==
        std::vector<std::string>{"session_id"});
  // Whether it went well is not made up.
  CHECK(fields_of(f.send("POST", "/hooks/tool-metrics", {{"tool_name", "Edit"}, {"session_id", "s"}})) ==
        std::vector<std::string>{"status"});

  CHECK(f.send("POST", "/hooks/session-start", {{"session_id", "h"}, {"start_time", "2026-01-01T10:00:00Z"}}).status ==
        201);
  CHECK(f.send("POST", "/hooks/session-end",
               {{"session_id", "h"},
                {"end_time", "2026-01-01T12:00:00Z"},
                {"duration_hours", 2},
                {"productivity_score", 6.8},
                {"metrics", {{"commands_executed", 3}}}})
            .status == 201);
  const Json session = data_of(f.send("PUT", change("h"), Json::object()))["session"];
  CHECK(session["session_start"] == "2026-01-01T10:00:00.000Z");
  CHECK(session["total_duration_ms"] == 7'200'000);
  CHECK(session["productivity_score"] == 68);
  CHECK(fields_of(f.send("POST", "/hooks/session-end", {{"session_id", "h"}})) == std::vector<std::string>{"end_time"});
}

TEST_CASE("what had no form is refused, with the name of what to use") {
  Fixture f;
  for (const auto& [path, instead] : {std::pair("/hooks/productivity-data", "POST /api/v1/metrics/productivity"),
                                      {"/api/v1/tool-metrics", "POST /api/v1/metrics/tool-usage"},
                                      {"/api/v1/sessions", "POST /api/v1/metrics/session/start"}}) {
    const Response gone = f.send("POST", path, {{"session_id", "h"}});
    CHECK(gone.status == 410);
    CHECK(body_of(gone)["message"].get<std::string>().find(instead) != std::string::npos);
  }
  CHECK(f.count() == 0);
}

TEST_CASE("a command, as an agent's tool tells it") {
  Fixture f;
  const Json sent = {{"session_id", "s"},     {"user_identifier", "u"},  {"agent_name", "planner"},
                     {"command", "/plan"},    {"execution_time_ms", 12}, {"success", true},
                     {"metadata", {{"a", 1}}}};
  CHECK(f.send("POST", "/mcp/metrics/collect", sent).status == 201);
  CHECK(fields_of(f.send("POST", "/mcp/metrics/collect", {{"agent_name", "planner"}})) ==
        std::vector<std::string>{"command_name", "status"});
}

TEST_CASE("the generic shape is taken where it says what was measured") {
  Fixture f;
  const Json metric = {{"name", "efficiency_score"}, {"value", 7}, {"unit", "points"}, {"tags", {{"team", "a"}}}};
  const Json body = {
      {"sessionId", "s"}, {"metrics", list(metric, metric)}, {"userId", "u"}, {"environment", "production"}};
  const Json data = data_of(f.send("POST", "/api/v1/metrics", body));
  CHECK(data["sessionId"] == "s");
  CHECK(data["tenantId"] == f.acme.id);
  CHECK(data["metricsCount"] == 2);
  CHECK(f.count() == 2);
  Json odd = body;
  odd["metrics"].push_back({{"name", "colour"}, {"value", "red"}});
  const Response refused = f.send("POST", "/api/v1/metrics", odd);
  CHECK(refused.status == 400);
  CHECK(fields_of(refused) == std::vector<std::string>{"metrics/2/metric_type", "metrics/2/value"});
  CHECK(f.send("POST", "/api/v1/metrics", {{"sessionId", "s"}, {"metrics", Json::array()}}).status == 400);
  CHECK(f.send("POST", "/api/v1/metrics", "text").status == 400);
  CHECK(f.count() == 2);
}

TEST_CASE("the hybrid collector's lines") {
  Fixture f;
  const Json line = {{"timestamp", "2025-11-22T07:47:11.397Z"},
                     {"user_id", "u"},
                     {"session_id", "s"},
                     {"tool_name", "T0"},
                     {"execution_time_ms", 1},
                     {"status", "success"},
                     {"source", "mcp_call"}};
  const std::string path = "/api/v1/metrics/hybrid-sync";
  const Response taken = f.send("POST", path, {{"metrics", list(line)}, {"source", "hybrid_collector"}});
  CHECK_MESSAGE(taken.status == 200, taken.body);
  CHECK(body_of(taken)["success"] == true);
  CHECK(f.send("POST", path, {{"metrics", list(Json{{"agent_name", "a"}})}}).status == 400);
  CHECK(f.count() == 1);
}

TEST_CASE("what is named after a thing is told by whoever comes first") {
  Fixture f;
  const std::string derived = "9ad08570-9040-8575-81dd-274759af815a";
  CHECK(f.results(list(tool(derived)))[0]["status"] == "accepted");
  CHECK(f.results(list(tool(derived, "Write")))[0]["status"] == "duplicate");
  CHECK(f.send("POST", kTool, tool(derived, "Read")).status == 200);
  CHECK(f.count() == 1);
}

}  // namespace fortium::service
