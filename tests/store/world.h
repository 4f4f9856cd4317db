// Every store with its outbox, in one shape, so that one story can be told of all of them. A new store is one more
// class here, and one more name in the story.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "fortium/metrics/store.h"
#include "fortium/sync/outbox.h"
#include "support/fakes.h"

namespace fortium::test {

class World {
 public:
  virtual ~World() = default;

  FakeClock clock;

  // The store that records for this destination; 0: for nobody.
  virtual metrics::EventStore& store(int lane) = 0;
  // Each call is another sender, as another process is.
  virtual std::unique_ptr<sync::Outbox> sender(int lane) = 0;
  // A sender took the lease of this lane until then, and died.
  virtual void lease_and_die(int lane, WallTime until) = 0;
  // No append that takes space works while this is on.
  virtual void set_full(bool full) = 0;
  // The record as it is kept.
  virtual std::optional<metrics::Event> kept(const metrics::Kind& kind, const std::string& id) = 0;
  virtual std::optional<std::string> set_aside_reason(const std::string& id) = 0;
};

std::unique_ptr<World> make_memory_world();
std::unique_ptr<World> make_sqlite_world();

}  // namespace fortium::test
