// Where records are kept. A store is bound to one owner (this installation, or one tenant) when it is opened, so no
// call can forget whose records they are.
#pragma once

#include <span>
#include <vector>

#include "fortium/base/result.h"
#include "fortium/metrics/event.h"

namespace fortium::metrics {

enum class Stored {
  fresh,      // it is new, and now kept
  duplicate,  // the same id with the same content was kept before: counted once
  conflict,   // the same id was kept before with other content: this one is not kept
};

// One instance belongs to one thread.
class EventStore {
 public:
  virtual ~EventStore() = default;
  // All or nothing, and durable when it returns ok: one entry an event, in order. Fills in `seq` and `device_id` where
  // they are absent. On an error nothing of this call is kept.
  virtual Result<std::vector<Stored>> append(std::span<Event> events) = 0;
};

}  // namespace fortium::metrics
