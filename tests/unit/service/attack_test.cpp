// Every end point with every kind of credential: what is allowed is what the table of permissions says, for rows that
// are added later, too. And every end point with what belongs to somebody else.
#include <fstream>
#include <set>

#include "fixture.h"
#include "fortium/base/hash.h"
#include "service/access/permissions.h"
#include "service/access/rsa.h"
#include "service/access/signing.h"

namespace fortium::service {

using namespace std::chrono_literals;

namespace {

struct Shown {
  std::string name;
  std::string authorization;  // the header; empty: none
  Permissions may = 0;
  int refused = 0;  // with this status, whatever is asked for
};

std::string bearer(const std::string& text) { return "Bearer " + text; }

// What stands in the path for its names: nothing that is there.
std::string path_of(const Route& route, const std::string& name) {
  std::string path(route.path);
  for (std::size_t begin = path.find('{'); begin != path.npos; begin = path.find('{', begin + name.size()))
    path.replace(begin, path.find('}', begin) + 1 - begin, name);
  return path;
}

std::string what(const Route& route, const std::string& with, const Response& response) {
  return std::string(route.method) + " " + std::string(route.path) + " with " + with + ": " +
         std::to_string(response.status) + " " + response.body.substr(0, 300);
}

struct World : Fixture {
  World() : other(tenant("CANARY & Sons")), people(control().sql(), clock, entropy) {
    theirs = must(people.create(other.id, "CANARY person", "CANARY-label", Role::tenant_admin, ""));
    their_key = must(control().create_key(other, kIngest | kRead | kAdmin, std::nullopt));
    Json records = list(tool(id(1), "CANARY"), tool(id(2), "CANARY"));
    for (Json& record : records) {
      record["session_id"] = "CANARY-session";
      record["user_id"] = "CANARY-label";
      record["project"] = "CANARY-project";
    }
    REQUIRE(post(batch(records), their_key.text.reveal()).status == 200);
  }

  std::string token(Claims claims) {
    SigningKeys keys(control().sql(), clock, entropy, Secret());
    return must(keys.sign(claims));
  }
  Claims claims_of(const Person& person) {
    return {.issuer = options.issuer,
            .audience = options.audience,
            .subject = "user:" + person.id,
            .tenant = person.tenant,
            .role = std::string(role_name(person.role)),
            .permissions = permission_list(permissions_of(person.role)),
            .id = "j",
            .issued = clock.now(),
            .expires = clock.now() + kTokenLife};
  }
  Person person(Role role) { return must(people.create(acme.id, std::string(role_name(role)), "", role, "")); }

  std::vector<Shown> scopes() {
    std::vector<Shown> all;
    for (const Scopes scope : {kIngest, kRead, kAdmin, kSuper, kIngest | kRead, kIngest | kRead | kAdmin})
      all.push_back({"a key of the scopes " + to_text(scope), bearer(issue(acme, scope)), permissions_of(scope)});
    return all;
  }
  std::vector<Shown> roles() {
    std::vector<Shown> all;
    for (const Role role : {Role::tenant_admin, Role::manager, Role::developer, Role::viewer})
      all.push_back({"a token of the role " + std::string(role_name(role)), bearer(token(claims_of(person(role)))),
                     permissions_of(role)});
    return all;
  }
  // None of these is worth anything.
  std::vector<Shown> forgeries();

  Request prepared(const Route& route, const Shown& shown, const std::string& name, const std::string& query = "") {
    Request request = this->request(std::string(route.method), path_of(route, name) + query, "");
    request.peer = "10.0." + std::to_string(peers_ / 250) + "." + std::to_string(peers_ % 250);
    peers_ = (peers_ + 1) % 60'000;  // no address comes often enough to be slowed down
    if (!shown.authorization.empty()) request.headers.emplace_back("Authorization", shown.authorization);
    if (route.body == Body::json) {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = "{}";
    }
    return request;
  }

  const TokenOptions options;
  Tenant other;
  People people;
  Person theirs;
  Issued their_key;

 private:
  int peers_ = 0;
};

std::vector<Shown> World::forgeries() {
  std::vector<Shown> all = {
      {"nothing", "", 0, 401},
      {"an empty scheme", "Bearer ", 0, 401},
      {"another scheme", "Basic " + key, 0, 401},
      {"no key at all", bearer("let me in"), 0, 401},
      {"a key with a typing error", bearer(key.substr(0, key.size() - 1) + (key.back() == '0' ? "1" : "0")), 0, 401},
      {"a key of another service", bearer(make_key(entropy).text.reveal()), 0, 401},
  };
  const Issued revoked = must(control().create_key(acme, kIngest | kRead | kAdmin, std::nullopt));
  REQUIRE(control().revoke_key(revoked.key).ok());
  all.push_back({"a revoked key", bearer(revoked.text.reveal()), 0, 401});
  all.push_back({"an expired key", bearer(issue(acme, kIngest | kRead | kAdmin, 1ms)), 0, 401});
  clock.advance(1s);
  const Tenant closed = tenant("Closed");
  all.push_back({"a key of a suspended organization", bearer(issue(closed, kIngest | kRead | kAdmin)), 0, 403});
  REQUIRE(control().set_suspended(closed, true).ok());

  const Claims good = claims_of(must(people.create(acme.id, "forged", "", Role::tenant_admin, "")));
  const auto forged = [&](const std::string& name, auto change) {
    Claims claims = good;
    change(claims);
    all.push_back({"a token " + name, bearer(token(claims)), 0, 401});
  };
  forged("of another issuer", [](Claims& claims) { claims.issuer = "them"; });
  forged("for another audience", [](Claims& claims) { claims.audience = "them"; });
  forged("that has expired", [](Claims& claims) {
    claims.issued -= 1h;
    claims.expires -= 1h;
  });
  forged("that is not valid yet", [](Claims& claims) {
    claims.issued += 1h;
    claims.expires += 1h;
  });
  forged("that is valid for too long", [](Claims& claims) { claims.expires += 1h; });
  forged("of nobody", [](Claims& claims) { claims.subject = "user:" + id(9); });
  forged("of no subject that there is", [](Claims& claims) { claims.subject = "root"; });
  forged("of a person in another organization", [&](Claims& claims) { claims.tenant = other.id; });
  forged("of a login that there is not", [](Claims& claims) { claims.session = "0123456789abcdef"; });

  // Changed after it was signed, or signed by somebody else.
  const std::string real = token(good);
  const std::string header = real.substr(0, real.find('.')), signature = real.substr(real.rfind('.') + 1);
  Claims more = good;
  more.permissions = permission_list(kAnyPermission);
  const std::string other_input = signing_input(more, "x");
  all.push_back(
      {"a tampered token", bearer(header + other_input.substr(other_input.find('.')) + "." + signature), 0, 401});
  const auto pair = must(make_rsa_pair(Secret()));
  const std::string kid = (*parse_json(*from_base64url(header)))["kid"];
  const auto sign = [&](const std::string& key_id) {
    const std::string input = signing_input(good, key_id);
    return input + "." + base64url(must(sign_rs256(pair.private_pem, Secret(), input)));
  };
  all.push_back({"a token of a foreign key under our name", bearer(sign(kid)), 0, 401});
  all.push_back({"a token of a key that there is not", bearer(sign("0000000000000000")), 0, 401});
  const auto with_alg = [&](const std::string& alg) {
    return base64url(dump_json({{"alg", alg}, {"typ", "JWT"}, {"kid", kid}})) +
           real.substr(real.find('.'), real.rfind('.') - real.find('.'));
  };
  all.push_back({"a token without a signature", bearer(with_alg("none") + "."), 0, 401});
  const auto keys = must(SigningKeys(control().sql(), clock, entropy, Secret()).published());
  const Sha256 mac = hmac_sha256(keys[0].modulus, with_alg("HS256"));
  all.push_back({"a token whose HMAC is by the public key",
                 bearer(with_alg("HS256") + "." + base64url({reinterpret_cast<const char*>(mac.data()), mac.size()})),
                 0, 401});
  return all;
}

template <class Visit>
void each_route(Visit&& visit) {
  for (const std::span<const Route> table : all_routes())
    for (const Route& route : table) visit(route);
}

// 501 says what is documented elsewhere and not done here.
bool is_meant(int status) { return status < 500 || status == 501; }

}  // namespace

TEST_CASE("every end point with every credential does what the one table says") {
  World w;
  std::vector<Shown> all = w.forgeries();
  for (const auto& more : {w.scopes(), w.roles()}) all.insert(all.end(), more.begin(), more.end());
  int tried = 0;
  each_route([&](const Route& route) {
    for (const Shown& shown : all) {
      const Request request = w.prepared(route, shown, id(404));
      for (const bool head_only : {true, false}) {
        const auto head = head_only ? w.service.refuse(request) : std::optional(w.service.answer(request));
        const Response response = head.value_or(Response());
        const bool stopped =
            response.status == 401 ||
            (response.status == 403 && response.body.find("lacks the permission") != response.body.npos) ||
            (response.status == 403 && shown.refused == 403);
        ++tried;
        if (route.any_of == 0) {
          if (head_only) CHECK_MESSAGE(!stopped, what(route, shown.name, response));
        } else if (shown.refused != 0) {
          CHECK_MESSAGE(response.status == shown.refused, what(route, shown.name, response));
        } else {
          CHECK_MESSAGE(stopped == ((shown.may & route.any_of) == 0), what(route, shown.name, response));
        }
        CHECK_MESSAGE(is_meant(response.status), what(route, shown.name, response));
        // Who administers organizations sees their names, and no more.
        if (route.any_of != kManageTenants)
          CHECK_MESSAGE(response.body.find("CANARY") == response.body.npos, what(route, shown.name, response));
      }
    }
  });
  CHECK(tried > 1000);
}

TEST_CASE("what belongs to another organization is nowhere, by whatever name it is asked for") {
  World w;
  const Shown strong{"a key that may everything in its organization", bearer(w.issue(w.acme, kIngest | kRead | kAdmin)),
                     permissions_of(kIngest | kRead | kAdmin)};
  const std::int64_t before = w.count(w.their_key.text.reveal());
  const std::vector<std::string> names = {
      w.other.id, w.theirs.id, w.their_key.key.id, "CANARY-session", "CANARY-label", w.other.place, id(1)};
  each_route([&](const Route& route) {
    if ((strong.may & route.any_of) == 0) return;
    std::set<std::string> targets;
    for (const std::string& name : names)
      for (const char* parameter : {"", "tenant", "organization", "organization_id", "tenant_id", "org", "user_id",
                                    "session_id", "device_id", "key", "id"})
        targets.insert(name + (*parameter == 0 ? "" : "?" + std::string(parameter) + "=" + name));
    for (const std::string& target : targets) {
      const std::string name = target.substr(0, target.find('?')), query = target.substr(name.size());
      Request request = w.prepared(route, strong, name, query);
      request.headers.emplace_back("X-Tenant-ID", w.other.id);
      if (route.body == Body::json)
        request.body = dump_json({{"organization", w.other.id},
                                  {"organization_id", w.other.id},
                                  {"tenant", w.other.id},
                                  {"key", w.their_key.key.id},
                                  {"id", name}});
      const Response response = w.service.answer(request);
      CHECK_MESSAGE(response.body.find("CANARY &") == response.body.npos, what(route, target, response));
      CHECK_MESSAGE(response.body.find("CANARY person") == response.body.npos, what(route, target, response));
      CHECK_MESSAGE(response.body.find(w.other.name) == response.body.npos, what(route, target, response));
      CHECK_MESSAGE(is_meant(response.status), what(route, target, response));
      request.headers.emplace_back("X-Organization-ID", w.other.id);
      CHECK_MESSAGE(w.service.answer(request).status == 403, what(route, target, response));
    }
  });
  w.clock.advance(kCredentialLife);
  CHECK(w.count(w.their_key.text.reveal()) == before);
  CHECK(must(w.people.find(w.other.id, w.theirs.id)).has_value());
  CHECK(must(w.control().holder(w.their_key.key.id))->key.revoked == std::nullopt);
}

TEST_CASE("the table: each permission has a name of its own, and super_admin has them all") {
  std::set<std::string_view> names;
  Permissions all = 0;
  for (const Grant& grant : grants()) {
    CHECK(names.insert(grant.name).second);
    CHECK((all & grant.permission) == 0);
    all |= grant.permission;
  }
  CHECK(permissions_of(Role::super_admin) == all);
  CHECK(permissions_of(Role::viewer) == (kViewSummary | kEditProfile));
  CHECK((permissions_of(Role::developer) & kViewAll) == 0);
  each_route([&](const Route& route) { CHECK_MESSAGE((route.any_of == 0 || (route.any_of & all) != 0), route.path); });
}

TEST_CASE("an end point without a credential is one of those that are meant to be") {
  // Whoever adds one says so here.
  const std::set<std::string_view> open = {"/health",
                                           "/health/database",
                                           "/health/mcp",
                                           "/api/mcp/health",
                                           "/api/mcp-server-info",
                                           "/metrics",  // a token of its own, or this machine only
                                           "/healthz",
                                           "/readyz",
                                           "/api/v1/openapi.json",
                                           "/api/v1/auth/login",
                                           "/api/v1/auth/refresh",
                                           "/.well-known/jwks.json"};
  each_route([&](const Route& route) {
    if (route.any_of == 0) CHECK_MESSAGE(open.contains(route.path), route.path);
  });
}

TEST_CASE("the README shows the table as it is") {
  std::ifstream file(FORTIUM_README);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto joined = [](const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
    return out.empty() ? std::string("–") : out;
  };
  for (const Grant& grant : grants()) {
    std::vector<std::string> roles;
    for (const Role role : grant.roles)
      if (role != Role::super_admin) roles.emplace_back(role_name(role));
    const std::string row =
        "| `" + std::string(grant.name) + "` | " + joined(roles) + " | " + joined(scope_names(grant.scopes)) + " |\n";
    CHECK_MESSAGE(text.find(row) != text.npos, row);
  }
}

}  // namespace fortium::service
