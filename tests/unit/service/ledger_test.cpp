#include "service/read/read_routes.h"

#include <set>

#include "fixture.h"
#include "fortium/base/hash.h"

namespace fortium::service {

namespace {

Json errors_of(const Response& response) { return body_of(response)["errors"]; }

Json tool_on(const std::string& day, int n, const std::string& device) {
  Json record = tool(id(n));
  record["timestamp"] = day + "T12:00:00Z";
  record["device_id"] = device;
  return record;
}

std::string digest_of(std::initializer_list<int> numbers) {
  LedgerDigest digest;
  for (const int n : numbers) digest.add(id(n));
  return digest.hex();
}

}  // namespace

TEST_CASE("the ledger counts by day and kind, over all devices or one") {
  Fixture f;
  f.results(list(tool_on("2026-01-01", 1, "a"), tool_on("2026-01-01", 2, "b"), tool_on("2026-01-02", 3, "a")));
  const Json all = body_of(f.get("/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-02"));
  CHECK(all["success"] == true);
  CHECK(all["from"] == "2026-01-01");
  CHECK(all["to"] == "2026-01-02");
  CHECK(all["next_cursor"].is_null());
  REQUIRE(all["days"].size() == 2);
  CHECK(all["days"][0] ==
        Json{{"day", "2026-01-01"}, {"kind", "tool_usage"}, {"count", 2}, {"digest", digest_of({1, 2})}});
  CHECK(all["days"][1]["digest"] == digest_of({3}));

  const Json one = body_of(f.get("/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-02&device_id=a"));
  CHECK(one["days"][0]["count"] == 1);
  CHECK(one["days"][0]["digest"] == digest_of({1}));
  CHECK(body_of(f.get("/api/v1/metrics/ledger?from=2026-01-02&to=2026-01-02"))["days"].size() == 1);
  CHECK(body_of(f.get("/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-02&kind=model_usage"))["days"].empty());
}

TEST_CASE("whether ids are counted is answered whoever told them, and also of what was let go") {
  Fixture f;
  Json erased = tool_on("2026-01-01", 1, "a");
  erased["user_id"] = "ada";
  f.results(list(erased, tool_on("2026-01-01", 2, "b"), tool_on("2026-01-02", 3, "a")));
  const std::string key = std::exchange(f.key, f.issue(f.acme, kAdmin));
  REQUIRE(body_of(f.send("DELETE", "/api/v1/admin/users/ada/data", Json()))["data"]["erased"] == 1);
  f.key = key;
  const auto ask = [&f](const Json& body) { return f.send("POST", "/api/v1/metrics/ledger", body); };
  const Response answer = ask({{"kind", "tool_usage"}, {"ids", list(id(1), id(2), id(3), id(4), "x' OR '1'='1")}});
  CHECK(body_of(answer)["counted"] == list(id(1), id(2), id(3)));
  CHECK(body_of(ask({{"kind", "model_usage"}, {"ids", list(id(1))}}))["counted"].empty());
  f.key = f.issue(f.acme, kIngest);  // enough, as it is for posting
  CHECK(body_of(ask({{"kind", "tool_usage"}, {"ids", list(id(1))}}))["counted"].size() == 1);
  f.key = f.issue(f.tenant("Other"), kIngest | kRead);
  CHECK(body_of(ask({{"kind", "tool_usage"}, {"ids", list(id(1))}}))["counted"].empty());

  CHECK(errors_of(ask({{"kind", "no_such"}, {"ids", list(id(1))}}))[0]["field"] == "kind");
  CHECK(errors_of(ask({{"kind", "tool_usage"}}))[0]["field"] == "ids");
  Json many = Json::array();
  for (std::size_t i = 0; i < kMaxAskedIds; ++i) many.push_back(id(static_cast<int>(i)));
  CHECK(ask({{"kind", "tool_usage"}, {"ids", many}}).status == 200);
  many.push_back("one more");
  CHECK(ask({{"kind", "tool_usage"}, {"ids", many}}).status == 400);
}

TEST_CASE("with ids=1 each row lists its ids") {
  Fixture f;
  f.results(list(tool_on("2026-01-01", 2, "a"), tool_on("2026-01-01", 1, "b")));
  const std::string ledger = "/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-01&ids=1";
  CHECK(body_of(f.get(ledger))["days"][0]["ids"] == list(id(1), id(2)));
  CHECK(body_of(f.get(ledger + "&device_id=b"))["days"][0]["ids"] == list(id(1)));
}

TEST_CASE("an answer has at most 10 000 ids, and the cursor leads to the rest") {
  Fixture f;
  for (int block = 0; block < 11; ++block) {
    Json list = Json::array();
    for (int i = 0; i < 1000; ++i)
      list.push_back(tool_on(block < 5 ? "2026-01-01" : "2026-01-02", block * 1000 + i, "a"));
    f.results(list);
  }
  std::set<std::string> seen;
  std::string cursor;
  int answers = 0;
  do {
    const Json page = body_of(f.get("/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-02&ids=1&cursor=" + cursor));
    std::size_t ids = 0;
    for (const Json& row : page["days"]) {
      CHECK(row["count"] == (row["day"] == "2026-01-01" ? 5000 : 6000));
      ids += row["ids"].size();
      for (const Json& one : row["ids"]) CHECK(seen.insert(one.get<std::string>()).second);
    }
    CHECK(ids <= kMaxLedgerIds);
    cursor = page["next_cursor"].is_null() ? "" : page["next_cursor"].get<std::string>();
    ++answers;
  } while (!cursor.empty() && answers < 10);
  CHECK(seen.size() == 11'000);
  CHECK(answers == 2);
}

TEST_CASE("an answer has at most 10 000 rows, and the cursor leads to the rest") {
  Fixture f;
  const auto first = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
  const int days = 9'400;  // one record each, and a second kind on the last 1 000 of them
  for (int from = 0; from < days; from += 1'000) {
    Json tools = Json::array(), models = Json::array();
    for (int day = from; day < std::min(days, from + 1'000); ++day) {
      Json record = tool(id(day));
      record["timestamp"] = to_rfc3339(WallTime(first + std::chrono::days(day)));
      tools.push_back(record);
      if (day >= days - 1'000)
        models.push_back({{"id", id(100'000 + day)},
                          {"timestamp", record["timestamp"]},
                          {"model", "m"},
                          {"input_tokens", 1},
                          {"output_tokens", 1}});
    }
    f.results(tools);
    if (!models.empty()) REQUIRE(f.post({{"device_id", "laptop"}, {"model_usages", models}}).status == 200);
  }
  std::set<std::string> seen;
  std::string cursor;
  std::vector<std::size_t> sizes;
  do {
    const Json page = body_of(f.get("/api/v1/metrics/ledger?from=2000-01-01&to=2026-01-01&cursor=" + cursor));
    sizes.push_back(page["days"].size());
    for (const Json& row : page["days"])
      CHECK(seen.insert(row["day"].get<std::string>() + row["kind"].get<std::string>()).second);
    cursor = page["next_cursor"].is_null() ? "" : page["next_cursor"].get<std::string>();
  } while (!cursor.empty() && sizes.size() < 5);
  CHECK(sizes == std::vector<std::size_t>{kMaxLedgerRows, 400});
  CHECK(seen.size() == 10'400);
}

TEST_CASE("a key that may only ingest reads the ledger of a device that it names") {
  Fixture f;
  f.results(list(tool_on("2026-01-01", 1, "a"), tool_on("2026-01-01", 2, "b")));
  const std::string key = f.issue(f.acme, kIngest), range = "/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-01";
  CHECK(f.get(range, key).status == 403);
  CHECK(f.get(range + "&device_id=", key).status == 403);
  const Json one = body_of(f.get(range + "&device_id=a&ids=1", key));
  CHECK(one["days"][0]["ids"] == list(id(1)));
  CHECK(f.get(range, f.issue(f.acme, kAdmin)).status == 403);
}

TEST_CASE("wrong parameters are named") {
  Fixture f;
  const auto fields = [&](const std::string& query) {
    const Response response = f.get("/api/v1/metrics/ledger?" + query);
    CHECK(response.status == 400);
    std::string names;
    for (const Json& error : errors_of(response)) names += error["field"].get<std::string>() + " ";
    return names;
  };
  CHECK(fields("") == "from to ");
  CHECK(fields("from=2026-02-30&to=2026-13-01") == "from to ");
  CHECK(fields("from=2026-01-02&to=2026-01-01") == "to ");
  CHECK(fields("from=2026-01-01&to=2026-01-02&kind=tool_usages") == "kind ");
  CHECK(fields("from=2026-01-01&to=2026-01-02&ids=yes") == "ids ");
  CHECK(fields("from=2026-01-01&to=2026-01-02&colour=red") == "colour ");
  for (const char* cursor : {"x", "2026-01-01", "2026-01-01.nothing", "2026-01-01.tool_usage.1'%20OR%20'1'='1"})
    CHECK(fields("from=2026-01-01&to=2026-01-02&cursor=" + std::string(cursor)) == "cursor ");
}

}  // namespace fortium::service
