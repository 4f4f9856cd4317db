// Connections to PostgreSQL that threads take turns with: a bounded number, none older than kDbConnectionLife. Any
// thread.
#pragma once

#include <cstddef>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/guarded.h"
#include "pg.h"

namespace fortium::service {

class PgPool {
  struct Entry {
    std::unique_ptr<Pg> pg;
    SteadyTime opened{};
  };

 public:
  PgPool(std::string url, const Clock& clock, std::size_t most);

  // A connection for a while. What is left in a transaction or was lost is closed, not given back.
  class Lease {
   public:
    Lease(PgPool& pool, Entry entry) : pool_(&pool), entry_(std::move(entry)) {}
    Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), entry_(std::move(other.entry_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->give_back(std::move(entry_));
    }
    Pg& operator*() { return *entry_.pg; }
    Pg* operator->() { return entry_.pg.get(); }

   private:
    PgPool* pool_;
    Entry entry_;
  };

  // busy: all of them were in use for longer than kDbConnectionWait.
  Result<Lease> take();
  // Closes what has grown old.
  void rest();

 private:
  void give_back(Entry entry);
  bool old(const Entry& entry) const;

  const std::string url_;
  const Clock& clock_;
  const std::size_t most_;
  std::counting_semaphore<> free_;
  Guarded<std::vector<Entry>> idle_;
};

}  // namespace fortium::service
