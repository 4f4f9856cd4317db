#include "service/access/jwt.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "fortium/base/hash.h"
#include "fortium/base/json.h"
#include "service/access/rsa.h"
#include "support/fakes.h"

namespace fortium::service {

using namespace std::chrono_literals;

namespace {

const RsaPair& ours() {
  static const RsaPair kPair = *make_rsa_pair(Secret());
  return kPair;
}
const RsaPair& foreign() {
  static const RsaPair kPair = *make_rsa_pair(Secret());
  return kPair;
}

const Expected kExpected{"us", "them"};

struct Maker {
  test::FakeClock clock;
  Json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "k1"}};
  Json body = {{"iss", "us"},
               {"aud", "them"},
               {"sub", "user:1"},
               {"org", "t"},
               {"role", "viewer"},
               {"permissions", Json::array({"dashboard.view"})},
               {"iat", to_ms(clock.now()) / 1000},
               {"exp", to_ms(clock.now()) / 1000 + 900},
               {"jti", "1"}};

  std::string input() const { return base64url(dump_json(header)) + "." + base64url(dump_json(body)); }
  std::string token(const RsaPair& pair = ours()) const {
    return input() + "." + base64url(*sign_rs256(pair.private_pem, Secret(), input()));
  }
  Result<Claims> read(const std::string& token) const {
    const FindKey find = [](std::string_view id) -> Result<std::optional<PublicKey>> {
      if (id != "k1") return std::optional<PublicKey>();
      return std::optional(PublicKey{"k1", ours().modulus, ours().exponent});
    };
    return read_token(token, find, kExpected, clock.now());
  }
  bool taken() const { return read(token()).ok(); }
};

}  // namespace

TEST_CASE("base64url has one text for each value") {
  for (const std::string& bytes :
       {std::string(), std::string("f"), std::string("fo"), std::string("foo"), std::string("\xFF\xFE\x00\x01", 4)})
    CHECK(from_base64url(base64url(bytes)) == bytes);
  CHECK(base64url("\xFF\xEF") == "_-8");
  for (const char* wrong : {"_-9", "_-8=", "A", "+/8", "_-8 ", "a b"}) CHECK_FALSE(from_base64url(wrong));
}

TEST_CASE("what was signed comes back") {
  const Maker m;
  const auto claims = m.read(m.token());
  REQUIRE(claims.ok());
  CHECK(claims->subject == "user:1");
  CHECK(claims->permissions == std::vector<std::string>{"dashboard.view"});
  CHECK(claims->expires - claims->issued == 15min);
  CHECK(m.clock.now() - claims->issued < 1s);
}

TEST_CASE("a token that was changed anywhere is refused") {
  const Maker m;
  const std::string token = m.token();
  for (std::size_t i = 0; i < token.size(); i += 7) {
    std::string wrong = token;
    wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
    if (wrong != token) CHECK_FALSE(m.read(wrong).ok());
  }
  CHECK_FALSE(m.read(token + "A").ok());
  CHECK_FALSE(m.read(token.substr(0, token.rfind('.') + 1)).ok());
  CHECK_FALSE(m.read(token + std::string(kMaxTokenBytes, 'A')).ok());
}

TEST_CASE("the algorithm is RS256, whatever the token says") {
  Maker m;
  for (const Json& alg :
       {Json("none"), Json("None"), Json("HS256"), Json("RS512"), Json("PS256"), Json("rs256"), Json(), Json(1)}) {
    m.header["alg"] = alg;
    CHECK_FALSE(m.taken());
    CHECK_FALSE(m.read(m.input() + ".").ok());
  }
  // The public key as the secret of an HMAC.
  m.header["alg"] = "HS256";
  for (const std::string& secret : {ours().modulus, base64url(ours().modulus)}) {
    const Sha256 mac = hmac_sha256(secret, m.input());
    CHECK_FALSE(m.read(m.input() + "." + base64url({reinterpret_cast<const char*>(mac.data()), mac.size()})).ok());
  }
}

TEST_CASE("a key is one of ours, and it is the one that signed") {
  Maker m;
  CHECK_FALSE(m.read(m.token(foreign())).ok());
  for (const Json& kid : {Json("k2"), Json(""), Json("../k1"), Json()}) {
    m.header["kid"] = kid;
    CHECK_FALSE(m.taken());
  }
  m.header["kid"] = "k1";
  m.header["jwk"] = {{"kty", "RSA"}, {"n", base64url(foreign().modulus)}, {"e", base64url(foreign().exponent)}};
  CHECK_FALSE(m.read(m.token(foreign())).ok());
  m.header.erase("jwk");
  m.header["crit"] = Json::array({"exp"});
  CHECK_FALSE(m.taken());
}

TEST_CASE("issuer, audience, subject and the like must be there and right") {
  for (const char* claim : {"iss", "aud", "sub", "org", "iat", "exp", "jti", "permissions"}) {
    Maker m;
    CHECK(m.taken());
    m.body.erase(claim);
    CHECK_MESSAGE(!m.taken(), claim);
    m.body[claim] = "another";
    if (std::string_view(claim) != "sub" && std::string_view(claim) != "org" && std::string_view(claim) != "jti")
      CHECK_MESSAGE(!m.taken(), claim);
  }
}

TEST_CASE("a token lives from its begin to its end, and a minute of two clocks") {
  Maker m;
  const std::string token = m.token();
  m.clock.advance(15min + 59s);
  CHECK(m.read(token).ok());
  m.clock.advance(1s);
  const auto expired = m.read(token);
  REQUIRE_FALSE(expired.ok());
  CHECK(expired.error().what == kTokenExpired);

  Maker early;
  early.body["iat"] = to_ms(early.clock.now()) / 1000 + 60;
  early.body["exp"] = to_ms(early.clock.now()) / 1000 + 600;
  CHECK(early.taken());
  early.body["iat"] = to_ms(early.clock.now()) / 1000 + 61;
  CHECK_FALSE(early.taken());
  Maker later;
  later.body["nbf"] = to_ms(later.clock.now()) / 1000 + 61;
  CHECK_FALSE(later.taken());
  Maker longer;
  longer.body["exp"] = to_ms(longer.clock.now()) / 1000 + 901;
  CHECK_FALSE(longer.taken());
  Maker odd;
  for (const Json& time : {Json("1"), Json(1e300), Json(-1), Json(INT64_MAX)}) {
    odd.body["exp"] = time;
    CHECK_FALSE(odd.taken());
  }
}

TEST_CASE("a signing key that is kept encrypted is read with its passphrase alone") {
  const Secret passphrase("a long passphrase of many words");
  const auto pair = make_rsa_pair(passphrase);
  REQUIRE(pair.ok());
  CHECK(pair->private_pem.reveal().find("ENCRYPTED") != std::string::npos);
  CHECK(sign_rs256(pair->private_pem, passphrase, "x").ok());
  CHECK_FALSE(sign_rs256(pair->private_pem, Secret("another"), "x").ok());
  CHECK_FALSE(sign_rs256(pair->private_pem, Secret(), "x").ok());
  const std::string signature = *sign_rs256(pair->private_pem, passphrase, "x");
  CHECK(verify_rs256(pair->modulus, pair->exponent, "x", signature));
  CHECK_FALSE(verify_rs256(pair->modulus, pair->exponent, "y", signature));
}

}  // namespace fortium::service
