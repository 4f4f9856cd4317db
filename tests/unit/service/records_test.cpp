#include "service/store/sqlite_records.h"

#include "fixture.h"

namespace fortium::service {

using namespace std::chrono_literals;

constexpr std::int64_t kUnits = 1'000'000;

TEST_CASE("more organizations than files that stay open") {
  Fixture f(kUnits, Engine::sqlite);
  const auto few = must(SqliteDepot::open(f.dir.path() + "/tenants", f.clock, /*most=*/2));
  std::vector<Tenant> tenants;
  for (const char* name : {"a", "b", "c", "d"}) tenants.push_back(f.tenant(name));
  for (int round = 0; round < 3; ++round)
    for (const Tenant& tenant : tenants) {
      f.clock.advance(1s);
      CHECK(few->find(tenant.place).ok());
    }
}

TEST_CASE("a file that is in use outlives its place among the open ones") {
  Fixture f(kUnits, Engine::sqlite);
  const auto few = must(SqliteDepot::open(f.dir.path() + "/tenants", f.clock, /*most=*/1));
  const auto held = must(few->find(f.acme.place));
  CHECK(few->find(f.tenant("other").place).ok());
  CHECK(held->ledger({.from = "2026-01-01", .to = "2026-01-02"}).ok());
}

TEST_CASE("a file is not made anew for an organization that is gone") {
  Fixture f(kUnits, Engine::sqlite);
  const auto depot = must(SqliteDepot::open(f.dir.path() + "/tenants", f.clock, 4));
  const auto gone = depot->find("0197a000-0000-7000-8000-000000000000.db");
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().code == Errc::not_found);
}

namespace {

Json of_person(int n, const std::string& user) {
  Json record = tool(id(n));
  record["user_id"] = user;
  record["timestamp"] = n < 10 ? "2025-12-20T01:00:00.000Z" : "2026-01-02T01:00:00.000Z";
  return record;
}

Json totals(Fixture& f, const std::string& more = "") {
  return body_of(f.get("/api/v1/metrics/summary?from=2025-12-01&to=2026-01-06" + more))["totals"];
}

}  // namespace

TEST_CASE("a person's records go for good, and nobody else's") {
  Fixture f;
  f.results(list(of_person(1, "ann"), of_person(2, "bob"), of_person(3, "ann"), of_person(11, "ann")));
  const Backend other = must(open_backend(f.where, f.clock, f.entropy));
  const auto records = must(other.depot->find(f.acme.place));
  CHECK(must(records->erase("ann")) == 3);
  CHECK(totals(f)["tools"] == 1);
  CHECK(totals(f, "&user_id=ann")["tools"] == 0);
  CHECK(totals(f, "&user_id=bob")["tools"] == 1);
  CHECK(f.get("/api/v1/metrics/export?kind=tool_usage&from=2025-12-01&to=2026-01-06").body.find("ann") ==
        std::string::npos);
  // A client that sends them again is told that they are known; they do not come back.
  CHECK(f.results(list(of_person(1, "ann")))[0]["status"] == "duplicate");
  CHECK(totals(f)["tools"] == 1);
  CHECK(f.count() == 4);
  CHECK(must(records->erase("ann")) == 0);
}

TEST_CASE("records that are let go by age leave their sums behind") {
  Fixture f;
  f.results(list(of_person(1, "ann"), of_person(2, "bob"), of_person(11, "ann")));
  const Json before = totals(f);
  const Backend other = must(open_backend(f.where, f.clock, f.entropy));
  const auto records = must(other.depot->find(f.acme.place));
  const metrics::Kind& kind = *metrics::find_kind("tool_usage");
  CHECK(must(records->expire(kind, *parse_rfc3339("2025-12-31T00:00:00Z"))) == 2);
  CHECK(totals(f) == before);
  const std::string left = f.get("/api/v1/metrics/export?kind=tool_usage&from=2025-12-01&to=2026-01-06").body;
  CHECK(std::ranges::count(left, '\n') == 1);
  CHECK(f.results(list(of_person(1, "ann")))[0]["status"] == "duplicate");
  CHECK(f.count() == 3);
}

}  // namespace fortium::service
