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

// A writer holds the lock for about one fsync, and whoever is next at the turnstile takes it soon after.
constexpr std::chrono::microseconds kFirstPause{20};
constexpr std::chrono::microseconds kLongestPause{100};

bool take_lock(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }

// The turnstile: a lock of this open file on its first byte, apart from flock's.
bool turnstile(int fd, short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_len = 1;
  return ::fcntl(fd, F_OFD_SETLK, &range) == 0;
}

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
  if (shared_->somebody_waits.load(std::memory_order_relaxed) == 0 && take_lock(fd_)) return {};
  const auto give_up = std::chrono::steady_clock::now() + wait;
  bool next = false;  // through the turnstile
  for (auto pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    // Said again at each look: whoever gets the lock takes it back for all.
    shared_->somebody_waits.store(1, std::memory_order_relaxed);
    next = next || turnstile(fd_, F_WRLCK);
    if (next && take_lock(fd_)) break;
    if (std::chrono::steady_clock::now() >= give_up) {
      if (next) turnstile(fd_, F_UNLCK);
      return Error{Errc::busy, "the store was locked by another process for " + std::to_string(wait.count()) + " ms"};
    }
    std::this_thread::sleep_for(pause);
  }
  shared_->somebody_waits.store(0, std::memory_order_relaxed);
  turnstile(fd_, F_UNLCK);
  return {};
}

void WriteLock::give_back() { ::flock(fd_, LOCK_UN); }

}  // namespace fortium::store
