#include "service/access/names.h"

#include <doctest/doctest.h>

namespace fortium::service {

TEST_CASE("a name is trimmed, in any script") {
  CHECK(*read_name("  Acme \n") == "Acme");
  CHECK(*read_name("\xE3\x80\x80Ärzte GmbH\xC2\xA0") == "Ärzte GmbH");
  CHECK(*read_name("株式会社") == "株式会社");
  CHECK(*read_name("../../etc/passwd") == "../../etc/passwd");  // a name is never part of a path
}

TEST_CASE("a name has 1 to 255 characters, not bytes") {
  std::string most;
  for (int i = 0; i < 255; ++i) most += "ж";
  CHECK(read_name(most).ok());
  CHECK_FALSE(read_name(most + "ж").ok());
  CHECK_FALSE(read_name("").ok());
  CHECK_FALSE(read_name(" \t ").ok());
}

TEST_CASE("control characters and broken UTF-8 are refused") {
  for (const char* wrong : {"a\tb", "a\x01",
                            "a\x7F"
                            "b",
                            "a\xC2\x85"
                            "b",
                            "a\xE2\x80\xA8"
                            "b"})
    CHECK_FALSE(read_name(wrong).ok());
  for (const char* wrong : {"\xFF", "a\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\xAF"})
    CHECK_FALSE(read_name(wrong).ok());
}

TEST_CASE("case is folded letter by letter") {
  CHECK(folded("ACME") == folded("acme"));
  CHECK(folded("ÄRZTE") == folded("ärzte"));
  CHECK(folded("ОРГАНИЗАЦИЯ") == folded("организация"));
  CHECK(folded("ΣΊΣΥΦΟΣ") == folded("σίσυφος"));
  CHECK(folded("acme") != folded("acmé"));
}

}  // namespace fortium::service
