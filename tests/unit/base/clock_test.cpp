// Times and durations as text.
#include "fortium/base/clock.h"

#include <doctest/doctest.h>

#include "support/dice.h"

using namespace fortium;
using namespace std::chrono_literals;

namespace {

std::int64_t ms_of(std::string_view text) {
  const auto time = parse_rfc3339(text);
  if (!time) FAIL(text << ": " << time.error().what);
  return to_ms(*time);
}

}  // namespace

TEST_CASE("known times") {
  CHECK(to_rfc3339(from_ms(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(to_rfc3339(from_ms(1'767'322'445'678)) == "2026-01-02T02:54:05.678Z");
  CHECK(to_rfc3339(from_ms(-1)) == "1969-12-31T23:59:59.999Z");
  CHECK(to_rfc3339(from_ms(253'402'300'799'999)) == "9999-12-31T23:59:59.999Z");
  CHECK(ms_of("0000-01-01T00:00:00Z") == -62'167'219'200'000);
  CHECK(to_rfc3339(from_ms(-62'167'219'200'000)) == "0000-01-01T00:00:00.000Z");
  CHECK(ms_of("2000-02-29T12:00:00Z") == 951'825'600'000);
  CHECK(day_of(from_ms(1'767'322'445'678)) == "2026-01-02");
}

TEST_CASE("every millisecond is written and read back") {
  test::Dice dice(3);
  for (int i = 0; i < 20'000; ++i) {
    const WallTime time = from_ms(dice.between(-62'167'219'200'000, 253'402'300'799'999));
    const std::string text = to_rfc3339(time);
    REQUIRE(text.size() == 24);
    CHECK(ms_of(text) == to_ms(time));
    CHECK(day_of(time) == text.substr(0, 10));
  }
}

TEST_CASE("text in order is time in order") {
  test::Dice dice(4);
  for (int i = 0; i < 2'000; ++i) {
    const WallTime a = from_ms(dice.between(0, 4'000'000'000'000)), b = from_ms(dice.between(0, 4'000'000'000'000));
    CHECK((a < b) == (to_rfc3339(a) < to_rfc3339(b)));
  }
}

TEST_CASE("an offset is the same moment, written elsewhere") {
  CHECK(ms_of("2026-01-02T03:54:05.678+01:00") == 1'767'322'445'678);
  CHECK(ms_of("2026-01-01T18:24:05.678-08:30") == 1'767'322'445'678);
  CHECK(ms_of("2026-01-02T02:54:05.678-00:00") == 1'767'322'445'678);
  CHECK(ms_of("2026-01-03T02:53:05.678+23:59") == 1'767'322'445'678);
  CHECK(ms_of("2026-01-02t02:54:05.678z") == 1'767'322'445'678);
  CHECK(ms_of("2026-01-02 02:54:05.678Z") == 1'767'322'445'678);
}

TEST_CASE("a fraction has any length, and is kept to the millisecond") {
  CHECK(ms_of("1970-01-01T00:00:00.1Z") == 100);
  CHECK(ms_of("1970-01-01T00:00:00.12Z") == 120);
  CHECK(ms_of("1970-01-01T00:00:00.001999Z") == 1);
  CHECK(ms_of("1970-01-01T00:00:00.999999999999999999999999999999Z") == 999);
  CHECK(ms_of("1970-01-01T00:00:00Z") == 0);
}

TEST_CASE("a leap second is read as the last millisecond before it") {
  CHECK(ms_of("2016-12-31T23:59:60Z") == ms_of("2016-12-31T23:59:59.999Z"));
  CHECK(ms_of("2016-12-31T23:59:60.5Z") == ms_of("2016-12-31T23:59:59.999Z"));
}

TEST_CASE("what is no RFC 3339 time is refused") {
  for (const char* text : {"",
                           "2026",
                           "2026-01-02",
                           "2026-01-02T02:54:05",
                           "2026-01-02T02:54Z",
                           "2026-1-2T02:54:05Z",
                           "2026-01-02T02:54:05.Z",
                           "2026-01-02T02:54:05,5Z",
                           "2026-13-02T02:54:05Z",
                           "2026-00-02T02:54:05Z",
                           "2026-02-29T02:54:05Z",
                           "2026-01-32T02:54:05Z",
                           "2026-01-00T02:54:05Z",
                           "2026-01-02T24:00:00Z",
                           "2026-01-02T02:60:05Z",
                           "2026-01-02T02:54:61Z",
                           "2026-01-02T02:54:05+1:00",
                           "2026-01-02T02:54:05+0100",
                           "2026-01-02T02:54:05+24:00",
                           "2026-01-02T02:54:05+01:60",
                           "2026-01-02T02:54:05ZZ",
                           "2026-01-02T02:54:05 Z",
                           " 2026-01-02T02:54:05Z",
                           "2026-01-02T02:54:05Z ",
                           "12026-01-02T02:54:05Z",
                           "-026-01-02T02:54:05Z",
                           "2026/01/02T02:54:05Z",
                           "2026-01-02X02:54:05Z",
                           "2026-01-02T02.54.05Z",
                           "2026-01-02T02:54:0xZ",
                           "now"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rfc3339(text).ok());
  }
}

TEST_CASE("durations") {
  CHECK(*parse_duration("0") == 0ms);
  CHECK(*parse_duration("250") == 250ms);
  CHECK(*parse_duration("250ms") == 250ms);
  CHECK(*parse_duration("90s") == 90s);
  CHECK(*parse_duration("15m") == 15min);
  CHECK(*parse_duration("24h") == 24h);
  CHECK(*parse_duration("7d") == std::chrono::days(7));
  CHECK(*parse_duration("4w") == std::chrono::weeks(4));
  CHECK(*parse_duration("3650d") == std::chrono::days(3650));
  for (const char* text : {"", "s", "-1s", "1.5h", "1 h", " 1h", "1h ", "1y", "3651d", "99999999999999999999", "1hh",
                           "9223372036854775807w", "+1s", "0x1s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).ok());
  }
}
