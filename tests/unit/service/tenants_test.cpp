#include "service/tenants.h"

#include "fixture.h"

namespace fortium::service {

using namespace std::chrono_literals;

TEST_CASE("more organizations than files that stay open") {
  Fixture f;
  Tenants few(tenants_dir(f.dir.path()), f.clock, /*most=*/2);
  std::vector<Tenant> tenants;
  for (const char* name : {"a", "b", "c", "d"}) tenants.push_back(f.tenant(name));
  for (int round = 0; round < 3; ++round)
    for (const Tenant& tenant : tenants) {
      f.clock.advance(1s);
      CHECK(few.find(tenant.file).ok());
    }
}

TEST_CASE("a file that is in use outlives its place among the open ones") {
  Fixture f;
  Tenants few(tenants_dir(f.dir.path()), f.clock, /*most=*/1);
  const auto held = must(few.find(f.acme.file));
  CHECK(few.find(f.tenant("other").file).ok());
  const auto version = held->read([](store::Db& db) { return db.integer("PRAGMA user_version"); });
  CHECK(*version > 0);
}

TEST_CASE("a file is not made anew for an organization that is gone") {
  Fixture f;
  Tenants tenants(tenants_dir(f.dir.path()), f.clock, 4);
  const auto gone = tenants.find("0197a000-0000-7000-8000-000000000000.db");
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().code == Errc::not_found);
}

}  // namespace fortium::service
