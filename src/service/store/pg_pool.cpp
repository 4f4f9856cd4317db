#include "pg_pool.h"

#include "service/limits.h"

namespace fortium::service {

PgPool::PgPool(std::string url, const Clock& clock, std::size_t most)
    : url_(std::move(url)), clock_(clock), most_(most), free_(static_cast<std::ptrdiff_t>(most)) {}

Result<PgPool::Lease> PgPool::take() {
  if (!free_.try_acquire_for(kDbConnectionWait))
    return Error{Errc::busy, "database: all " + std::to_string(most_) + " connections are in use"};
  Entry entry = idle_.with([](auto& idle) {
    Entry last;
    if (!idle.empty()) {
      last = std::move(idle.back());
      idle.pop_back();
    }
    return last;
  });
  if (!entry.pg || old(entry) || !entry.pg->healthy()) {
    auto opened = Pg::open(url_);
    if (!opened) {
      free_.release();
      return std::move(opened).error();
    }
    entry = {std::move(*opened), clock_.steady()};
  }
  return Lease(*this, std::move(entry));
}

void PgPool::give_back(Entry entry) {
  entry.pg->watch({});
  if (entry.pg->healthy() && !entry.pg->in_transaction() && !old(entry))
    idle_.with([&](auto& idle) { idle.push_back(std::move(entry)); });
  free_.release();
}

bool PgPool::old(const Entry& entry) const { return clock_.steady() - entry.opened > kDbConnectionLife; }

void PgPool::rest() {
  std::vector<Entry> closed;  // outside of the lock
  idle_.with([&](auto& idle) {
    for (Entry& entry : idle)
      if (old(entry)) closed.push_back(std::move(entry));
    std::erase_if(idle, [](const Entry& entry) { return !entry.pg; });
  });
}

}  // namespace fortium::service
