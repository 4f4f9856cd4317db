#include "write_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace fortium::store {

namespace {

using std::chrono::microseconds;

// A writer holds the lock for about one fsync: each place in the queue is worth so much sleep, the first one's grows.
constexpr microseconds kFirstPause{20};
constexpr microseconds kPlace{100};
constexpr microseconds kLongestPause{5'000};
constexpr std::chrono::milliseconds kStalled{50};  // nobody served for so long: the first in line is gone, or stopped

Error busy_after(Millis wait) {
  return {Errc::busy, "the store was locked by another process for " + std::to_string(wait.count()) + " ms"};
}

bool take_lock(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }

}  // namespace

Result<WriteLock> WriteLock::open(const std::string& path) {
  WriteLock lock;
  lock.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock.fd_ < 0) return Error{Errc::unavailable, "cannot open " + path + ": " + std::strerror(errno)};
  constexpr std::size_t kBytes = sizeof(Shared);
  static_assert(std::atomic<unsigned>::is_always_lock_free);
  void* shared = MAP_FAILED;
  if (::ftruncate(lock.fd_, kBytes) == 0)
    shared = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, lock.fd_, 0);
  if (shared == MAP_FAILED) return Error{Errc::unavailable, "cannot use " + path + ": " + std::strerror(errno)};
  lock.shared_ = static_cast<Shared*>(shared);
  return lock;
}

WriteLock::WriteLock(WriteLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), shared_(std::exchange(other.shared_, nullptr)) {}

WriteLock& WriteLock::operator=(WriteLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(shared_, other.shared_);
  return *this;
}

WriteLock::~WriteLock() {
  if (shared_ != nullptr) ::munmap(shared_, sizeof *shared_);
  if (fd_ >= 0) ::close(fd_);
}

Result<void> WriteLock::take(Millis wait) {
  using Steady = std::chrono::steady_clock;
  auto& [drawn, generation, served] = *shared_;
  unsigned seen = served.load(std::memory_order_relaxed);
  if (drawn.load(std::memory_order_relaxed) == seen && take_lock(fd_)) return {};
  if (wait <= Millis(0)) return busy_after(wait);

  unsigned mine = drawn.fetch_add(1, std::memory_order_relaxed) + 1;
  const auto give_up = Steady::now() + wait;
  auto stalled = Steady::now() + kStalled;
  for (auto pause = kFirstPause;; std::this_thread::sleep_for(pause)) {
    const auto now = Steady::now();
    if (const unsigned newest = served.load(std::memory_order_relaxed); newest != std::exchange(seen, newest))
      stalled = now + kStalled;
    // Who was passed over draws again: without a number in the queue, who comes later would not wait for us.
    if (static_cast<int>(mine - seen) <= 0) mine = drawn.fetch_add(1, std::memory_order_relaxed) + 1;
    const auto before = static_cast<int>(mine - seen) - 1;
    if ((before <= 0 || now >= stalled || now >= give_up) && take_lock(fd_)) break;
    if (now >= give_up) return busy_after(wait);
    pause = before <= 0 ? std::min(pause * 2, kPlace) : std::min(before * kPlace, kLongestPause);
  }
  // Inside the lock: nobody else writes this.
  if (static_cast<int>(mine - served.load(std::memory_order_relaxed)) > 0)
    served.store(mine, std::memory_order_relaxed);
  return {};
}

void WriteLock::give_back() { ::flock(fd_, LOCK_UN); }

}  // namespace fortium::store
