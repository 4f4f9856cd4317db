#include "service/access/rate_limit.h"

#include <doctest/doctest.h>

#include "support/fakes.h"

namespace fortium::service {

using namespace std::chrono_literals;

TEST_CASE("the limit and a tenth more, and not one unit beyond") {
  test::FakeClock clock;
  RateLimit limit({.units = 100}, clock);
  for (int i = 0; i < 110; ++i) CHECK(limit.charge("a", 1).allowed);
  const Standing standing = limit.charge("a", 1);
  CHECK_FALSE(standing.allowed);
  CHECK(standing.ever);
  CHECK(standing.remaining == 0);
  CHECK(standing.retry_after == 60s);
  CHECK(limit.charge("b", 1).allowed);  // nobody pays for another
}

TEST_CASE("what remains is counted against the limit, the burst aside") {
  test::FakeClock clock;
  RateLimit limit({.units = 100}, clock);
  CHECK(limit.charge("a", 30).remaining == 70);
  const Standing standing = limit.charge("a", 80);
  CHECK(standing.allowed);
  CHECK(standing.remaining == 0);
  CHECK(standing.limit == 100);
  CHECK(standing.reset == clock.now() + 60s);
}

TEST_CASE("the window slides: units come back when their second is a minute old") {
  test::FakeClock clock;
  RateLimit limit({.units = 100}, clock);
  CHECK(limit.charge("a", 60).allowed);
  clock.advance(30s);
  CHECK(limit.charge("a", 50).allowed);
  const Standing refused = limit.charge("a", 20);
  CHECK_FALSE(refused.allowed);
  CHECK(refused.retry_after == 30s);
  clock.advance(29s);
  CHECK_FALSE(limit.charge("a", 20).allowed);
  clock.advance(1s);
  CHECK(limit.charge("a", 60).allowed);
  CHECK_FALSE(limit.charge("a", 1).allowed);
  clock.advance(1h);
  CHECK(limit.charge("a", 110).allowed);
}

TEST_CASE("more than all of the limit is refused for ever") {
  test::FakeClock clock;
  RateLimit limit({.units = 10}, clock);
  CHECK(limit.charge("a", 11).ever);
  clock.advance(60s);
  const Standing standing = limit.charge("a", 12);
  CHECK_FALSE(standing.allowed);
  CHECK_FALSE(standing.ever);
}

TEST_CASE("a look takes nothing") {
  test::FakeClock clock;
  RateLimit limit({.units = 1}, clock);
  CHECK(limit.look("a").allowed);
  CHECK(limit.look("a").allowed);
  CHECK(limit.charge("a", 1).allowed);
  CHECK_FALSE(limit.look("a").allowed);
}

TEST_CASE("strangers without number do not fill the memory") {
  test::FakeClock clock;
  RateLimit limit({.units = 1}, clock);
  for (int i = 0; i < 20'000; ++i) CHECK(limit.charge(std::to_string(i), 1).allowed);
}

TEST_CASE("an allowance takes what a request is beyond its first unit, and comes back at the rate of the limit") {
  test::FakeClock clock;
  RateLimit limit({.units = 10, .backlog = 100}, clock);
  CHECK(limit.charge("a", 50).remaining == 9);
  CHECK(limit.charge("a", 50).remaining == 8);
  // The allowance has 2 left, so the rest comes from the window, and does not fit.
  const Standing refused = limit.charge("a", 50);
  CHECK_FALSE(refused.allowed);
  CHECK(refused.ever);
  CHECK(limit.charge("a", 3).remaining == 7);
  CHECK(limit.charge("a", 3).remaining == 4);
  clock.advance(60s);
  CHECK(limit.charge("a", 11).remaining == 9);  // ten units came back in a minute
  CHECK(limit.charge("a", 10).remaining == 0);
  CHECK_FALSE(limit.charge("a", 112).ever);
  clock.advance(1h);
  CHECK(limit.charge("a", 101).remaining == 9);
}

TEST_CASE("small requests are limited as documented, whatever the allowance") {
  test::FakeClock clock;
  RateLimit limit({.units = 100, .backlog = 1'000'000}, clock);
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) allowed += limit.charge("a", 1).allowed ? 1 : 0;
  CHECK(allowed == 110);
}

TEST_CASE("who insists gets nothing until they pause; elsewhere the limit is exact") {
  for (const Insisting insisting : {Insisting::counted, Insisting::forgiven}) {
    test::FakeClock clock;
    RateLimit limit({.units = 10}, clock, 60s, insisting);
    int allowed = 0;
    for (int second = 0; second < 300; ++second, clock.advance(1s)) allowed += limit.charge("a", 1).allowed ? 1 : 0;
    CHECK(allowed == (insisting == Insisting::counted ? 11 : 55));
    clock.advance(60s);
    CHECK(limit.charge("a", 1).allowed);
  }
}

TEST_CASE("one of them may have another limit, from now on") {
  test::FakeClock clock;
  RateLimit limit({.units = 10}, clock);
  for (int i = 0; i < 5; ++i) CHECK(limit.charge("a", 1).allowed);
  limit.set("a", Quota{.units = 3});
  CHECK_FALSE(limit.charge("a", 1).allowed);
  CHECK(limit.charge("b", 1).limit == 10);
  limit.set("a", std::nullopt);
  CHECK(limit.charge("a", 1).remaining == 4);
}

}  // namespace fortium::service
