#include "service/http/query.h"

#include <doctest/doctest.h>

namespace fortium::service {

TEST_CASE("a query is names and values, unescaped") {
  const auto given = read_parameters("from=2026-01-01&device_id=my+laptop%21&ids&&to=");
  REQUIRE(given.ok());
  CHECK(*given == Parameters{{"from", "2026-01-01"}, {"device_id", "my laptop!"}, {"ids", ""}, {"to", ""}});
  CHECK(read_parameters("")->empty());
}

TEST_CASE("broken escapes, control characters and doubled names are refused") {
  for (const char* wrong : {"a=%", "a=%2", "a=%zz", "a=%00", "a=%0A", "a=1&a=2", "%61=1&a=2"})
    CHECK_FALSE(read_parameters(wrong).ok());
}

TEST_CASE("bytes that are no UTF-8 are refused, escaped or not, in names and values") {
  for (const char* wrong : {"a=%ff", "%ff=a", "a=\xad", "\xad\xad=1", "a=%c3", "a=%ed%a0%80"})
    CHECK_FALSE(read_parameters(wrong).ok());
  CHECK(*read_parameters("a=%c3%a9&\xc3\xa9=1") == Parameters{{"a", "\xc3\xa9"}, {"\xc3\xa9", "1"}});
}

}  // namespace fortium::service
