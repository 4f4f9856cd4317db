// Logging in, and what a login brings.
#include "service/access/auth.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "described.h"
#include "fixture.h"
#include "service/access/admin.h"
#include "service/access/fields.h"
#include "service/access/signing.h"

namespace fortium::service {

using namespace std::chrono_literals;

namespace {

constexpr auto kProfile = "/api/v1/auth/profile";
constexpr auto kPassword = "correct horse battery";

struct World : Fixture {
  World() {
    Passwords passwords;
    ada =
        must(people().create(acme.id, "Ada", "ada", Role::developer, must(passwords.hash(Secret(kPassword), entropy))));
  }
  People people() { return {control().sql(), clock, entropy}; }
  Response send(const std::string& method, const std::string& target, const Json& json, const std::string& token = "",
                const std::string& peer = "127.0.0.1") {
    Request request = this->request(method, target, token);
    request.peer = peer;
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = dump_json(json);
    Response response = service.answer(request);
    CHECK(complaint(request, response) == "");
    return response;
  }
  Response login(const std::string& organization, const std::string& name, const std::string& password,
                 const std::string& peer = "127.0.0.1") {
    return send("POST", "/api/v1/auth/login", {{"organization", organization}, {"name", name}, {"password", password}},
                "", peer);
  }
  Json tokens() {
    const Response response = login("acme", "ada", kPassword);
    REQUIRE_MESSAGE(response.status == 200, response.body);
    return body_of(response);
  }
  Response refresh(const std::string& token) {
    return send("POST", "/api/v1/auth/refresh", {{"refresh_token", token}});
  }
  std::string token_for(const Person& person) {
    return must(Tokens(control(), clock, entropy, options).make(person, "")).text.reveal();
  }

  const TokenOptions options;
  Person ada;
};

std::string code_of(const Response& response) { return body_of(response)["code"]; }

}  // namespace

TEST_CASE("a login brings a token that says who, and a refresh token that brings the next") {
  World w;
  const Json first = w.tokens();
  CHECK(first["token_type"] == "Bearer");
  CHECK(first["expires_in"] == 900);
  const Json profile = body_of(w.get(kProfile, first["access_token"]))["data"];
  CHECK(profile["name"] == "Ada");
  CHECK(profile["user_id"] == "ada");
  CHECK(profile["role"] == "developer");
  CHECK(profile["organization"]["name"] == "Acme");

  w.clock.advance(16min);
  CHECK(code_of(w.get(kProfile, first["access_token"])) == "expired_token");
  const Json second = body_of(w.refresh(first["refresh_token"]));
  CHECK(w.get(kProfile, second["access_token"]).status == 200);
  CHECK(second["refresh_token"] != first["refresh_token"]);
}

TEST_CASE("a refresh token that is used twice ends the login, for both who have it") {
  World w;
  const Json first = w.tokens();
  const Json second = body_of(w.refresh(first["refresh_token"]));
  const Response stolen = w.refresh(first["refresh_token"]);
  CHECK(stolen.status == 401);
  CHECK(code_of(stolen) == "refresh_reused");
  CHECK(w.refresh(second["refresh_token"]).status == 401);
  CHECK(code_of(w.get(kProfile, second["access_token"])) == "revoked_token");
  CHECK(w.refresh("fmr_" + std::string(64, '0')).status == 401);
  CHECK(body_of(w.login("acme", "ada", kPassword))["success"] == true);  // another login is another chain
}

TEST_CASE("a refresh token lives for a week without use") {
  World w;
  const Json first = w.tokens();
  w.clock.advance(kRefreshLife - 1s);
  const Json second = body_of(w.refresh(first["refresh_token"]));
  CHECK(second["success"] == true);
  w.clock.advance(kRefreshLife);
  CHECK(w.refresh(second["refresh_token"]).status == 401);
}

TEST_CASE("who refreshes too often waits, and the token that was refused works after that") {
  World w;
  std::string token = w.tokens()["refresh_token"];
  Response answer;
  for (std::int64_t i = 0; i < 2 * kRefreshes && (answer = w.refresh(token)).status == 200; ++i)
    token = body_of(answer)["refresh_token"];
  CHECK(answer.status == 429);
  w.clock.advance(61s);
  CHECK(w.refresh(token).status == 200);
}

TEST_CASE("logging out ends the login") {
  World w;
  const Json mine = w.tokens();
  CHECK(w.send("POST", "/api/v1/auth/logout", Json::object(), mine["access_token"]).status == 200);
  CHECK(code_of(w.get(kProfile, mine["access_token"])) == "revoked_token");
  CHECK(w.refresh(mine["refresh_token"]).status == 401);
}

TEST_CASE("an unknown organization, an unknown name, no password and a wrong password are one answer") {
  World w;
  (void)must(w.people().create(w.acme.id, "Bob", "", Role::viewer, ""));
  const std::string wrong = w.login("acme", "ada", "wrong password!", "1.1.1.1").body;
  CHECK(w.login("nobody", "ada", kPassword, "1.1.1.2").body == wrong);
  CHECK(w.login("acme", "eve", kPassword, "1.1.1.3").body == wrong);
  CHECK(w.login("acme", "bob", kPassword, "1.1.1.4").body == wrong);
  CHECK(w.login("acme", "bob", "", "1.1.1.5").status == 400);
  CHECK(w.login("acme", "ada", "short", "1.1.1.6").body == wrong);
  CHECK(w.login("acme", "ada", std::string(kMaxPasswordBytes + 1, 'x'), "1.1.1.7").body == wrong);
}

TEST_CASE("after five wrong passwords a name waits, and so does an address") {
  World w;
  for (int i = 0; i < kLogins; ++i)
    CHECK(w.login("acme", "ada", "wrong password!", "1.1.1." + std::to_string(i)).status == 401);
  const Response by_name = w.login("ACME", "ADA", kPassword, "1.1.2.1");
  CHECK(by_name.status == 429);
  CHECK_FALSE(by_name.header("Retry-After").empty());
  for (int i = 0; i < kLogins; ++i)
    CHECK(w.login("acme", "p" + std::to_string(i), "wrong password!", "2.2.2.2").status == 401);
  CHECK(w.login("acme", "someone", kPassword, "2.2.2.2").status == 429);
  // One customer's IPv6 network is one address.
  for (int i = 0; i < kLogins; ++i)
    CHECK(w.login("acme", "q" + std::to_string(i), "wrong password!", "2001:db8:1:2::" + std::to_string(i)).status ==
          401);
  CHECK(w.login("acme", "r", "wrong password!", "2001:db8:1:2:ffff::1").status == 429);
  CHECK(w.login("acme", "r", "wrong password!", "2001:db8:1:3::1").status == 401);
  w.clock.advance(kLoginTime);
  CHECK(w.login("acme", "ada", kPassword, "2.2.2.2").status == 200);
}

TEST_CASE("a new role, a removed person and a suspended organization count at once, whatever a token says") {
  World w;
  const std::string token = w.token_for(w.ada);
  const auto reads_admin = [&] { return w.get("/api/v1/admin/users", token).status; };
  CHECK(reads_admin() == 403);
  // More rights come with the next token, fewer rights now.
  REQUIRE(w.people().set_role(w.ada, Role::tenant_admin).ok());
  w.clock.advance(kCredentialLife);
  CHECK(reads_admin() == 403);
  const std::string strong = w.token_for(*must(w.people().find(w.acme.id, w.ada.id)));
  CHECK(w.get("/api/v1/admin/users", strong).status == 200);
  REQUIRE(w.people().set_role(w.ada, Role::viewer).ok());
  w.clock.advance(kCredentialLife);
  CHECK(w.get("/api/v1/admin/users", strong).status == 403);
  REQUIRE(w.control().set_suspended(w.acme, true).ok());
  w.clock.advance(kCredentialLife);
  CHECK(code_of(w.get(kProfile, token)) == "tenant_suspended");
  REQUIRE(w.control().set_suspended(w.acme, false).ok());
  REQUIRE(w.people().remove(w.ada).ok());
  w.clock.advance(kCredentialLife);
  CHECK(code_of(w.get(kProfile, token)) == "revoked_token");
}

TEST_CASE("a token of a key ends with its key") {
  World w;
  const Issued issued = must(w.control().create_key(w.acme, kRead, 5min));
  const Token token = must(Tokens(w.control(), w.clock, w.entropy, w.options).make(issued.key));
  CHECK(token.expires == w.clock.now() + 5min);
  const std::string text = token.text.reveal();
  CHECK(w.get("/api/v1/capabilities", text).status == 200);
  REQUIRE(w.control().revoke_key(issued.key).ok());
  w.clock.advance(kCredentialLife);
  CHECK(code_of(w.get("/api/v1/capabilities", text)) == "revoked_key");
}

TEST_CASE("who changes their password shows the old one, and all their logins end") {
  World w;
  const Json mine = w.tokens();
  const std::string token = mine["access_token"];
  const auto change = [&](const std::string& old, const std::string& fresh) {
    return w.send("PUT", "/api/v1/auth/password", {{"password", old}, {"new_password", fresh}}, token);
  };
  CHECK(change("wrong password!", "another long password").status == 403);
  CHECK(change(kPassword, "short").status == 400);
  CHECK(change(kPassword, "another long password").status == 200);
  CHECK(w.get(kProfile, token).status == 401);
  CHECK(w.login("acme", "ada", kPassword).status == 401);
  CHECK(w.login("acme", "ada", "another long password").status == 200);
}

TEST_CASE("signing keys are published before they sign, and known until their last token has expired") {
  World w;
  const auto published = [&] {
    std::vector<std::string> ids;
    const Json body = body_of(w.get("/.well-known/jwks.json", ""));
    for (const Json& key : body["keys"]) {
      CHECK(key["alg"] == "RS256");
      CHECK_FALSE(key.contains("d"));
      ids.push_back(key["kid"]);
    }
    return ids;
  };
  CHECK(published().empty());
  (void)w.token_for(w.ada);
  const auto first = published();
  REQUIRE(first.size() == 1);
  w.clock.advance(kSigningLife - kPublishAhead);
  const std::string old = w.token_for(w.ada);  // makes the successor
  REQUIRE(published().size() == 2);
  w.clock.advance(kPublishAhead - 1s);
  const std::string last = w.token_for(w.ada);
  w.clock.advance(1s);
  const std::string fresh = w.token_for(w.ada);
  CHECK(last.substr(0, last.find('.')) != fresh.substr(0, fresh.find('.')));
  for (const std::string& token : {last, fresh}) CHECK(w.get(kProfile, token).status == 200);
  w.clock.advance(kTokenLife + kTokenSkew);
  CHECK(published().size() == 1);
}

TEST_CASE("a signing key that leaked is ended, with all it signed") {
  World w;
  const std::string token = w.token_for(w.ada);
  CHECK(w.get(kProfile, token).status == 200);
  SigningKeys keys(w.control().sql(), w.clock, w.entropy, Secret());
  REQUIRE(keys.rotate(SigningKeys::Old::stays).ok());
  w.clock.advance(kCredentialLife);
  CHECK(w.get(kProfile, token).status == 200);
  REQUIRE(keys.rotate(SigningKeys::Old::ends).ok());
  w.clock.advance(kCredentialLife);
  CHECK(w.get(kProfile, token).status == 401);
  CHECK(w.get(kProfile, w.token_for(w.ada)).status == 200);
}

TEST_CASE("passwords are Argon2id, each with a salt of its own") {
  SystemEntropy entropy;
  Passwords passwords;
  const std::string one = must(passwords.hash(Secret(kPassword), entropy));
  CHECK(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  CHECK(one != must(passwords.hash(Secret(kPassword), entropy)));
  CHECK(must(passwords.matches(Secret(kPassword), one)));
  CHECK_FALSE(must(passwords.matches(Secret("wrong password!"), one)));
  CHECK_FALSE(must(passwords.matches(Secret(kPassword), "")));
  CHECK_FALSE(passwords.hash(Secret(std::string(kMinPasswordBytes - 1, 'x')), entropy).ok());
  CHECK(passwords.hash(Secret(std::string(kMinPasswordBytes, 'x')), entropy).ok());
  CHECK(passwords.hash(Secret(std::string(kMaxPasswordBytes, 'x')), entropy).ok());
  CHECK_FALSE(passwords.hash(Secret(std::string(kMaxPasswordBytes + 1, 'x')), entropy).ok());
}

TEST_CASE("who has no credential sends little") {
  World w;
  Request head = w.request("POST", "/api/v1/auth/login", "");
  head.headers.emplace_back("Content-Length", std::to_string(kMaxFieldsBytes));
  CHECK_FALSE(w.service.refuse(head));
  head.headers.back().second = std::to_string(kMaxFieldsBytes + 1);
  CHECK(w.service.refuse(head)->status == 413);
  head.headers.back() = {"Transfer-Encoding", "chunked"};
  CHECK(w.service.refuse(head)->status == 413);
  Json long_body = {{"refresh_token", std::string(kMaxFieldsBytes, 'x')}};
  CHECK(w.send("POST", "/api/v1/auth/refresh", long_body).status == 413);
}

TEST_CASE("a password of nobody costs as much work as that of somebody") {
  SystemEntropy entropy;
  Passwords passwords;
  const std::string hash = must(passwords.hash(Secret(kPassword), entropy));
  const auto work = [&](const std::string& compared) {
    const std::clock_t begin = std::clock();  // of the processor: others on the machine do not count
    for (int i = 0; i < 3; ++i) CHECK_FALSE(must(passwords.matches(Secret("wrong password!"), compared)));
    return static_cast<double>(std::clock() - begin);
  };
  CHECK(work("") > work(hash) / 3);
}

}  // namespace fortium::service
