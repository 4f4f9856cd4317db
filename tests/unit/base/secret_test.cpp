// A key is shown as its last four characters, and never by accident.
#include "fortium/base/secret.h"

#include <doctest/doctest.h>

using namespace fortium;

TEST_CASE("a secret is shown as its end, a short one not at all") {
  CHECK(Secret().masked() == "");
  CHECK(Secret("fm_live_0123456789abcdef").masked() == "…cdef");
  CHECK(Secret("12345678").masked() == "…");
  CHECK(Secret("123456789").masked() == "…6789");
}

TEST_CASE("what somebody else says is shown without the key, and cut on a character") {
  const Secret key("fm_0123456789");
  CHECK(redact("key fm_0123456789 is bad, fm_0123456789!", key, 100) == "key …6789 is bad, …6789!");
  CHECK(redact("fm_012345678", key, 100) == "fm_012345678");
  CHECK(redact("abcdef", key, 6) == "abcdef");
  CHECK(redact("abcdefg", key, 6) == "abcdef…");
  CHECK(redact("ääää", key, 3) == "ä…");
  CHECK(redact("ääää", key, 4) == "ää…");
  CHECK(redact("😀", key, 3) == "…");
  CHECK(redact("", key, 0) == "");
  CHECK(redact("anything", Secret(), 100) == "anything");
  // The key is looked for before the text is cut: half a key is none of it.
  CHECK(redact("xxxx fm_0123456789", key, 10).find("fm_01") == std::string::npos);
}

TEST_CASE("a key that is short, or holds its own mask, ends too") {
  CHECK(redact("aaaa", Secret("a"), 100) == "…………");
  CHECK(redact("x", Secret("…"), 100) == "x");
  CHECK(redact("…abcd", Secret("…abcd1234"), 100) == "…abcd");
}
