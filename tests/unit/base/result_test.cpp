// A value, or the reason why there is none.
#include "fortium/base/result.h"

#include <doctest/doctest.h>

#include <memory>

#include "fortium/base/guarded.h"

using namespace fortium;
using namespace std::chrono_literals;

namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{Errc::invalid, "odd"};
  return number / 2;
}
Result<int> quarter(int number) {
  FM_TRY(const int once, half(number));
  FM_TRY(const int twice, half(once));
  return twice;
}
Result<void> even(int number) {
  FM_TRY_(half(number));
  return {};
}

}  // namespace

TEST_CASE("errors pass up, values go on") {
  CHECK(*quarter(8) == 2);
  CHECK(quarter(6).error() == Error{Errc::invalid, "odd"});
  CHECK(even(2).ok());
  CHECK(even(3).error().what == "odd");
}

TEST_CASE("a result may hold what can only be moved") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(result);
  CHECK(*taken == 7);
}

TEST_CASE("a broken promise is thrown") {
  CHECK_THROWS_AS(FM_CHECK(1 == 2), Bug);
  CHECK_NOTHROW(FM_CHECK(1 == 1));
}

TEST_CASE("every code has its name") {
  CHECK(name(Errc::invalid) == "invalid");
  CHECK(name(Errc::internal) == "internal");
}

TEST_CASE("an alarm that was raised before the wait is not lost, and counts once") {
  Alarm alarm;
  alarm.poke();
  alarm.poke();
  CHECK(alarm.wait_for(1h) == Alarm::Woken::poked);
  CHECK(alarm.wait_for(0ns) == Alarm::Woken::timed_out);
  alarm.stop();
  CHECK(alarm.wait_for(1h) == Alarm::Woken::stopped);
  CHECK(alarm.wait_for(1h) == Alarm::Woken::stopped);
  CHECK(alarm.stopped());
}
