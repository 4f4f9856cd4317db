// Ids.
#include "fortium/base/entropy.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "support/fakes.h"

using namespace fortium;

TEST_CASE("a UUIDv7 is made of time and chance") {
  test::CountingEntropy entropy;
  CHECK(uuid7(from_ms(0), entropy) == "00000000-0000-7000-8000-000000000000");
  const std::string id = uuid7(from_ms(test::FakeClock::kStart), entropy);
  CHECK(id == "019b7ca0-676e-7100-8000-000000000100");
  CHECK(is_uuid(id));
}

TEST_CASE("later ids sort behind earlier ones") {
  SystemEntropy entropy;
  std::string before;
  for (int i = 0; i < 1000; ++i) {
    std::string id = uuid7(from_ms(1'000'000 + i), entropy);
    CHECK(before < id);
    before = std::move(id);
  }
}

TEST_CASE("the kernel's chance does not repeat itself, over many of its blocks") {
  SystemEntropy entropy;
  std::set<std::string> seen;
  for (int i = 0; i < 5000; ++i) {
    const std::string id = uuid7(from_ms(0), entropy);
    CHECK(id[14] == '7');
    CHECK(std::string("89ab").find(id[19]) != std::string::npos);
    CHECK(seen.insert(id).second);
  }
  // More at once than the block that is read ahead.
  const std::string long_text = random_hex(2000, entropy);
  CHECK(long_text.size() == 4000);
  CHECK(long_text.find(std::string(64, '0')) == long_text.npos);
}

TEST_CASE("a UUIDv5 is the one that everybody else makes") {
  constexpr std::string_view kDns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";  // RFC 9562, appendix
  constexpr std::string_view kUrl = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";
  CHECK(uuid5(kDns, "www.example.com") == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  CHECK(uuid5(kUrl, "") == "1b4db7eb-4057-5ddf-91e0-36dec72071f5");
  CHECK(uuid5("6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "www.example.com") == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  CHECK(uuid5(kDns, std::string("a\0b", 3)) != uuid5(kDns, "a"));
  CHECK_THROWS_AS(uuid5("not a namespace", "x"), Bug);
}

TEST_CASE("what a UUID looks like") {
  CHECK(is_uuid("2ed6657d-e927-568b-95e1-2665a8aea6a2"));
  CHECK(is_uuid("2ED6657D-E927-568B-95E1-2665A8AEA6A2"));
  for (const char* text : {"", "2ed6657d", "2ed6657de927568b95e12665a8aea6a2", "2ed6657d-e927-568b-95e1-2665a8aea6a",
                           "2ed6657d-e927-568b-95e1-2665a8aea6a22", "2ed6657d-e927-568b-95e1_2665a8aea6a2",
                           "2ed6657g-e927-568b-95e1-2665a8aea6a2", "2ed6657-de927-568b-95e1-2665a8aea6a2",
                           "{2ed6657d-e927-568b-95e1-2665a8aea6}"}) {
    CAPTURE(text);
    CHECK_FALSE(is_uuid(text));
  }
}

TEST_CASE("hex digits, two a byte") {
  test::CountingEntropy entropy;
  CHECK(random_hex(4, entropy) == "00000000");
  CHECK(random_hex(4, entropy) == "01000000");
  CHECK(random_hex(0, entropy).empty());
}
