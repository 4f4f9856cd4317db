#include "sync/backoff.h"

#include <doctest/doctest.h>

#include <cstring>

#include "fortium/sync/engine.h"
#include "support/fakes.h"

using namespace fortium;
using namespace fortium::sync;
using namespace std::chrono_literals;

namespace {

class FixedEntropy final : public Entropy {
 public:
  explicit FixedEntropy(std::uint64_t bits) : bits_(bits) {}
  void fill(std::span<std::byte> out) override { std::memcpy(out.data(), &bits_, std::min(out.size(), sizeof bits_)); }

 private:
  std::uint64_t bits_;
};

}  // namespace

TEST_CASE("jitter doubles its upper bound with every failure, from one second to fifteen minutes") {
  for (const int failures : {0, 1, 2, 5, 9, 10, 11, 64, 1'000'000}) {
    const std::int64_t most = failures < 10 ? 1000LL << failures : 900'000;
    FixedEntropy least(0);
    FixedEntropy greatest(static_cast<std::uint64_t>(most));
    FixedEntropy beyond(static_cast<std::uint64_t>(most) + 1);
    CHECK(jitter(failures, least) == 0ms);
    CHECK(jitter(failures, greatest) == Millis(most));
    CHECK(jitter(failures, beyond) == 0ms);
  }
}

TEST_CASE("jitter fills its range evenly") {
  SystemEntropy entropy;
  int low = 0;
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    const Millis drawn = jitter(3, entropy);
    CHECK(drawn >= 0ms);
    CHECK(drawn <= 8000ms);
    low += drawn < 4000ms ? 1 : 0;
  }
  CHECK(low > kDraws * 2 / 5);
  CHECK(low < kDraws * 3 / 5);
}

TEST_CASE("a Retry-After is a minimum, and taken up to a day") {
  FixedEntropy least(0);
  FixedEntropy most(8000);
  CHECK(delay_after(3, 2s, least) == 2s);
  CHECK(delay_after(3, 2s, most) == 8s);
  CHECK(delay_after(3, Millis(1'000'000'000'000), least) == 24h);
  CHECK(delay_after(3, Millis(-5), least) == 0s);
  CHECK(delay_after(3, std::nullopt, least) == 0s);
}

TEST_CASE("what is left of a wait") {
  const WallTime now = from_ms(test::FakeClock::kStart);
  LaneState state;
  CHECK(time_left(state, now) == 0ms);
  state.not_before = now + 3s;
  CHECK(time_left(state, now) == 3s);
  CHECK(time_left(state, now + 3s) == 0ms);
  CHECK(time_left(state, now + 1h) == 0ms);
}

TEST_CASE("a wait that nobody could have asked for is the trace of a clock that jumped") {
  const WallTime now = from_ms(test::FakeClock::kStart);
  LaneState state;
  state.not_before = now + 15min;
  CHECK(time_left(state, now) == 15min);
  state.not_before = now + 15min + 1ms;
  CHECK(time_left(state, now) == 0ms);
  state.retry_after = true;
  CHECK(time_left(state, now) == 15min + 1ms);
  state.not_before = now + 24h;
  CHECK(time_left(state, now) == 24h);
  state.not_before = now + 24h + 1ms;
  CHECK(time_left(state, now) == 0ms);
  state.not_before = from_ms(INT64_MAX);
  CHECK(time_left(state, now) == 0ms);
  state.not_before = from_ms(INT64_MIN);
  CHECK(time_left(state, now) == 0ms);
}
