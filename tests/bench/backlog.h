// What an installation has to tell: records one after the other, the same for the service and for the floor beside it.
#pragma once

#include <cstdint>
#include <ctime>
#include <random>
#include <string>

namespace bench {

// Numbers of a fixed width, written over what is there.
inline void put(char* at, int width, std::uint64_t number, unsigned base = 10) {
  for (int i = width - 1; i >= 0; --i, number /= base) at[i] = "0123456789abcdef"[number % base];
}

constexpr std::size_t kIdBytes = 36;

class Backlog {
 public:
  struct Order {
    bool in_order =
        false;           // ids by time, as the tools make them (UUIDv7); else spread, as hooks and imports derive them
    bool mixed = false;  // any time of one hour and any of 40 sessions; else one after the other
  };
  struct Record {
    char id[kIdBytes];
    std::time_t time = 0;
    std::uint64_t session = 0;
  };

  Backlog(Order order, int installation, std::uint64_t seed)
      : order_(order), dice_(seed), clock_(kBegin - (order.mixed ? 0 : installation % 64) * 7 * 24 * kHour) {}

  void next(Record& record) {
    clock_ += order_.mixed ? 0 : kSecondsBetween;
    record.time = clock_ + (order_.mixed ? static_cast<std::time_t>(dice_() % kHour) : 0);
    record.session = order_.mixed ? dice_() % kSessions : number_ / kInSession;
    ++number_;
    const std::uint64_t ms = order_.in_order ? static_cast<std::uint64_t>(record.time) * 1000 + 678 : dice_();
    for (const int dash : {8, 13, 18, 23}) record.id[dash] = '-';
    put(record.id, 8, ms >> 16, 16);
    put(record.id + 9, 4, ms, 16);
    put(record.id + 14, 1, order_.in_order ? 7 : 8);
    put(record.id + 15, 3, dice_(), 16);
    put(record.id + 19, 1, 8);
    put(record.id + 20, 3, dice_(), 16);
    put(record.id + 24, 12, dice_(), 16);
  }

 private:
  static constexpr std::time_t kHour = 3600, kBegin = 1'767'225'600;  // 2026-01-01T00:00:00Z
  static constexpr std::time_t kSecondsBetween = 5;                   // of two records of an installation
  static constexpr std::uint64_t kInSession = 500, kSessions = 40;    // records one after the other; mixed

  const Order order_;
  std::mt19937_64 dice_;
  std::time_t clock_;
  std::uint64_t number_ = 0;
};

}  // namespace bench
