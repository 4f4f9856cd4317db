// Time that passes when the test says so, and entropy that counts. Not thread-safe.
#pragma once

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"

namespace fortium::test {

class FakeClock final : public Clock {
 public:
  static constexpr std::int64_t kStart = 1'767'322'445'678;  // 2026-01-02T02:54:05.678Z

  WallTime now() const override { return now_; }
  SteadyTime steady() const override { return steady_; }
  void advance(Millis time) {
    now_ += time;
    steady_ += time;
  }
  // Wall time jumps; steady time does not.
  void jump(Millis time) { now_ += time; }

 private:
  WallTime now_ = from_ms(kStart);
  SteadyTime steady_{};
};

// 0, 1, 2, … as 64-bit numbers: unlike the real one, it never surprises.
class CountingEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>((count_ >> (8 * (i % 8))) & 0xFF);
    ++count_;
  }

 private:
  std::uint64_t count_ = 0;
};

// The same numbers in every run, spread over all of 64 bits (splitmix64): for what depends on chance.
class SpreadEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) bits = next();
      out[i] = static_cast<std::byte>((bits >> (8 * (i % 8))) & 0xFF);
    }
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::uint64_t state_ = 0;
};

}  // namespace fortium::test
