// One writer at a time, over all processes and connections of a store.
//
// SQLite before 3.51.3 can lose committed pages when a checkpoint of one connection runs while another's commit
// restarts the log (sqlite.org/wal.html#walresetbug). So every write transaction and every checkpoint runs inside this
// lock: an advisory lock (flock) on a file of its own beside the store, which ends with its process and costs a
// microsecond.
//
// It is fair: who finds it taken draws a number in the file, and from then on everybody does, so a busy writer cannot
// keep the others out. Numbers only say who looks when: the first in line often, the others the more seldom the further
// back they stand, so a crowd costs no processor time. Whose process ended in the queue is passed over: when nobody was
// served for a while, everybody looks, and who finds that a later one was served draws again.
#pragma once

#include <atomic>
#include <string>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"

namespace fortium::store {

class WriteLock {
 public:
  // Opens (and makes) the lock file; takes nothing yet.
  static Result<WriteLock> open(const std::string& path);
  WriteLock(WriteLock&& other) noexcept;
  WriteLock& operator=(WriteLock&& other) noexcept;
  ~WriteLock();

  // busy: another one held it for all of `wait`; without a wait, it is held or waited for.
  Result<void> take(Millis wait);
  void give_back();

  // How often the store was replaced: whoever opened it before must not write to what was moved away. To be changed by
  // the holder only.
  unsigned generation() const { return shared_->generation.load(std::memory_order_acquire); }
  void next_generation() { shared_->generation.fetch_add(1, std::memory_order_release); }

 private:
  // In the file, shared by all processes.
  struct Shared {
    std::atomic<unsigned> drawn;  // the newest number
    std::atomic<unsigned> generation;
    std::atomic<unsigned> served;  // the newest that got the lock; nobody waits where it is `drawn`
  };
  WriteLock() = default;

  int fd_ = -1;
  Shared* shared_ = nullptr;
};

}  // namespace fortium::store
