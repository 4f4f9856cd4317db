#include "store/world.h"
#include "support/memory_store.h"

namespace fortium::test {

namespace {

class MemoryWorld final : public World {
 public:
  metrics::EventStore& store(int lane) override {
    auto& store = stores_[lane];
    if (!store) store = std::make_unique<MemoryStore>(records_, lane == 0 ? nullptr : &queues_[lane]);
    return *store;
  }
  std::unique_ptr<sync::Outbox> sender(int lane) override {
    return std::make_unique<MemoryOutbox>(queues_[lane], ++last_owner_);
  }
  void lease_and_die(int lane, WallTime until) override {
    MemoryOutbox dying(queues_[lane], ++last_owner_);
    (void)dying.lease(clock.now(), until);
    queues_[lane].dead.insert(last_owner_);
  }
  void set_full(bool full) override {
    for (auto& [lane, store] : stores_) store->failure = full ? std::optional(Error{Errc::full, "full"}) : std::nullopt;
  }
  std::optional<metrics::Event> kept(const metrics::Kind& kind, const std::string& id) override {
    const auto found = records_.events.find({metrics::index_of(kind), id});
    return found != records_.events.end() ? std::optional(found->second) : std::nullopt;
  }
  std::optional<std::string> set_aside_reason(const std::string& id) override {
    for (const auto& [lane, queue] : queues_)
      if (const auto found = queue.set_aside.find(id); found != queue.set_aside.end()) return found->second;
    return std::nullopt;
  }

 private:
  MemoryRecords records_;
  std::map<int, MemoryQueue> queues_;
  std::map<int, std::unique_ptr<MemoryStore>> stores_;
  int last_owner_ = 0;
};

}  // namespace

std::unique_ptr<World> make_memory_world() { return std::make_unique<MemoryWorld>(); }

}  // namespace fortium::test
