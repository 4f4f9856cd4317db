// Chance that repeats: the same seed gives the same throws on every machine (splitmix64). Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fortium::test {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // From 0 to n - 1.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    const auto width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    const std::uint64_t step = width == UINT64_MAX ? next() : next() % (width + 1);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + step);
  }
  // One time in n.
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(std::span<const T> from) {
    return from[below(from.size())];
  }
  std::string letters(std::size_t n) {
    std::string text(n, ' ');
    for (char& c : text) c = static_cast<char>('a' + below(26));
    return text;
  }

 private:
  std::uint64_t state_;
};

}  // namespace fortium::test
