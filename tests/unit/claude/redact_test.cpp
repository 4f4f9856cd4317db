// The corpus of secrets. Each is put together from pieces, so that no scanner takes this file for a leak.
#include "claude/redact.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using fortium::claude::kRedacted;
using fortium::claude::redact;

namespace {

const std::string kMixed = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8x";  // 28 characters, as a generator makes them
const std::string kHidden(kRedacted);

// The secret itself, without what stands before it.
const std::vector<std::string> kSecrets = {
    std::string("sk-") + "ant-api03-" + kMixed + kMixed + "AA",
    std::string("sk-") + "proj-" + kMixed + "_" + kMixed,
    std::string("sk-") + kMixed,
    std::string("sk_") + "live_" + kMixed,
    std::string("rk_") + "test_" + kMixed,
    std::string("wh") + "sec_" + kMixed,
    std::string("gh") + "p_" + kMixed + "12345678",
    std::string("gh") + "s_" + kMixed + "12345678",
    std::string("github") + "_pat_" + kMixed + "_" + kMixed,
    std::string("gl") + "pat-" + kMixed.substr(0, 20),
    std::string("xox") + "b-123456789012-" + kMixed,
    std::string("xox") + "p-123456789012-" + kMixed,
    std::string("xapp") + "-1-A0-" + kMixed,
    std::string("AK") + "IA" + "IOSFODNN7EXAMPLE",
    std::string("AS") + "IA" + "IOSFODNN7EXAMPLE",
    std::string("wJalrXUtnFEMI/K7MDENG/") + "bPxRfiCYEXAMPLEKEY",
    std::string("AI") + "za" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    std::string("ya") + "29." + kMixed,
    std::string("np") + "m_" + kMixed + "12345678",
    std::string("py") + "pi-" + kMixed + kMixed,
    std::string("hf") + "_" + kMixed,
    std::string("SG") + "." + kMixed.substr(0, 22) + "." + kMixed,
    std::string("dop") + "_v1_" + kMixed + kMixed,
    std::string("shp") + "at_" + kMixed,
    std::string("fm") + "_live_0123456789abcdef_" + kMixed,
    std::string("gsk") + "_" + kMixed,
    std::string("hv") + "s." + kMixed,
    std::string("eyJ") + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0In0." + kMixed,
    "0123456789abcdef0123456789abcdef01234567",
};

}  // namespace

TEST_CASE("a known shape of secret is taken out, wherever it stands") {
  for (const std::string& secret : kSecrets) {
    CAPTURE(secret);
    const auto shown = [&](const std::string& before, const std::string& after) {
      const std::string out = redact(before + secret + after);
      CHECK_MESSAGE(out.find(secret.substr(6)) == std::string::npos, out);
      return out;
    };
    CHECK(shown("", "") == kHidden);
    CHECK(shown("use ", " please") == "use " + kHidden + " please");
    CHECK(shown("(\"", "\")") == "(\"" + kHidden + "\")");
    shown("x=", "");
    shown("https://example.com/?k=", "&a=b");
    shown("Authorization: Bearer ", "\n");
    shown("curl -H 'X-Api-Key: ", "' https://example.com");
    shown("é", "é");
    shown("{\"key\":\"", "\"}");
  }
}

TEST_CASE("a value is a secret when its name says so") {
  for (const std::string line :
       {"PASSWORD=hunter2", "export DB_PASSWORD=hunter2", "STRIPE_KEY = hunter2", "api_key: hunter2",
        "\"client_secret\": \"hunter2\"", "token='hunter2'", "--password hunter2", "--password=hunter2",
        "--api-key 'hunter2'", "password: \"hunter2 and more\"",
        "Authorization: Basic hunter2===", "authorization: bearer hunter2X1", "Cookie: sid=hunter2", "MY_PAT=hunter2",
        "SENTRY_DSN=hunter2", "AWS_SECRET_ACCESS_KEY=hunter2/hunter2", "machine.credential=hunter2"}) {
    CAPTURE(line);
    const std::string out = redact("before " + line + "\nafter");
    CHECK_MESSAGE(out.find("hunter2") == std::string::npos, out);
    CHECK_MESSAGE(out.find(kRedacted) != std::string::npos, out);
    CHECK(out.starts_with("before "));
    CHECK(out.ends_with("\nafter"));
  }
  // What stands around it is kept.
  CHECK(redact("A=1\nDB_PASSWORD=x y\nB=2") == "A=1\nDB_PASSWORD=" + kHidden + " y\nB=2");
}

TEST_CASE("the password of an address is taken out, with its user") {
  CHECK(redact("postgres://app:hunter2@db.example.com/x") == "postgres://" + kHidden + "@db.example.com/x");
  CHECK(redact("https://x:p@ss@example.com") == "https://" + kHidden + "@example.com");
  CHECK(redact("https://example.com/a@b") == "https://example.com/a@b");
}

TEST_CASE("a block of PEM is taken out whole, also where its end is missing") {
  const std::string begin = std::string("-----BEGIN RSA PRIV") + "ATE KEY-----\nMIIE\nabc\n";
  const std::string end = std::string("-----END RSA PRIV") + "ATE KEY-----";
  CHECK(redact("a\n" + begin + end + "\nb") == "a\n" + kHidden + "\nb");
  CHECK(redact("a " + begin) == "a " + kHidden);
}

TEST_CASE("what people write is left as it is") {
  for (const std::string text :
       {"", "fix the bug in src/app/main.cpp", "the token count is too high, basic idea: cache it",
        "git commit -m 'a key insight' && git push origin main", "https://example.com/a/b?c=d#e",
        "/usr/local/share/applications/very/long/path/to/some/File1.txt", "keyboard monkey passenger",
        "run 12345678901234567890 times", "a risk-averse task-list", "e3b0c44", "line1\nline2\ttab", "ünïcödé, 日本語",
        "sk-learn and xoxb", "std::ranges::find_if(first_value, last_value, predicate)"}) {
    CAPTURE(text);
    CHECK(redact(text) == text);
  }
}

TEST_CASE("redacting what was redacted changes nothing") {
  for (const std::string& secret : kSecrets) {
    const std::string once = redact("TOKEN=" + secret + " and " + secret);
    CHECK(redact(once).find(secret) == std::string::npos);
  }
}
