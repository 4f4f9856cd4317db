#include "net/http_ledger.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "fortium/base/entropy.h"
#include "fortium/metrics/kind.h"
#include "support/scripted_http.h"

using namespace fortium;
using namespace fortium::net;

namespace {

const std::string kDigest(32, '1');

struct Fixture {
  test::ScriptedHttp http;
  HttpLedger ledger{http,
                    {.origin = {true, "metrics.example.com", 443, "/team"},
                     .api_key = Secret("fm_live_0123456789abcdef"),
                     .organization_id = "acme",
                     .device_id = "dev ice&"}};

  void answer(const std::string& days, const std::string& next = "null") {
    http.answer(200, R"({"success":true,"days":[)" + days + R"(],"next_cursor":)" + next + "}");
  }
};

std::string row(const std::string& day, const std::string& more = "") {
  return R"({"day":")" + day + R"(","kind":"tool_usage","count":2,"digest":")" + kDigest + "\"" + more + "}";
}

const sync::LedgerKey kKey{"2026-01-02", metrics::index_of(*metrics::find_kind("tool_usage"))};

}  // namespace

TEST_CASE("the ledger is asked for this installation, page by page") {
  Fixture f;
  f.answer(row("2026-01-02"), "\"a/b\"");
  f.answer(row("2026-01-03") + R"(,{"day":"2026-01-03","kind":"of_a_newer_service","count":1,"digest":"x"})");
  const auto ledger = f.ledger.tallies({"2026-01-01", "2026-01-31"});
  REQUIRE(ledger.ok());
  CHECK(ledger->size() == 2);
  CHECK(ledger->at(kKey).count == 2);
  CHECK(ledger->at(kKey).digest.hex() == kDigest);
  CHECK(f.http.requests[0].path == "/team/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-31&device_id=dev%20ice%26");
  CHECK(f.http.requests[1].path ==
        "/team/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-31&device_id=dev%20ice%26&cursor=a%2Fb");
  CHECK(test::header_of(f.http.requests[0], "Authorization") == "Bearer fm_live_0123456789abcdef");
}

TEST_CASE("whether ids are counted is asked for a thousand at a time") {
  Fixture f;
  std::vector<std::string> ids;
  for (int i = 0; i < 1'001; ++i) ids.push_back(std::to_string(i));
  f.http.answer(200, R"({"success":true,"counted":["0","999"]})");
  f.http.answer(200, R"({"success":true,"counted":["1000"]})");
  const auto counted = f.ledger.counted(kKey.kind, ids);
  REQUIRE(counted.ok());
  CHECK(std::ranges::count(*counted, true) == 3);
  CHECK((*counted)[999]);
  CHECK((*counted)[1'000]);
  REQUIRE(f.http.requests.size() == 2);
  CHECK(f.http.requests[1].method == "POST");
  CHECK(f.http.requests[1].path == "/team/api/v1/metrics/ledger");
  CHECK(f.http.requests[1].body == R"({"ids":["1000"],"kind":"tool_usage"})");
}

TEST_CASE("a service that cannot be asked about ids counts none, one that answers with something else is no ledger") {
  Fixture f;
  const std::vector<std::string> ids = {"a"};
  f.http.answer(405, R"({"success":false,"message":"this path takes GET"})");
  const auto old = f.ledger.counted(kKey.kind, ids);
  REQUIRE(old.ok());
  CHECK(*old == std::vector<bool>{false});
  f.http.answer(200, R"({"success":true})");
  CHECK(f.ledger.counted(kKey.kind, ids).error().code == Errc::unavailable);
  f.http.answer(503, "");
  CHECK_FALSE(f.ledger.counted(kKey.kind, ids).ok());
}

TEST_CASE("ids of a row come in parts") {
  Fixture f;
  f.answer(row("2026-01-02", R"(,"ids":["a","b"])"), "\"c\"");
  f.answer(row("2026-01-02", R"(,"ids":["c"])"));
  const auto ids = f.ledger.ids(kKey);
  REQUIRE(ids.ok());
  CHECK(*ids == std::vector<std::string>{"a", "b", "c"});
  CHECK(f.http.requests[0].path.starts_with(
      "/team/api/v1/metrics/ledger?ids=1&from=2026-01-02&to=2026-01-02&kind=tool_usage&device_id="));
}

TEST_CASE("what is no ledger is an error of its kind") {
  const auto code = [](int status, const std::string& body) {
    Fixture f;
    f.http.answer(status, body);
    const auto ledger = f.ledger.tallies({});
    REQUIRE_FALSE(ledger.ok());
    CHECK(ledger.error().what.find("fm_live") == std::string::npos);
    return ledger.error().code;
  };
  CHECK(code(401, R"({"message":"not fm_live_0123456789abcdef"})") == Errc::unauthorized);
  CHECK(code(403, "") == Errc::unauthorized);
  CHECK(code(404, "") == Errc::not_found);
  CHECK(code(400, "") == Errc::invalid);
  CHECK(code(302, "") == Errc::unavailable);
  CHECK(code(429, "") == Errc::unavailable);
  CHECK(code(503, "") == Errc::unavailable);
  for (const char* body :
       {"", "<html>", "[]", "{}", R"({"success":true})", R"({"success":false,"days":[]})",
        R"({"success":true,"days":[1]})",
        R"({"success":true,"days":[{"day":"2026-01-02","kind":"tool_usage","count":"2"}]})",
        R"({"success":true,"days":[{"day":"2026-01-02","kind":"tool_usage","count":2,"digest":"1"}]})"})
    CHECK(code(200, body) == Errc::unavailable);
  Fixture offline;
  CHECK(offline.ledger.tallies({}).error().code == Errc::unavailable);
}

TEST_CASE("ids are known there in lower case, and those that are no UUIDs by their hash in the organization") {
  const std::string organization = "01890000-0000-7000-8000-000000000001";
  Fixture f;
  CHECK(*f.ledger.kept_as("01890000-0000-7000-8000-00000000ABCD") == "01890000-0000-7000-8000-00000000abcd");
  CHECK(f.http.requests.empty());
  f.http.answer(200, R"({"organization":{"id":")" + organization + R"(","name":"acme"}})");
  CHECK(*f.ledger.kept_as("mine") == uuid5(organization, "mine"));
  CHECK(*f.ledger.kept_as("other") == uuid5(organization, "other"));
  CHECK(f.http.requests.size() == 1);
  Fixture plain;  // a service that hashes nothing
  plain.http.answer(200, R"({"organization":"acme"})");
  CHECK(*plain.ledger.kept_as("mine") == "mine");
}
