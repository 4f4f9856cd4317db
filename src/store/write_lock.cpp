#include "write_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace fortium::store {

namespace {

// A writer holds the lock for about one fsync, and between two of its own it is free for some 100 us: whoever waits must
// look that often, or busy writers starve it.
constexpr std::chrono::microseconds kFirstPause{20};
constexpr std::chrono::microseconds kLongestPause{100};

}  // namespace

Result<WriteLock> WriteLock::open(const std::string& path) {
  WriteLock lock;
  lock.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock.fd_ < 0) return Error{Errc::unavailable, "cannot open " + path + ": " + std::strerror(errno)};
  return lock;
}

WriteLock::WriteLock(WriteLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

WriteLock& WriteLock::operator=(WriteLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

WriteLock::~WriteLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> WriteLock::take(Millis wait) {
  const auto give_up = std::chrono::steady_clock::now() + wait;
  auto pause = kFirstPause;
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return Error{Errc::unavailable, std::string("cannot lock the store: ") + std::strerror(errno)};
    if (std::chrono::steady_clock::now() >= give_up)
      return Error{Errc::busy, "the store was locked by another process for " + std::to_string(wait.count()) + " ms"};
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  return {};
}

void WriteLock::give_back() { ::flock(fd_, LOCK_UN); }

}  // namespace fortium::store
