#include "service/http/gzip.h"

#include "fixture.h"

namespace fortium::service {

TEST_CASE("what was packed comes back") {
  const std::string text(100'000, 'x');
  CHECK(must(gunzip(gzipped(text), text.size())) == text);
  CHECK(must(gunzip(gzipped(""), 10)).empty());
  CHECK(must(gunzip(gzipped("one") + gzipped("two"), 10)) == "onetwo");  // members follow each other
}

TEST_CASE("one byte more than the limit is too large") {
  CHECK(gunzip(gzipped(std::string(1000, 'x')), 1000).ok());
  const auto more = gunzip(gzipped(std::string(1001, 'x')), 1000);
  REQUIRE_FALSE(more.ok());
  CHECK(more.error().code == Errc::full);
}

TEST_CASE("what is not whole gzip data is invalid") {
  const std::string packed = gzipped("some text that is long enough to be cut");
  for (std::size_t size = 0; size < packed.size(); ++size) {
    const auto cut = gunzip(packed.substr(0, size), 1000);
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.error().code == Errc::invalid);
  }
  CHECK_FALSE(gunzip("plain text", 1000).ok());
  CHECK_FALSE(gunzip(packed + "rubbish", 1000).ok());
  std::string damaged = packed;
  damaged[damaged.size() - 5] ^= 1;  // in the checksum
  CHECK_FALSE(gunzip(damaged, 1000).ok());
}

}  // namespace fortium::service
