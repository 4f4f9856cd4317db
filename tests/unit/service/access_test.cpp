#include "service/access/access.h"

#include "fixture.h"

namespace fortium::service {

using namespace std::chrono_literals;

namespace {

constexpr auto kWhoAmI = "/api/v1/capabilities";

std::string code_of(const Response& response) { return body_of(response)["code"]; }

}  // namespace

TEST_CASE("health needs no credential and tells nothing of organizations") {
  Fixture f;
  for (const char* path : {"/health", "/healthz", "/readyz"}) {
    const Response response = f.get(path, "");
    CHECK(response.status == 200);
    CHECK(response.body.find("Acme") == response.body.npos);
    CHECK(body_of(response)["status"] == "healthy");
  }
}

TEST_CASE("a refusal says which: missing, malformed, unknown, revoked, expired") {
  Fixture f;
  CHECK(code_of(f.get(kWhoAmI, "")) == "missing_credentials");
  CHECK(code_of(f.get(kWhoAmI, "fm_live_typo")) == "malformed_key");
  CHECK(code_of(f.get(kWhoAmI, make_key(f.entropy).text.reveal())) == "unknown_key");
  Request basic = f.request("GET", kWhoAmI, "");
  basic.headers.emplace_back("Authorization", "Basic " + f.key);
  CHECK(code_of(f.service.answer(basic)) == "malformed_key");

  const std::string brief = f.issue(f.acme, kRead, 10min);
  CHECK(f.get(kWhoAmI, brief).status == 200);
  f.clock.advance(10min);
  CHECK(code_of(f.get(kWhoAmI, brief)) == "expired_key");

  const Issued lost = must(f.control().create_key(f.acme, kRead, std::nullopt));
  CHECK(f.get(kWhoAmI, lost.text.reveal()).status == 200);
  REQUIRE(f.control().revoke_key(lost.key).ok());
  f.clock.advance(kCredentialLife);
  const Response revoked = f.get(kWhoAmI, lost.text.reveal());
  CHECK(revoked.status == 401);
  CHECK(code_of(revoked) == "revoked_key");
  CHECK_FALSE(revoked.header("WWW-Authenticate").empty());
  CHECK(revoked.body.find("Acme") == revoked.body.npos);
}

TEST_CASE("who knows the id but not the secret learns nothing about the key") {
  Fixture f;
  const Issued lost = must(f.control().create_key(f.acme, kRead, std::nullopt));
  REQUIRE(f.control().revoke_key(lost.key).ok());
  // Its id with the secret of another key, and the checksum made right.
  const std::string other = make_key(f.entropy).text.reveal();
  std::string guess = lost.text.reveal().substr(0, 25) + other.substr(25, 64);
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(guess.data()), static_cast<uInt>(guess.size()));
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08lx", crc);
  guess += digits;
  REQUIRE(read_key(guess).ok());
  CHECK(code_of(f.get(kWhoAmI, guess)) == "unknown_key");
}

TEST_CASE("the scheme is read in any case") {
  Fixture f;
  Request request = f.request("GET", kWhoAmI, "");
  request.headers.emplace_back("authorization", "bEARER   " + f.key + " ");
  CHECK(f.service.answer(request).status == 200);
}

TEST_CASE("a suspended organization is refused, and comes back") {
  Fixture f;
  REQUIRE(f.control().set_suspended(f.acme, true).ok());
  const Response refused = f.post(batch(list(tool(id(1)))));
  CHECK(refused.status == 403);
  CHECK(code_of(refused) == "tenant_suspended");
  REQUIRE(f.control().set_suspended(f.acme, false).ok());
  f.clock.advance(kCredentialLife);
  CHECK(f.post(batch(list(tool(id(1))))).status == 200);
}

TEST_CASE("the key of a removed organization is unknown, and its records are gone") {
  Fixture f;
  CHECK(f.post(batch(list(tool(id(1))))).status == 200);
  REQUIRE(f.control().remove_tenant(f.acme).ok());
  f.clock.advance(kCredentialLife);
  CHECK(code_of(f.get(kWhoAmI)) == "unknown_key");
  CHECK_FALSE(std::filesystem::exists(f.dir.path() + "/tenants/" + f.acme.place));
  const Tenant again = f.tenant("Acme");  // the name is free
  CHECK(f.count(f.issue(again, kRead)) == 0);
}

TEST_CASE("X-Organization-ID may name the key's own organization, by id or by name, and no other") {
  Fixture f;
  const Tenant other = f.tenant("Other");
  const auto ask = [&](const std::string& organization) {
    Request request = f.request("GET", kWhoAmI, f.key);
    request.headers.emplace_back("X-Organization-ID", organization);
    return f.service.answer(request).status;
  };
  CHECK(ask(f.acme.id) == 200);
  CHECK(ask("Acme") == 200);
  CHECK(ask("ACME") == 200);
  CHECK(ask(other.id) == 403);
  CHECK(ask("Other") == 403);
  CHECK(ask("nobody") == 403);
}

TEST_CASE("a scope is needed for each thing") {
  Fixture f;
  const std::string ingest = f.issue(f.acme, kIngest);
  const std::string read = f.issue(f.acme, kRead);
  const std::string admin = f.issue(f.acme, kAdmin);
  const std::string all = "/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-31";
  CHECK(f.post(batch(list(tool(id(1)))), ingest).status == 200);
  CHECK(f.post(batch(list(tool(id(2)))), read).status == 403);
  CHECK(f.post(batch(list(tool(id(2)))), admin).status == 403);
  CHECK(f.get(all, read).status == 200);
  CHECK(f.get(all, ingest).status == 403);
  CHECK(f.get(all + "&device_id=laptop", ingest).status == 200);
  CHECK(f.get(all + "&device_id=", ingest).status == 403);
  CHECK(f.get(all, admin).status == 403);
  for (const std::string& key : {ingest, read, admin}) CHECK(f.get(kWhoAmI, key).status == 200);
}

TEST_CASE("who keeps guessing is slowed down; who has a key is not") {
  Fixture f;
  int refused = 0;
  for (int i = 0; i < 2 * kStrangerUnitsPerMinute; ++i) refused += f.get(kWhoAmI, "").status == 401;
  CHECK(refused == kStrangerUnitsPerMinute + kStrangerUnitsPerMinute / 10);
  const Response response = f.get(kWhoAmI, "");
  CHECK(response.status == 429);
  CHECK_FALSE(response.header("Retry-After").empty());
  CHECK(f.get(kWhoAmI).status == 200);
}

TEST_CASE("a rotated key goes on for a while, and its successor has its scopes and length of life") {
  Fixture f;
  const Issued old = must(f.control().create_key(f.acme, kIngest | kAdmin, 100h));
  f.clock.advance(10h);
  const Issued fresh = must(f.control().rotate_key(old.key, 24h));
  CHECK(fresh.key.scopes == (kIngest | kAdmin));
  CHECK(fresh.key.expires == f.clock.now() + 100h);
  CHECK(f.get(kWhoAmI, old.text.reveal()).status == 200);
  CHECK(f.get(kWhoAmI, fresh.text.reveal()).status == 200);
  f.clock.advance(24h);
  CHECK(code_of(f.get(kWhoAmI, old.text.reveal())) == "expired_key");
  CHECK(f.get(kWhoAmI, fresh.text.reveal()).status == 200);
}

TEST_CASE("the last use of a key is noted after the answer") {
  Fixture f;
  const Issued issued = must(f.control().create_key(f.acme, kRead, std::nullopt));
  CHECK(f.get(kWhoAmI, issued.text.reveal()).status == 200);
  CHECK_FALSE(must(f.control().holder(issued.key.id))->key.used);
  f.service.rest();
  CHECK(must(f.control().holder(issued.key.id))->key.used == f.clock.now());
}

TEST_CASE("names of organizations are unique without regard to case") {
  Fixture f;
  const auto taken = f.control().create_tenant(" aCME ");
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.error().code == Errc::conflict);
  CHECK(must(f.control().tenant("acme")).id == f.acme.id);
  CHECK(must(f.control().tenant(f.acme.id)).name == "Acme");
  const Tenant odd = f.tenant("../../" + f.acme.id);
  CHECK(odd.place.find('/') == std::string::npos);
}

TEST_CASE("unknown paths and methods") {
  Fixture f;
  CHECK(f.get("/api/v1/nothing").status == 404);
  CHECK(f.get("/health/").status == 404);
  const Response response = f.service.answer(f.request("DELETE", "/api/v1/metrics/batch", f.key));
  CHECK(response.status == 405);
  CHECK(response.header("Allow") == "POST");
  CHECK(f.service.answer(f.request("HEAD", "/health", "")).status == 200);
}

}  // namespace fortium::service
