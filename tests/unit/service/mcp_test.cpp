// The model context protocol over HTTP: who may what, sessions, and what the header must say.
#include <algorithm>
#include <memory>

#include "fixture.h"
#include "fortium/mcp/revision.h"
#include "service/access/people.h"
#include "service/access/tokens.h"
#include "service/mcp/message.h"

namespace fortium::service {

namespace {

constexpr const char* kBoth = "application/json, text/event-stream";

// A client that stays, as a talk sees it.
class FakePipe final : public Pipe {
 public:
  bool send(std::string message) override {
    if (open) sent.push_back(std::move(message));
    return open;
  }
  std::vector<std::string> take() override { return std::exchange(came, {}); }
  bool is_open() const override { return open; }
  bool is_ending() const override { return ending; }
  void close() override { closed = true; }

  std::vector<std::string> sent, came;
  bool open = true, ending = false, closed = false;
};

struct McpFixture : Fixture {
  Request message(const Json& body, Headers more = {}) const {
    Request post = request("POST", "/mcp", key);
    post.headers.emplace_back("Content-Type", "application/json");
    post.headers.emplace_back("Accept", kBoth);
    for (auto& header : more) post.headers.push_back(std::move(header));
    post.body = dump_json(body);
    return post;
  }
  Response ask(const Json& body, Headers more = {}) { return service.answer(message(body, std::move(more))); }

  static Json rpc(const std::string& method, Json params = Json::object(), int id = 1) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
  }
  static Json hello(std::string_view revision = "2025-11-25") {
    return rpc("initialize", {{"protocolVersion", revision},
                              {"capabilities", Json::object()},
                              {"clientInfo", {{"name", "t"}, {"version", "1"}}}});
  }
  static Json call(const std::string& tool, Json arguments) {
    return rpc("tools/call", {{"name", tool}, {"arguments", std::move(arguments)}});
  }
  static Json usage() {
    return call("record-tool-usage", {{"tool_name", "Read"}, {"execution_time_ms", 4}, {"status", "success"}});
  }
  std::string session(std::string_view revision = "2025-11-25") {
    const Response answer = ask(hello(revision));
    REQUIRE(answer.status == 200);
    const std::string id(answer.header("Mcp-Session-Id"));
    REQUIRE(id.size() == 64);
    return id;
  }
  // A request that stands alone, and its header.
  static Json alone(const std::string& method, Json params = Json::object()) {
    params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                       {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
    return rpc(method, std::move(params));
  }
  static Headers head_of(const std::string& method, const std::string& name = "") {
    Headers headers = {{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", method}};
    if (!name.empty()) headers.emplace_back("Mcp-Name", name);
    return headers;
  }
  std::vector<std::string> tools(const std::string& with_key) {
    key = with_key;
    std::vector<std::string> names;
    const Json listed = body_of(ask(rpc("tools/list"), {{"Mcp-Session-Id", session()}}));
    for (const Json& tool : listed["result"]["tools"]) names.push_back(tool["name"]);
    return names;
  }
};

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

TEST_CASE_FIXTURE(McpFixture, "what is recorded over HTTP is counted, and told of once it is kept") {
  const std::string id = session();
  const Json answer = body_of(ask(usage(), {{"Mcp-Session-Id", id}}));
  CHECK(answer["result"]["isError"] == false);
  CHECK(count() == 1);
  const Json asked = body_of(ask(call("get-tool-metrics", {{"tool_name", "Read"}}), {{"Mcp-Session-Id", id}}));
  CHECK(dump_json(asked).find("Read") != std::string::npos);
  CHECK(ask({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}, {{"Mcp-Session-Id", id}}).status == 202);
}

TEST_CASE_FIXTURE(McpFixture, "a credential that may only write sees no question, and hears no answer") {
  const std::string writer = issue(acme, kIngest), reader = issue(acme, kRead);
  const auto written = tools(writer);
  CHECK(has(written, "record-tool-usage"));
  CHECK(has(written, "record-session-end"));
  CHECK_FALSE(has(written, "query_dashboard"));
  CHECK_FALSE(has(written, "get-session-metrics"));
  const std::string id = session();
  CHECK(body_of(ask(rpc("resources/list"), {{"Mcp-Session-Id", id}}))["result"]["resources"].empty());
  CHECK(body_of(ask(rpc("prompts/list"), {{"Mcp-Session-Id", id}}))["result"]["prompts"].empty());
  const Json refused = body_of(ask(call("query_dashboard", {{"timeframe", "24h"}}), {{"Mcp-Session-Id", id}}));
  CHECK(refused["error"]["code"] == -32602);
  const Json unread =
      body_of(ask(rpc("resources/read", {{"uri", "metrics://dashboard/current"}}), {{"Mcp-Session-Id", id}}));
  CHECK(unread["error"]["code"] == -32002);
  // The end of a session is told, what it was made of is not.
  const Json ended = body_of(ask(call("record-session-end", {{"session_id", "s"}}), {{"Mcp-Session-Id", id}}));
  CHECK(ended["result"]["structuredContent"]["success"] == true);
  CHECK_FALSE(ended["result"]["structuredContent"].contains("summary"));

  const auto read = tools(reader);
  CHECK(has(read, "query_dashboard"));
  CHECK_FALSE(has(read, "record-tool-usage"));
  const Json unwritten = body_of(ask(usage(), {{"Mcp-Session-Id", session()}}));
  CHECK(unwritten["error"]["code"] == -32602);
  CHECK(count() == 1);  // the end of the session

  key = issue(acme, kAdmin);
  CHECK(ask(hello()).status == 403);
}

TEST_CASE_FIXTURE(McpFixture, "a developer is answered from their own records, whatever is asked") {
  const auto token = [this](const std::string& name, Role role) {
    People people(control().sql(), clock, entropy);
    const Person person = must(people.create(acme.id, name, name, role, ""));
    return must(Tokens(control(), clock, entropy, TokenOptions{}).make(person, "")).text.reveal();
  };
  const auto record = [this](const std::string& name) {
    const Headers head = {{"Mcp-Session-Id", session()}};
    const Json used = {{"tool_name", name + "-tool"}, {"execution_time_ms", 4}, {"status", "success"}};
    const Json run = {{"command_name", "/" + name}, {"execution_time_ms", 4}, {"status", "success"}};
    const Json agent = {
        {"agent_name", name}, {"interaction_type", "delegation"}, {"processing_time_ms", 1}, {"success", true}};
    REQUIRE(body_of(ask(call("record-session-start", {{"session_id", name + "-session"}}), head)).contains("result"));
    for (const auto& [tool, fields] :
         {std::pair("record-tool-usage", used), {"record-command-execution", run}, {"record-agent-interaction", agent}})
      REQUIRE(body_of(ask(call(tool, fields), head))["result"]["isError"] == false);
  };
  key = token("bob", Role::developer);
  record("bob");
  key = token("ada", Role::developer);
  record("ada");

  const Headers head = {{"Mcp-Session-Id", session()}};
  const auto said = [&](const Json& message) { return ask(message, head).body; };
  // What is asked without a name.
  std::vector<Json> open = {call("query_dashboard", {{"timeframe", "24h"}}), call("get-tool-metrics", Json::object()),
                            call("get-session-metrics", Json::object())};
  const Json listed = body_of(ask(rpc("resources/list"), head));
  for (const Json& resource : listed["result"]["resources"])
    open.push_back(rpc("resources/read", {{"uri", resource["uri"]}}));
  for (const std::string word : {"session_id", "tool_name"})
    open.push_back(rpc("completion/complete",
                       {{"ref",
                         {{"type", "ref/resource"},
                          {"uri", "fortium://metrics/" + word.substr(0, word.find('_')) + "/{" + word + "}"}}},
                        {"argument", {{"name", word}, {"value", ""}}}}));
  for (const Json& message : open) {
    const std::string answer = said(message);
    CHECK_MESSAGE(answer.find("bob") == answer.npos, answer);
    CHECK_MESSAGE(answer.find("\"error\"") == answer.npos, answer);
  }
  CHECK(said(open[1]).find("ada-tool") != std::string::npos);
  CHECK(said(open.back()).find("ada-tool") != std::string::npos);

  // By name: what is somebody else's is answered as what nobody ever heard of.
  const auto about = [&](const std::string& name) {
    std::string all;
    for (const Json& message :
         {call("get-tool-metrics", {{"tool_name", name + "-tool"}}),
          call("get-session-metrics", {{"session_id", name + "-session"}}),
          rpc("resources/read", {{"uri", "fortium://metrics/session/" + name + "-session"}}),
          rpc("resources/read", {{"uri", "fortium://metrics/tool/" + name + "-tool"}}),
          rpc("prompts/get", {{"name", "analyze-productivity"}, {"arguments", {{"user_id", name}}}})}) {
      all += said(message) + "\n";
    }
    for (std::size_t at = 0; (at = all.find(name, at)) != all.npos;) all.replace(at, name.size(), "…");
    return all;
  };
  CHECK(about("bob") == about("eve"));
  CHECK(about("ada") != about("eve"));
}

TEST_CASE_FIXTURE(McpFixture, "a session is its credential's own, and ends") {
  const std::string id = session(), ours = key;
  const Headers head = {{"Mcp-Session-Id", id}};
  CHECK(ask(rpc("ping"), head).status == 200);
  key = issue(acme, kIngest | kRead);  // the same organization
  CHECK(ask(rpc("ping"), head).status == 404);
  key = issue(tenant("Other"), kIngest | kRead);
  CHECK(ask(rpc("ping"), head).status == 404);
  Request end = request("DELETE", "/mcp", key);
  end.headers.emplace_back("Mcp-Session-Id", id);
  CHECK(service.answer(end).status == 404);

  key = ours;
  clock.advance(kSessionLife - Millis(1));
  CHECK(ask(rpc("ping"), head).status == 200);  // and is used again
  clock.advance(kSessionLife - Millis(1));
  CHECK(ask(rpc("ping"), head).status == 200);
  clock.advance(kSessionLife);
  CHECK(ask(rpc("ping"), head).status == 404);

  const std::string second = session();
  end = request("DELETE", "/mcp", key);
  end.headers.emplace_back("Mcp-Session-Id", second);
  CHECK(service.answer(end).status == 204);
  CHECK(service.answer(end).status == 404);
  CHECK(ask(rpc("ping"), {{"Mcp-Session-Id", second}}).status == 404);
}

TEST_CASE_FIXTURE(McpFixture, "an organization has so many sessions: the one that was not used longest goes") {
  const std::string first = session();
  clock.advance(Millis(1));
  for (std::size_t i = 1; i < kMostSessionsOfTenant; ++i) (void)session();
  CHECK(ask(rpc("ping"), {{"Mcp-Session-Id", first}}).status == 200);
  (void)session();
  CHECK(ask(rpc("ping"), {{"Mcp-Session-Id", first}}).status == 404);
}

TEST_CASE_FIXTURE(McpFixture, "what a session asked for is kept, wherever its next request is answered") {
  const std::string id = session("2025-06-18");
  const Headers head = {{"Mcp-Session-Id", id}, {"MCP-Protocol-Version", "2025-06-18"}};
  CHECK(body_of(ask(rpc("logging/setLevel", {{"level", "debug"}}), head))["result"].empty());
  CHECK(body_of(ask(rpc("resources/subscribe", {{"uri", "metrics://dashboard/current"}}), head))["result"].empty());
  Request get = request("GET", "/mcp", key);
  get.headers = {{"Authorization", "Bearer " + key}, {"Accept", "text/event-stream"}, {"Mcp-Session-Id", id}};
  const Response listening = service.answer(get);
  REQUIRE(listening.talk != nullptr);
  FakePipe pipe;
  listening.talk->work(pipe);
  CHECK(pipe.sent.empty());
  (void)ask(
      call("record-command-execution", {{"command_name", "/plan"}, {"execution_time_ms", 4}, {"status", "success"}}),
      head);
  clock.advance(Millis(1'000));
  listening.talk->work(pipe);
  REQUIRE(pipe.sent.size() == 1);
  CHECK(pipe.sent[0].find("notifications/resources/updated") != std::string::npos);
  CHECK_FALSE(pipe.closed);

  // A newer stream takes the place of an older one, and the end of the session ends it.
  const Response newer = service.answer(get);
  listening.talk->work(pipe);
  CHECK(pipe.closed);
  FakePipe second;
  newer.talk->work(second);
  CHECK_FALSE(second.closed);
  Request end = request("DELETE", "/mcp", key);
  end.headers.emplace_back("Mcp-Session-Id", id);
  CHECK(service.answer(end).status == 204);
  newer.talk->work(second);
  CHECK(second.closed);
}

TEST_CASE_FIXTURE(McpFixture, "a subscription counts from the moment it was made") {
  const std::string id = session();
  const Headers head = {{"Mcp-Session-Id", id}};
  (void)ask(rpc("resources/subscribe", {{"uri", "metrics://agents/usage"}}), head);
  (void)ask(
      call("record-agent-interaction",
           {{"agent_name", "a"}, {"interaction_type", "delegation"}, {"processing_time_ms", 1}, {"success", true}}),
      head);
  Request get = request("GET", "/mcp", key);
  get.headers = {{"Authorization", "Bearer " + key}, {"Accept", "text/event-stream"}, {"Mcp-Session-Id", id}};
  const Response listening = service.answer(get);
  FakePipe pipe;
  listening.talk->work(pipe);
  CHECK(pipe.sent.size() == 1);  // it happened between the two requests
}

TEST_CASE_FIXTURE(McpFixture, "a stream ends with its credential") {
  const std::string id = session();
  Request get = request("GET", "/mcp", key);
  get.headers = {{"Authorization", "Bearer " + key}, {"Accept", "text/event-stream"}, {"Mcp-Session-Id", id}};
  const Response listening = service.answer(get);
  FakePipe pipe;
  listening.talk->work(pipe);
  CHECK_FALSE(pipe.closed);
  REQUIRE(control().set_suspended(acme, true).ok());
  clock.advance(kCredentialLife);
  listening.talk->work(pipe);
  CHECK(pipe.closed);
}

TEST_CASE_FIXTURE(McpFixture, "an organization has so many streams, and each gives its place back") {
  Request get = request("GET", "/mcp", key);
  get.headers = {{"Authorization", "Bearer " + key}, {"Accept", "text/event-stream"}, {"Mcp-Session-Id", session()}};
  std::vector<Response> open;
  for (std::size_t i = 0; i < kMostStreamsOfTenant; ++i) open.push_back(service.answer(get));
  CHECK(open.back().talk != nullptr);
  CHECK(service.answer(get).status == 429);
  open.pop_back();
  CHECK(service.answer(get).talk != nullptr);
}

TEST_CASE_FIXTURE(McpFixture, "what is refused before the protocol is asked") {
  CHECK(ask(hello(), {{"Origin", "https://evil.example"}}).status == 403);
  CHECK(ask(hello(), {{"Origin", "null"}}).status == 403);
  CHECK(ask(hello(), {{"Origin", "http://localhost.evil.example"}}).status == 403);
  const Response local = ask(hello(), {{"Origin", "http://localhost:6274"}});
  CHECK(local.status == 200);
  CHECK(local.header("Access-Control-Allow-Origin") == "http://localhost:6274");

  Request post = message(hello());
  post.headers = {{"Authorization", "Bearer " + key}, {"Content-Type", "text/plain"}};
  CHECK(service.answer(post).status == 415);
  post.headers = {{"Authorization", "Bearer " + key}, {"Accept", "text/html"}};
  CHECK(service.answer(post).status == 406);
  post.headers = {{"Accept", kBoth}};
  CHECK(service.answer(post).status == 401);
  CHECK(ask(rpc("tools/list")).status == 400);  // no session
  CHECK(ask(rpc("ping"), {{"Mcp-Session-Id", "0"}}).status == 404);
  CHECK(ask(hello(), {{"MCP-Protocol-Version", "1999-01-01"}}).status == 400);
  Request broken = message(hello());
  broken.body = "{";
  CHECK(service.answer(broken).status == 400);
  broken.body = std::string(kMaxMessageBytes + 1, ' ');
  CHECK(service.answer(broken).status == 413);
  Request get = request("GET", "/mcp", key);
  CHECK(service.answer(get).status == 406);
  get.headers.emplace_back("Accept", "text/event-stream");
  CHECK(service.answer(get).status == 400);
  get.headers.emplace_back("MCP-Protocol-Version", "2026-07-28");
  CHECK(service.answer(get).status == 405);
  CHECK(service.answer(request("PUT", "/mcp", key)).status == 405);
}

TEST_CASE_FIXTURE(McpFixture, "browsers that ask first hear which pages may") {
  Request first = request("OPTIONS", "/mcp", "");
  first.headers = {{"Origin", "http://127.0.0.1:3000"}, {"Access-Control-Request-Method", "POST"}};
  const Response welcome = service.answer(first);
  CHECK(welcome.status == 204);
  CHECK(welcome.header("Access-Control-Allow-Methods") == "POST, GET, HEAD, DELETE");
  CHECK(welcome.header("Access-Control-Allow-Origin") == "http://127.0.0.1:3000");
  first.headers[0].second = "https://evil.example";
  const Response refused = service.answer(first);
  CHECK(refused.status == 403);
  CHECK(refused.header("Access-Control-Allow-Origin").empty());
}

TEST_CASE_FIXTURE(McpFixture, "from 2026-07-28 on a request stands alone, and its header says what its body says") {
  const auto code = [this](const Json& body, Headers headers) {
    const Response answer = ask(body, std::move(headers));
    const Json json = body_of(answer);
    return std::pair(answer.status, json.contains("error") ? json["error"]["code"].get<int>() : 0);
  };
  using Told = std::pair<int, int>;
  CHECK(code(alone("tools/list"), head_of("tools/list")) == Told{200, 0});
  CHECK(code(alone("server/discover"), head_of("server/discover")) == Told{200, 0});
  CHECK(code(alone("tools/list"), {}) == Told{400, -32020});
  CHECK(code(alone("tools/list"), head_of("tools/call")) == Told{400, -32020});
  CHECK(code(alone("tools/list"), {{"MCP-Protocol-Version", "2025-11-25"}, {"Mcp-Method", "tools/list"}}) ==
        Told{400, -32020});
  CHECK(code(rpc("tools/list"), head_of("tools/list")) == Told{400, -32602});
  CHECK(code(alone("ping"), head_of("ping")) == Told{404, -32601});
  CHECK(code(alone("initialize"), head_of("initialize")) == Told{404, -32601});
  Json later = alone("tools/list");
  later["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01";
  CHECK(code(later, {{"MCP-Protocol-Version", "2099-01-01"}}) == Told{400, -32022});
  Json half = alone("tools/list");
  half["params"]["_meta"].erase("io.modelcontextprotocol/clientCapabilities");
  CHECK(code(half, head_of("tools/list")) == Told{400, -32602});

  const Json read = alone("resources/read", {{"uri", "metrics://dashboard/current"}});
  CHECK(code(read, head_of("resources/read", "metrics://dashboard/current")) == Told{200, 0});
  CHECK(code(read, head_of("resources/read", "=?base64?bWV0cmljczovL2Rhc2hib2FyZC9jdXJyZW50?=")) == Told{200, 0});
  CHECK(code(read, head_of("resources/read", "=?base64?bWV0?=")) == Told{400, -32020});
  CHECK(code(read, head_of("resources/read")) == Told{400, -32020});
  const Json noted = {{"jsonrpc", "2.0"}, {"method", "notifications/anything"}};
  CHECK(ask(noted, head_of("notifications/anything")).status == 202);
  CHECK(count() == 0);
}

TEST_CASE_FIXTURE(McpFixture, "a subscription of 2026-07-28 stays open, and says that it ends") {
  const Json listen =
      alone("subscriptions/listen", {{"notifications", {{"resourceSubscriptions", {"metrics://agents/usage"}}}}});
  const Response answer = ask(listen, head_of("subscriptions/listen"));
  REQUIRE(answer.talk != nullptr);
  FakePipe pipe;
  answer.talk->work(pipe);
  REQUIRE(pipe.sent.size() == 1);
  CHECK(pipe.sent[0].find("notifications/subscriptions/acknowledged") != std::string::npos);
  pipe.ending = true;
  answer.talk->work(pipe);
  REQUIRE(pipe.sent.size() == 2);
  CHECK(pipe.sent[1].find(R"("resultType":"complete")") != std::string::npos);
  CHECK(pipe.closed);
}

TEST_CASE_FIXTURE(McpFixture, "events are for who takes nothing else, and for what has progress to tell") {
  const std::string id = session();
  Request post = message(rpc("ping"));
  post.headers = {{"Authorization", "Bearer " + key}, {"Accept", "text/event-stream"}, {"Mcp-Session-Id", id}};
  const Response events = service.answer(post);
  REQUIRE(events.talk != nullptr);
  FakePipe pipe;
  events.talk->work(pipe);
  CHECK(pipe.sent == std::vector<std::string>{R"({"jsonrpc":"2.0","id":1,"result":{}})"});
  CHECK(pipe.closed);

  Json asked = usage();
  asked["params"]["_meta"] = {{"progressToken", 7}};
  const Response working = ask(asked, {{"Mcp-Session-Id", id}});
  REQUIRE(working.talk != nullptr);
  CHECK(count() == 0);
  FakePipe second;
  working.talk->work(second);
  CHECK(second.sent.size() == 1);
  CHECK(second.closed);
  CHECK(count() == 1);
}

TEST_CASE_FIXTURE(McpFixture, "the documented end points answer without a session") {
  const auto post = [this](const std::string& path, const Json& body) {
    Request request = message(body);
    request.path = path;
    return service.answer(request);
  };
  for (const std::string path : {"/mcp/v1/request", "/api/mcp/rpc"}) {
    CHECK(body_of(post(path, hello("2024-11-05")))["result"]["protocolVersion"] == "2024-11-05");
    CHECK(body_of(post(path, usage()))["result"]["isError"] == false);
    CHECK(body_of(post(path, rpc("nothing")))["error"]["code"] == -32601);
    CHECK(post(path, {{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}).status == 202);
    CHECK(body_of(post(path, list(rpc("ping"))))["error"]["code"] == -32600);
  }
  for (const std::string path : {"/mcp/v1/batch", "/api/mcp/batch"}) {
    const Json answers = body_of(post(path, list(rpc("ping"), usage(), rpc("ping", Json::object(), 2))));
    REQUIRE(answers.size() == 3);
    CHECK(answers[1]["result"]["content"].size() == 1);
    CHECK(body_of(post(path, rpc("ping")))["error"]["code"] == -32600);
    CHECK(body_of(post(path, Json::array()))["error"]["code"] == -32600);
  }
  CHECK(count() == 4);
  CHECK(body_of(get("/api/mcp/capabilities"))["server_info"]["name"] == "fortium-metrics-server");
  CHECK(body_of(get("/api/mcp-server-info", ""))["integration"]["claude_code_compatible"] == true);
  CHECK(body_of(get("/api/mcp/health", ""))["database"] == "connected");
  CHECK(body_of(get("/health/mcp", ""))["status"] == "healthy");
  CHECK(body_of(get("/health/database", ""))["database"]["connected"] == true);
  CHECK(get("/mcp/ws").status == 426);
}

TEST_CASE("messages are weighed by the rate limit") {
  Fixture tight(10);
  Request post = tight.request("POST", "/mcp/v1/batch", tight.key);
  post.headers.emplace_back("Content-Type", "application/json");
  Json pings = Json::array();
  for (int i = 0; i < 100; ++i) pings.push_back(McpFixture::rpc("ping", Json::object(), i));
  post.body = dump_json(pings);  // five units
  CHECK(tight.service.answer(post).status == 200);
  CHECK(tight.service.answer(post).status == 200);
  CHECK(tight.service.answer(post).status == 429);
}

TEST_CASE_FIXTURE(McpFixture, "a WebSocket is a connection of its own, in either era") {
  Request get = request("GET", "/mcp/ws", key);
  get.headers.emplace_back("Upgrade", "websocket");
  const Response answer = service.answer(get);
  CHECK(answer.status == 101);
  REQUIRE(answer.talk != nullptr);
  FakePipe pipe;
  pipe.came = {dump_json(hello()), dump_json(usage()), dump_json(alone("tools/list"))};
  answer.talk->work(pipe);
  REQUIRE(pipe.sent.size() == 3);
  CHECK(count() == 1);
  CHECK(pipe.sent[2].find(R"("resultType":"complete")") != std::string::npos);
  pipe.ending = true;
  answer.talk->work(pipe);
  CHECK(pipe.closed);
  get.headers.emplace_back("Origin", "https://evil.example");
  CHECK(service.answer(get).status == 403);
}

TEST_CASE("the Accept header") {
  const auto takes = [](const std::string& accept, std::string_view type) {
    return accepts(Request{.headers = {{"Accept", accept}}}, type);
  };
  CHECK(takes("text/event-stream;q=0.5 , application/JSON", "application/json"));
  CHECK(takes("application/*", "application/json"));
  CHECK(takes("*/*", "text/event-stream"));
  CHECK_FALSE(takes("text/html", "text/event-stream"));
  CHECK(accepts(Request{}, "application/json"));
  CHECK_FALSE(accepts(Request{}, "text/event-stream"));
}

}  // namespace fortium::service
