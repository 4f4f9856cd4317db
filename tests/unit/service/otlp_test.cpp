// Claude Code's telemetry in both forms of OTLP: what becomes of it, and that it counts once.
#include <array>
#include <bit>

#include "fixture.h"
#include "fortium/metrics/identity.h"
#include "service/otlp/telemetry.h"
#include "service/otlp/wire.h"

namespace fortium::service {

using metrics::derived_id;

namespace {

// {"key": …, "value": {"stringValue": …}}, and so on by the type of what is given.
Json attribute(const std::string& name, const Json& value) {
  const char* form = value.is_string()         ? "stringValue"
                     : value.is_boolean()      ? "boolValue"
                     : value.is_number_float() ? "doubleValue"
                                               : "intValue";
  return {{"key", name}, {"value", {{form, value}}}};
}

Json attributes(const Json& values) {
  Json out = Json::array();
  for (const auto& [name, value] : values.items()) out.push_back(attribute(name, value));
  return out;
}

Json event(const std::string& name, Json values) {
  values.update({{"session.id", "s-1"}, {"user.id", "install-1"}, {"event.name", name}, {"prompt.id", "prompt-1"}});
  return {{"timeUnixNano", "1767322445678999999"},
          {"body", {{"stringValue", "claude_code." + name}}},
          {"attributes", attributes(values)}};
}

template <class... Events>
Json logs(const Events&... events) {
  const Json resource = {{"attributes", attributes({{"service.name", "claude-code"}, {"team.id", "red"}})}};
  return {{"resourceLogs", list(Json{{"resource", resource},
                                     {"scopeLogs", list(Json{{"scope", {{"name", "com.anthropic.claude_code.events"}}},
                                                             {"logRecords", list(events...)}})}})}};
}

Json point(double value, const Json& values, const std::string& start = "1767322440000000000") {
  Json all = values;
  all["session.id"] = "s-1";
  return {{"startTimeUnixNano", start},
          {"timeUnixNano", "1767322445678000000"},
          {"asDouble", value},
          {"attributes", attributes(all)}};
}

Json metric(const std::string& name, const Json& points, int temporality = 1) {
  return {{"name", name},
          {"sum", {{"aggregationTemporality", temporality}, {"isMonotonic", true}, {"dataPoints", points}}}};
}

template <class... Metrics>
Json metrics_of(const Metrics&... metrics) {
  return {{"resourceMetrics", list(Json{{"scopeMetrics", list(Json{{"metrics", list(metrics...)}})}})}};
}

const Json kRequest = event("api_request", {{"request_id", "req_1"},
                                            {"model", "claude-x"},
                                            {"input_tokens", 19},
                                            {"output_tokens", "59"},
                                            {"cache_read_tokens", 2009},
                                            {"cache_creation_tokens", 1009},
                                            {"cost_usd", 0.0067298},
                                            {"duration_ms", 391}});
const Json kResult = event("tool_result", {{"tool_name", "Bash"},
                                           {"tool_use_id", "toolu_1"},
                                           {"success", "true"},
                                           {"duration_ms", "87"},
                                           {"tool_parameters", R"({"full_command":"cat /w/shop/secret"})"},
                                           {"tool_input", "cat /w/shop/secret"},
                                           {"tool_input_size_bytes", "18"},
                                           {"tool_result_size_bytes", "700"}});
const Json kDenied =
    event("tool_decision", {{"decision", "reject"}, {"tool_name", "Write"}, {"tool_use_id", "toolu_2"}});
const Json kAllowed =
    event("tool_decision", {{"decision", "accept"}, {"tool_name", "Bash"}, {"tool_use_id", "toolu_1"}});
const Json kAgent = event("subagent_completed", {{"agent_id", "a-1"},
                                                 {"agent_type", "planner"},
                                                 {"duration_ms", 1149},
                                                 {"total_tokens", 3092},
                                                 {"total_tool_uses", 1}});
const Json kCommand =
    event("user_prompt", {{"prompt", "/plan in secret"}, {"prompt_length", "15"}, {"command_name", "plan"}});

// The records of a request, as they would be kept.
Json records_of(const Json& request) {
  Json out = Json::array();
  for (const BatchRecord& record : must(read_logs(request)).batch.records) out.push_back(*record.json);
  return out;
}

// As an exporter writes it: the tables of wire.h the other way round.
std::string in_wire(const WireMessage& message, const Json& json) {
  std::string out;
  const auto eight = [&](const WireField& field, std::uint64_t bits) {
    out += static_cast<char>(field.number << 3 | 1);
    for (int i = 0; i < 8; ++i) out += static_cast<char>(bits >> (8 * i));
  };
  for (const WireField& field : message.fields) {
    const auto at = json.find(std::string(field.name));
    if (at == json.end()) continue;
    for (const Json& value : field.repeated ? *at : list(*at)) switch (field.type) {
        case WireType::message: append_wire_text(out, field.number, in_wire(*field.of, value)); break;
        case WireType::text: append_wire_text(out, field.number, value.get<std::string>()); break;
        case WireType::boolean: append_wire_integer(out, field.number, value.get<bool>() ? 1 : 0); break;
        case WireType::integer:
          append_wire_integer(out, field.number, static_cast<std::uint64_t>(value.get<std::int64_t>()));
          break;
        case WireType::number: eight(field, std::bit_cast<std::uint64_t>(value.get<double>())); break;
        case WireType::fixed:
        case WireType::sfixed: eight(field, std::stoull(value.get<std::string>())); break;
      }
  }
  return out;
}

Response post(Fixture& f, const std::string& path, std::string body, const char* type, Headers more = {}) {
  Request one = f.request("POST", path, f.key);
  one.headers.emplace_back("Content-Type", type);
  for (auto& header : more) one.headers.push_back(std::move(header));
  one.body = std::move(body);
  return f.service.answer(one);
}
constexpr auto kJson = "application/json";
constexpr auto kProtobuf = "application/x-protobuf";

}  // namespace

TEST_CASE("events become records under the names that hooks and transcripts know") {
  const Json records = records_of(logs(kRequest, kResult, kDenied, kAllowed, kAgent, kCommand));
  REQUIRE(records.size() == 5);  // what was allowed tells its result itself
  const Json& request = records[0];
  CHECK(request["id"] == derived_id("model_usage", metrics::request_key("req_1", "msg_1")));
  CHECK(request["source"] == "otlp");
  CHECK(request["timestamp"] == "2026-01-02T02:54:05.678Z");
  CHECK(request["session_id"] == "s-1");
  CHECK(request["prompt_id"] == "prompt-1");
  CHECK(request["device_id"] == "install-1");
  CHECK(request["user_id"] == "install-1");
  CHECK(request["team_id"] == "red");
  CHECK(request["model"] == "claude-x");
  CHECK(request["input_tokens"] == 19);
  CHECK(request["output_tokens"] == 59);
  CHECK(request["cache_read_tokens"] == 2009);
  CHECK(request["cache_creation_tokens"] == 1009);
  CHECK(request["cost_usd"] == 0.0067298);
  CHECK(request["duration_ms"] == 391);
  const Json& result = records[1];
  CHECK(result["id"] == derived_id("tool_usage", "toolu_1"));
  CHECK(result["tool_name"] == "Bash");
  CHECK(result["status"] == "success");
  CHECK(result["execution_time_ms"] == 87);
  CHECK(result["context"] == Json{{"input_bytes", 18}, {"output_bytes", 700}});
  CHECK(records[2]["id"] == derived_id("tool_usage", "toolu_2"));
  CHECK(records[2]["status"] == "cancelled");
  CHECK(records[2]["context"] == Json{{"permission", "denied"}});
  CHECK(records[3]["id"] == derived_id("agent_interaction", "a-1"));
  CHECK(records[3]["agent_name"] == "planner");
  CHECK(records[3]["execution_time_ms"] == 1149);
  CHECK(records[4]["id"] == derived_id("command_execution", "prompt-1"));
  CHECK(records[4]["command_name"] == "/plan");
}

TEST_CASE("nothing that somebody typed is taken") {
  const std::string all = dump_json(records_of(logs(kRequest, kResult, kDenied, kAllowed, kAgent, kCommand)));
  CHECK(all.find("secret") == std::string::npos);
  CHECK(all.find("/w/") == std::string::npos);
  const Json typed = event(
      "tool_result",
      {{"tool_name", "Bash"}, {"tool_use_id", "t"}, {"success", "false"}, {"error_type", "Error: a secret word"}});
  CHECK_FALSE(records_of(logs(typed))[0].contains("context"));
}

TEST_CASE("the person is the account, else the installation") {
  Json known = kResult;
  known["attributes"].push_back(attribute("user.account_uuid", "account-1"));
  CHECK(records_of(logs(known))[0]["user_id"] == "account-1");
  known["attributes"].push_back(attribute("user.email", "a@example.com"));
  CHECK(records_of(logs(known))[0]["user_id"] == "a@example.com");
}

TEST_CASE("of a list of attributes 256 are looked at") {
  Json item = {{"timeUnixNano", "1767322445678999999"}, {"body", {{"stringValue", "claude_code.tool_result"}}}};
  for (const int before : {255, 256}) {
    item["attributes"] = Json::array();
    for (int i = 0; i < before; ++i) item["attributes"].push_back(Json::object());
    item["attributes"].push_back(attribute("session.id", "s-1"));
    CHECK(records_of(logs(item)).size() == (before == 255 ? 1 : 0));
  }
}

TEST_CASE("a command whose name was taken out is no command, and neither is any other prompt") {
  CHECK(records_of(logs(event("user_prompt", {{"prompt", "do it"}}), event("user_prompt", {{"command_name", "custom"}}),
                        event("user_prompt", {{"command_name", "mcp"}})))
            .empty());
}

TEST_CASE("what has no name of its own counts by its place among the events of its session") {
  const auto request = [](int sequence) {
    return event("api_request",
                 {{"model", "m"}, {"input_tokens", 1}, {"output_tokens", 1}, {"event.sequence", sequence}});
  };
  const Json records = records_of(logs(request(1), request(2), request(1)));
  CHECK(records[0]["id"] != records[1]["id"]);
  CHECK(records[0]["id"] == records[2]["id"]);
}

TEST_CASE("a request that is sent again counts once, in JSON and in protobuf, packed or not") {
  Fixture f;
  const Json request = logs(kRequest, kResult, kDenied, kAllowed, kAgent, kCommand);
  const std::string wire = in_wire(kLogsRequest, request);
  const Response first = post(f, "/v1/logs", dump_json(request), kJson);
  CHECK(first.status == 200);
  CHECK(first.body == "{}");
  CHECK(f.count() == 5);
  const Response second = post(f, "/v1/logs", wire, kProtobuf);
  CHECK(second.status == 200);
  CHECK(second.body.empty());
  CHECK(second.header("Content-Type") == kProtobuf);
  CHECK(post(f, "/v1/logs", gzipped(wire), kProtobuf, {{"Content-Encoding", "gzip"}}).status == 200);
  CHECK(f.count() == 5);
  CHECK(records_of(must(read_wire(kLogsRequest, wire))) == records_of(request));
}

TEST_CASE("a record of our own client is the same thing, whoever comes first") {
  Fixture f;
  CHECK(f.results(list(tool(derived_id("tool_usage", "toolu_1"), "Bash")))[0]["status"] == "accepted");
  CHECK(post(f, "/v1/logs", dump_json(logs(kResult, kDenied)), kJson).body == "{}");
  CHECK(f.count() == 2);
  CHECK(f.results(list(tool(derived_id("tool_usage", "toolu_2"), "Write")))[0]["status"] == "duplicate");
  CHECK(f.count() == 2);
}

TEST_CASE("metrics: the start of a session, and what no event tells") {
  Fixture f;
  const Json request = metrics_of(
      metric("claude_code.session.count", list(point(1, {{"start_type", "fresh"}}))),
      metric("claude_code.lines_of_code.count", list(point(3, {{"type", "added"}}), point(0, {{"type", "removed"}}))),
      metric("claude_code.token.usage", list(point(19, {{"type", "input"}, {"model", "m"}}))),
      metric("claude_code.cost.usage", list(point(0.01, {{"model", "m"}}))));
  const Telemetry read = must(read_points(request));
  CHECK(read.items == 5);
  REQUIRE(read.batch.records.size() == 2);
  const Json& start = *read.batch.records[0].json;
  CHECK(start["id"] == derived_id("user_session", "s-1/start"));
  CHECK(start["session_start"] == "2026-01-02T02:54:00.000Z");
  CHECK((*read.batch.records[1].json)["context"] ==
        Json{{"event", "lines_of_code.count"}, {"value", 3}, {"type", "added"}});
  CHECK(post(f, "/v1/metrics", dump_json(request), kJson).body == "{}");
  CHECK(post(f, "/v1/metrics", in_wire(kMetricsRequest, request), kProtobuf).body.empty());
  CHECK(f.count() == 2);
}

TEST_CASE("a session that is taken up again did not start then") {
  const auto read =
      must(read_points(metrics_of(metric("claude_code.session.count", list(point(1, {{"start_type", "resume"}}))))));
  CHECK(read.batch.records.empty());
}

TEST_CASE("each while of a delta counts, and a sum since a begin says so") {
  const auto lines = [](int temporality, const char* start) {
    return must(read_points(
        metrics_of(metric("claude_code.commit.count", list(point(2, Json::object(), start)), temporality))));
  };
  const Telemetry one = lines(1, "1767322440000000000"), next = lines(1, "1767322441000000000");
  CHECK((*one.batch.records[0].json)["id"] != (*next.batch.records[0].json)["id"]);
  CHECK_FALSE((*one.batch.records[0].json)["context"].contains("cumulative"));
  const Telemetry sum = lines(2, "1767322440000000000");
  CHECK((*sum.batch.records[0].json)["context"]["cumulative"] == true);
}

TEST_CASE("what is not kept is told as a partial success") {
  Fixture f;
  Json foreign = event("x", Json::object());
  foreign["body"] = {{"stringValue", "GET /cart"}};
  Json wrong = event("tool_result", {{"tool_name", std::string(300, 'x')}, {"tool_use_id", "t"}, {"success", "true"}});
  const Response response = post(f, "/v1/logs", dump_json(logs(kResult, foreign, wrong)), kJson);
  CHECK(response.status == 200);
  CHECK(body_of(response) ==
        Json{{"partialSuccess",
              {{"rejectedLogRecords", "2"}, {"errorMessage", "only the telemetry of Claude Code is kept"}}}});
  CHECK(f.count() == 1);
  const Response packed = post(f, "/v1/logs", in_wire(kLogsRequest, logs(foreign)), kProtobuf);
  CHECK(packed.body.substr(0, 5) == std::string("\x0A\x2D\x08\x01\x12", 5));
  const Json stranger = metrics_of(metric("http.server.duration", list(point(1, Json::object()))));
  CHECK(body_of(post(f, "/v1/metrics", dump_json(stranger), kJson))["partialSuccess"]["rejectedDataPoints"] == "1");
  CHECK(post(f, "/v1/logs", "{}", kJson).body == "{}");
  CHECK(post(f, "/v1/logs", "", kProtobuf).status == 200);
}

TEST_CASE("refusals are a Status in the form of the request") {
  Fixture f(/*units_per_minute=*/1);
  const auto status_of = [](const Response& response) { return body_of(response)["code"].get<int>(); };
  const Response broken = post(f, "/v1/logs", "{", kJson);
  CHECK(broken.status == 400);
  CHECK(status_of(broken) == 3);
  CHECK(body_of(broken)["message"].is_string());
  CHECK(post(f, "/v1/logs", R"({"resourceLogs":7})", kJson).status == 400);
  const Response cut = post(f, "/v1/logs", std::string("\x0A\x7F", 2), kProtobuf);
  CHECK(cut.status == 400);
  CHECK(cut.header("Content-Type") == kProtobuf);
  CHECK(cut.body.substr(0, 3) == std::string("\x08\x03\x12", 3));
  CHECK(post(f, "/v1/logs", "x", "text/plain").status == 415);
  CHECK(post(f, "/v1/traces", "{}", kJson).status == 501);
  Request stranger = f.request("POST", "/v1/logs", "");
  const Response unknown = f.service.answer(stranger);
  CHECK(unknown.status == 401);
  CHECK(status_of(unknown) == 16);
  CHECK_FALSE(unknown.header("WWW-Authenticate").empty());
  Fixture busy(/*units_per_minute=*/2);
  for (int i = 0; i < 2; ++i) CHECK(post(busy, "/v1/logs", "{}", kJson).status == 200);
  const Response late = post(busy, "/v1/logs", "{}", kJson);
  CHECK(late.status == 429);
  CHECK(status_of(late) == 8);
  CHECK_FALSE(late.header("Retry-After").empty());
}

TEST_CASE("a request has at most 10 000 items") {
  Fixture f;
  Json request = logs(kAllowed);
  Json& records = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
  while (records.size() < kMaxTelemetryItems) records.push_back(Json::object());
  CHECK(post(f, "/v1/logs", dump_json(request), kJson).status == 200);
  records.push_back(Json::object());
  CHECK(post(f, "/v1/logs", dump_json(request), kJson).status == 413);
}

TEST_CASE("the wire form: hostile bytes end in a refusal") {
  const auto refused = [](std::string_view bytes) { return !read_wire(kLogsRequest, bytes).ok(); };
  CHECK_FALSE(refused(""));
  CHECK_FALSE(refused(std::string_view("\x78\x01", 2)));  // a field that is not known
  CHECK_FALSE(refused(std::string_view("\x7D\x01\x02\x03\x04", 5)));
  CHECK(refused(std::string_view("\x7D\x01\x02\x03", 4)));         // cut off
  CHECK(refused(std::string_view("\x0B", 1)));                     // a group
  CHECK(refused(std::string_view("\x7B\x7C", 2)));                 // one that is not known
  CHECK(refused(std::string_view("\x08\x01", 2)));                 // another type
  CHECK(refused(std::string_view("\x02\x00", 2)));                 // no number
  CHECK(refused(std::string_view("\x0A\x05\x00", 3)));             // longer than what is there
  CHECK(refused("\x78\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"));  // more than 64 bits
  // ResourceLogs, resource, an attribute whose key is no text.
  CHECK(refused(std::string_view("\x0A\x07\x0A\x05\x0A\x03\x0A\x01\xFF", 9)));
  CHECK_FALSE(refused(std::string_view("\x0A\x07\x0A\x05\x0A\x03\x0A\x01k", 9)));
}

TEST_CASE("the wire form: 64 levels are read, 65 are refused") {
  // Request, ResourceLogs, ScopeLogs, LogRecord, and a body of lists: two levels each.
  const auto nested = [](int lists) {
    std::string value;
    for (int i = 0; i < lists; ++i) {
      std::string array;
      append_wire_text(array, 1, value);
      value.clear();
      append_wire_text(value, 5, array);
    }
    for (const std::uint32_t field : {5U, 2U, 2U, 1U}) {
      std::string outer;
      append_wire_text(outer, field, value);
      value = std::move(outer);
    }
    return value;
  };
  CHECK(read_wire(kLogsRequest, nested(29)).ok());
  CHECK_FALSE(read_wire(kLogsRequest, nested(30)).ok());
}

}  // namespace fortium::service
