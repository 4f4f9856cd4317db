// The two things that threads share: a value behind its own lock, and an alarm to be woken by.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace fortium {

// Data that can be reached only while its lock is held: guarded.with([](T& value) { ... }).
template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <class F>
  decltype(auto) with(F&& use) {
    std::lock_guard lock(mutex_);
    return std::forward<F>(use)(value_);
  }

 private:
  std::mutex mutex_;
  T value_{};
};

// A waiter sleeps until poked, stopped or timed out. A poke before the wait is not lost. Any thread.
class Alarm {
 public:
  enum class Woken { poked, stopped, timed_out };

  void poke() {
    {
      std::lock_guard lock(mutex_);
      poked_ = true;
    }
    changed_.notify_all();
  }
  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }
  bool stopped() {
    std::lock_guard lock(mutex_);
    return stopped_;
  }
  Woken wait_for(std::chrono::nanoseconds time) {
    std::unique_lock lock(mutex_);
    const bool woken = changed_.wait_for(lock, time, [this] { return poked_ || stopped_; });
    if (stopped_) return Woken::stopped;
    poked_ = false;
    return woken ? Woken::poked : Woken::timed_out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool poked_ = false;
  bool stopped_ = false;
};

}  // namespace fortium
