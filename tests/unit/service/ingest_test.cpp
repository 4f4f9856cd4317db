#include "service/ingest/ingest.h"

#include "fixture.h"
#include "fortium/base/hash.h"

namespace fortium::service {

using namespace std::chrono_literals;

namespace {

std::string code_of(const Response& response) { return body_of(response)["code"]; }
Json errors_of(const Response& response) { return body_of(response)["errors"]; }

Json tools(int from, int count) {
  Json list = Json::array();
  for (int i = 0; i < count; ++i) list.push_back(tool(id(from + i)));
  return list;
}

}  // namespace

TEST_CASE("accepted, then duplicate, then in conflict") {
  Fixture f;
  CHECK(f.results(list(tool(id(1)))) ==
        Json::parse(R"([{"index":0,"id":"00000000-0000-7000-8000-000000000001","status":"accepted"}])"));
  CHECK(f.results(list(tool(id(1))))[0]["status"] == "duplicate");
  const Json other = f.results(list(tool(id(1), "Write")))[0];
  CHECK(other["status"] == "rejected");
  CHECK(other["code"] == "id_conflict");
  CHECK(f.count() == 1);
}

TEST_CASE("the answer has every documented part") {
  Fixture f;
  const Response response =
      f.post({{"batch_id", "b-1"}, {"command_executions", Json::array()}, {"tool_usages", list(tool(id(1)))}});
  CHECK(response.status == 200);
  const Json json = body_of(response);
  CHECK(json["success"] == true);
  CHECK(json["batch_id"] == "b-1");
  for (const char* name :
       {"command_executions", "agent_interactions", "user_sessions", "productivity_metrics", "model_usages"})
    CHECK(json["data"][name] == 0);
  CHECK(json["data"]["tool_usages"] == 1);
  CHECK(json["data"]["processing_time_ms"].is_number());
  CHECK(json["rate_limit"]["limit"] == 1'000'000);
  CHECK(json["rate_limit"]["remaining"] == 999'999);
  CHECK(parse_rfc3339(json["rate_limit"]["reset_time"].get<std::string>()).ok());
  CHECK(json["limits"] == Json::parse(R"({"max_batch_records":1000,"max_body_bytes":10485760})"));
  CHECK(json["performance"]["processing_latency_ms"].is_number());
  CHECK(json["performance"]["ingestion_rate"].is_number());
  for (const char* name :
       {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Processing-Time", "X-Ingestion-Rate"})
    CHECK_FALSE(response.header(name).empty());
}

TEST_CASE("receipts are in the order of the kinds, whatever the order of the keys") {
  Fixture f;
  const std::string body = R"({"model_usages":[{"id":")" + id(3) +
                           R"(","model":"m","input_tokens":1,"output_tokens":2}],
          "tool_usages":[)" +
                           dump_json(tool(id(2))) + R"(],
          "command_executions":[{"id":")" +
                           id(1) + R"(","command_name":"/plan","execution_time_ms":1,"status":"success"}]})";
  const Json results = body_of(f.post_text(body, f.key))["results"];
  REQUIRE(results.size() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(results[static_cast<std::size_t>(i)]["index"] == i);
    CHECK(results[static_cast<std::size_t>(i)]["id"] == id(i + 1));
  }
}

TEST_CASE("bad records are refused one by one; the good ones are kept") {
  Fixture f;
  Json negative = tool(id(2));
  negative["execution_time_ms"] = -1;
  Json unknown = tool(id(3));
  unknown["colour"] = "red";
  Json newer = tool(id(4));
  newer["v"] = 2;
  newer["colour"] = "red";
  Json current = tool(id(5));
  current["v"] = 1;
  Json no_version = tool(id(6));
  no_version["v"] = "one";
  Json large = tool(id(7));
  large["context"] = {{"text", std::string(70'000, 'x')}};
  const Json results =
      f.results(list(tool(id(1)), negative, unknown, newer, current, no_version, large, 7, tool(id(8))));
  REQUIRE(results.size() == 9);
  CHECK(results[0]["status"] == "accepted");
  CHECK(results[1]["code"] == "invalid");
  CHECK(results[1]["message"] == "execution_time_ms: must be a number from 0 to 86400000");
  CHECK(results[2]["message"] == "colour: is not a field of this record");
  CHECK(results[3]["status"] == "retry");
  CHECK(results[3]["code"] == "newer_version");
  CHECK(results[4]["status"] == "accepted");
  CHECK(results[5]["code"] == "invalid");
  CHECK(results[6]["status"] == "rejected");
  CHECK(results[6]["code"] == "too_large");
  CHECK(results[7]["code"] == "invalid");
  CHECK_FALSE(results[7].contains("id"));
  CHECK(results[8]["status"] == "accepted");
  CHECK(f.count() == 3);
}

TEST_CASE("a batch in which nothing is right is a success without records") {
  Fixture f;
  const Json json = body_of(f.post(batch(list(Json::object(), Json::object()))));
  CHECK(json["success"] == true);
  CHECK(json["data"]["tool_usages"] == 0);
  CHECK(json["results"][1]["status"] == "rejected");
}

TEST_CASE("an empty batch is a probe: nothing is left behind") {
  Fixture f;
  CHECK(f.post({{"command_executions", Json::array()}}).status == 200);
  CHECK(f.count() == 0);
}

TEST_CASE("the same id twice in one batch counts once") {
  Fixture f;
  const Json results = f.results(list(tool(id(1)), tool(id(1))));
  CHECK(results[0]["status"] == "accepted");
  CHECK(results[1]["status"] == "duplicate");
  CHECK(f.count() == 1);
}

TEST_CASE("an id of another form is answered as it was given and kept as a UUID of the organization") {
  Fixture f;
  CHECK(f.results(list(tool("build-17")))[0]["id"] == "build-17");
  CHECK(f.results(list(tool("build-17")))[0]["status"] == "duplicate");
  const Json json = body_of(f.get("/api/v1/metrics/ledger?from=2026-01-02&to=2026-01-02&ids=1"));
  CHECK(json["days"][0]["ids"][0] == uuid5(f.acme.id, "build-17"));
  const std::string longest(128, 'x');
  CHECK(f.results(list(tool(longest)))[0]["status"] == "accepted");
  CHECK(f.results(list(tool(longest + "x")))[0]["code"] == "invalid");
}

TEST_CASE("a UUID is the same in either case") {
  Fixture f;
  CHECK(f.results(list(tool("0197A000-0000-7000-8000-00000000ABCD")))[0]["status"] == "accepted");
  const Json again = f.results(list(tool("0197a000-0000-7000-8000-00000000abcd")))[0];
  CHECK(again["status"] == "duplicate");
}

TEST_CASE("a record without an id gets one, and each is a record of its own") {
  Fixture f;
  const Json results = f.results(list(tool(""), tool("")));
  CHECK(is_uuid(results[0]["id"].get<std::string>()));
  CHECK(results[0]["id"] != results[1]["id"]);
  CHECK(f.count() == 2);
}

TEST_CASE("a record without a time has that of its batch, and is the same record when it comes again") {
  Fixture f;
  Json record = tool(id(1));
  record.erase("timestamp");
  CHECK(f.results(list(record))[0]["status"] == "accepted");
  f.clock.advance(1h);
  CHECK(f.results(list(record))[0]["status"] == "duplicate");
  record["tool_name"] = "Write";
  CHECK(f.results(list(record))[0]["code"] == "id_conflict");

  Json late = tool(id(2));
  late.erase("timestamp");
  Json json = batch(list(late));
  json["timestamp"] = "2025-12-24T18:00:00Z";
  CHECK(f.post(json).status == 200);
  CHECK(body_of(f.get("/api/v1/metrics/ledger?from=2025-12-24&to=2025-12-24"))["days"][0]["count"] == 1);
}

TEST_CASE("a record without a device is of the batch's device") {
  Fixture f;
  f.results(list(tool(id(1))));
  const std::string ledger = "/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-31&device_id=";
  CHECK(body_of(f.get(ledger + "laptop"))["days"].size() == 1);
  CHECK(body_of(f.get(ledger + "desktop"))["days"].empty());
}

TEST_CASE("a batch that is none names every violation") {
  Fixture f;
  CHECK(code_of(f.post_text("{", f.key)) == "invalid_json");
  CHECK(code_of(f.post_text("", f.key)) == "invalid_json");
  CHECK(code_of(f.post_text(R"({"tool_usages":[],"tool_usages":[]})", f.key)) == "invalid_json");
  CHECK(f.post_text("[]", f.key).status == 400);
  CHECK(f.post(Json::object()).status == 400);
  const Response response = f.post({{"batch_id", 7},
                                    {"device_id", ""},
                                    {"sent_at", "yesterday"},
                                    {"timestamp", "1999-12-31T23:59:59Z"},
                                    {"tool_usage", Json::array()},
                                    {"tool_usages", 1}});
  CHECK(response.status == 400);
  CHECK(code_of(response) == "validation_error");
  std::vector<std::string> fields;
  for (const Json& error : errors_of(response)) fields.push_back(error["field"]);
  CHECK(fields ==
        std::vector<std::string>{"batch_id", "device_id", "sent_at", "timestamp", "tool_usage", "tool_usages"});
  CHECK(f.count() == 0);
}

TEST_CASE("a batch has at most 1000 records") {
  Fixture f;
  CHECK(f.post(batch(tools(1, 1000))).status == 200);
  const Response more = f.post(batch(tools(2001, 1001)));
  CHECK(more.status == 413);
  CHECK(code_of(more) == "too_large");
  CHECK(f.count() == 1000);
}

TEST_CASE("batch_id has at most 255 characters, and is not needed") {
  Fixture f;
  Json json = batch(list(tool(id(1))));
  json["batch_id"] = std::string(255, 'b');
  CHECK(f.post(json).status == 200);
  json["batch_id"] = std::string(256, 'b');
  CHECK(f.post(json).status == 400);
  json.erase("batch_id");
  CHECK(body_of(f.post(json))["batch_id"].is_null());
}

TEST_CASE("gzip is taken; other codings and types are not") {
  Fixture f;
  const std::string body = dump_json(batch(list(tool(id(1)))));
  CHECK(f.post_text(gzipped(body), f.key, {{"Content-Encoding", "gzip"}}).status == 200);
  CHECK(f.post_text(gzipped(body), f.key, {{"Content-Encoding", "br"}}).status == 415);
  CHECK(f.post_text(body, f.key, {{"Content-Encoding", "gzip"}}).status == 400);
  Request form = f.request("POST", "/api/v1/metrics/batch", f.key);
  form.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  form.body = body;
  CHECK(f.service.answer(form).status == 415);
  Request charset = f.request("POST", "/api/v1/metrics/batch", f.key);
  charset.headers.emplace_back("Content-Type", "Application/JSON; charset=utf-8");
  charset.body = body;
  CHECK(f.service.answer(charset).status == 200);
}

TEST_CASE("a bomb is not unpacked") {
  Fixture f;
  std::string body = dump_json(batch(list(tool(id(1)))));
  body.insert(body.size() - 1, kMaxPlainBytes - body.size(), ' ');
  CHECK(f.post_text(gzipped(body), f.key, {{"Content-Encoding", "gzip"}}).status == 200);
  const Response more = f.post_text(gzipped(body + " "), f.key, {{"Content-Encoding", "gzip"}});
  CHECK(more.status == 413);
}

TEST_CASE("deep and odd JSON is refused as a whole") {
  Fixture f;
  CHECK(f.post_text(std::string(100'000, '['), f.key).status == 400);
  CHECK(f.post_text(R"({"tool_usages":[{"execution_time_ms":1e999}]})", f.key).status == 400);
  CHECK(f.post_text("{\"tool_usages\":[{\"tool_name\":\"\xFF\"}]}", f.key).status == 400);
}

TEST_CASE("two organizations with the same ids know nothing of each other") {
  Fixture f;
  const Tenant other = f.tenant("Other");
  const std::string theirs = f.issue(other, kIngest | kRead);
  CHECK(f.results(list(tool(id(1))))[0]["status"] == "accepted");
  const Json json = body_of(f.post(batch(list(tool(id(1), "Write"), tool(id(2)))), theirs));
  CHECK(json["results"][0]["status"] == "accepted");
  CHECK(json["results"][1]["status"] == "accepted");
  CHECK(f.count() == 1);
  CHECK(f.count(theirs) == 2);
  CHECK(f.results(list(tool("build-17")))[0]["status"] == "accepted");
  CHECK(body_of(f.post(batch(list(tool("build-17"))), theirs))["results"][0]["status"] == "accepted");
}

TEST_CASE("the rate limit counts 1 for each started 20 records") {
  Fixture f(/*units_per_minute=*/10);
  CHECK(f.post(batch(tools(1, 20))).header("X-RateLimit-Remaining") == "9");
  CHECK(f.post(batch(tools(1, 21))).header("X-RateLimit-Remaining") == "7");
  CHECK(f.post(batch(Json::array())).header("X-RateLimit-Remaining") == "6");
  CHECK(f.post(batch(tools(1, 140))).status == 200);  // the burst too
  const Response refused = f.post(batch(tools(1, 1)));
  CHECK(refused.status == 429);
  CHECK(refused.header("Retry-After") == "60");
  const Json json = body_of(refused);
  CHECK(json["message"] == "Rate limit exceeded");
  CHECK(json["rate_limit"]["remaining"] == 0);
  CHECK(json["rate_limit"]["retry_after"] == 60);
  f.clock.advance(60s);
  CHECK(f.post(batch(tools(1, 1))).status == 200);
}

TEST_CASE("a batch that the limit could never take is to be halved") {
  Fixture f(/*units_per_minute=*/2);
  CHECK(f.post(batch(tools(1, 41))).status == 413);
  CHECK(f.post(batch(tools(1, 40))).status == 200);
}

TEST_CASE("the same Idempotency-Key brings the same answer back for a day") {
  Fixture f;
  const Headers key = {{"Idempotency-Key", "k-1"}};
  Json wrong = tool(id(2));
  wrong["status"] = "fine";
  const Json json = batch(list(tool(id(1)), wrong, tool("")));
  const Json first = body_of(f.post(json, f.key, key))["results"];
  CHECK(first[0]["status"] == "accepted");
  CHECK(first[2]["status"] == "accepted");
  f.clock.advance(23h);
  CHECK(body_of(f.post(json, f.key, key))["results"] == first);
  CHECK(f.count() == 2);

  const Response other = f.post(batch(list(tool(id(9)))), f.key, key);
  CHECK(other.status == 422);
  CHECK(code_of(other) == "idempotency_key_reused");
  const std::string theirs = f.issue(f.tenant("Other"), kIngest);
  CHECK(f.post(batch(list(tool(id(9)))), theirs, key).status == 200);  // keys are per organization

  f.clock.advance(1h);
  CHECK(f.post(batch(list(tool(id(9)))), f.key, key).status == 200);  // and per day
}

TEST_CASE("also after its day, a repeated request counts its records without ids once") {
  Fixture f;
  const Headers key = {{"Idempotency-Key", "k-1"}};
  const Json json = batch(list(tool(""), tool("")));
  CHECK(f.post(json, f.key, key).status == 200);
  f.clock.advance(48h);
  CHECK(body_of(f.post(json, f.key, key))["results"][0]["status"] == "duplicate");
  CHECK(f.count() == 2);
}

TEST_CASE("a record to be sent again later is not answered from memory") {
  Fixture f;
  const Headers key = {{"Idempotency-Key", "k-1"}};
  Json newer = tool(id(2));
  newer["v"] = 2;
  const Json json = batch(list(tool(id(1)), newer));
  CHECK(body_of(f.post(json, f.key, key))["results"][0]["status"] == "accepted");
  CHECK(body_of(f.post(json, f.key, key))["results"][0]["status"] == "duplicate");
}

TEST_CASE("an Idempotency-Key has at most 255 characters") {
  Fixture f;
  CHECK(f.post(batch(list(tool(id(1)))), f.key, {{"Idempotency-Key", std::string(255, 'k')}}).status == 200);
  CHECK(f.post(batch(list(tool(id(1)))), f.key, {{"Idempotency-Key", std::string(256, 'k')}}).status == 400);
  CHECK(f.post(batch(list(tool(id(1)))), f.key, {{"Idempotency-Key", "two words"}}).status == 400);
}

TEST_CASE("what the head decides is decided without the body") {
  Fixture f;
  Request head = f.request("POST", "/api/v1/metrics/batch", f.key);
  CHECK_FALSE(f.service.refuse(head));
  head.headers.emplace_back("Content-Encoding", "br");
  CHECK(f.service.refuse(head)->status == 415);
  CHECK(f.service.refuse(f.request("POST", "/api/v1/metrics/batch", ""))->status == 401);
  CHECK(f.service.refuse(f.request("POST", "/nothing", f.key))->status == 404);
}

TEST_CASE("records keep the times that they came with") {
  Fixture f;
  Json record = tool(id(1));
  record["timestamp"] = "2020-02-29T23:59:59.999+00:00";
  record["recorded_at"] = "2020-03-01T00:00:00.000Z";
  f.results(list(record));
  CHECK(body_of(f.get("/api/v1/metrics/ledger?from=2020-02-29&to=2020-02-29"))["days"][0]["count"] == 1);
}

}  // namespace fortium::service
