#include "service/store/sqlite_records.h"

#include "fixture.h"

namespace fortium::service {

using namespace std::chrono_literals;

TEST_CASE("more organizations than files that stay open") {
  Fixture f;
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
  Fixture f;
  const auto few = must(SqliteDepot::open(f.dir.path() + "/tenants", f.clock, /*most=*/1));
  const auto held = must(few->find(f.acme.place));
  CHECK(few->find(f.tenant("other").place).ok());
  CHECK(held->ledger({.from = "2026-01-01", .to = "2026-01-02"}).ok());
}

TEST_CASE("a file is not made anew for an organization that is gone") {
  Fixture f;
  const auto depot = must(SqliteDepot::open(f.dir.path() + "/tenants", f.clock, 4));
  const auto gone = depot->find("0197a000-0000-7000-8000-000000000000.db");
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().code == Errc::not_found);
}

}  // namespace fortium::service
