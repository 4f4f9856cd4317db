// What the sockets count, for whoever asks. Each number is exact by itself; together they are of about the same moment.
// Any thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace fortium::service {

// Times by the longest that falls into each bin: the last bin has no end.
class Times {
 public:
  static constexpr std::array<double, 13> kSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                      0.25,  0.5,    1,     2.5,  5,     10};

  void add(std::chrono::nanoseconds time) {
    const double seconds = std::chrono::duration<double>(time).count();
    std::size_t bin = 0;
    while (bin < kSeconds.size() && seconds > kSeconds[bin]) ++bin;
    ++bins_[bin];
    nanoseconds_ += time.count();
  }
  std::int64_t in_bin(std::size_t bin) const { return bins_[bin]; }
  double sum() const { return static_cast<double>(nanoseconds_.load()) / 1e9; }

 private:
  std::array<std::atomic<std::int64_t>, kSeconds.size() + 1> bins_{};
  std::atomic<std::int64_t> nanoseconds_ = 0;
};

struct EdgeCounts {
  std::atomic<std::int64_t> connections = 0;  // open now
  std::atomic<std::int64_t> accepted = 0;
  std::atomic<std::int64_t> turned_away = 0;  // there were too many
  std::atomic<std::int64_t> requests = 0;
  std::atomic<std::int64_t> rejected = 0;  // no HTTP, too large, too slow
  std::atomic<std::int64_t> streams = 0;   // event streams and WebSockets, open now
  std::atomic<std::int64_t> waiting = 0;   // for a worker, now
  std::atomic<std::int64_t> working = 0;   // workers, now
  Times waits;                             // for a worker
  std::atomic<bool> stopping = false;      // told to; others are to be asked from now on
};

}  // namespace fortium::service
