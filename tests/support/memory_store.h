// An event store in memory, with the promises of metrics::EventStore, which feeds the queue of a MemoryOutbox. Not
// thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fortium/base/hash.h"
#include "fortium/metrics/store.h"
#include "support/memory_outbox.h"

namespace fortium::test {

// What several stores share, as several connections share a file.
struct MemoryRecords {
  using Key = std::pair<std::size_t, std::string>;  // kind, id
  std::map<Key, metrics::Event> events;
  std::map<std::string, std::int64_t> last_seq;  // by session
  std::map<MemoryQueue*, std::int64_t> last_place;
  std::string device_id = "00000000-0000-7000-8000-000000000001";
};

class MemoryStore final : public metrics::EventStore {
 public:
  // Without a queue nobody waits for the records.
  explicit MemoryStore(MemoryRecords& records, MemoryQueue* queue = nullptr) : records_(records), queue_(queue) {}

  // Appends fail while this is set.
  std::optional<Error> failure;

  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events) override {
    if (failure) return *failure;
    std::vector<metrics::Stored> stored;
    for (metrics::Event& event : events) stored.push_back(add(event));
    return stored;
  }

 private:
  metrics::Stored add(metrics::Event& event) {
    const MemoryRecords::Key key{metrics::index_of(*event.kind), std::string(event.id())};
    if (const auto kept = records_.events.find(key); kept != records_.events.end()) {
      for (const metrics::Envelope filled : {metrics::kSeq, metrics::kDeviceId})
        if (!event.has(filled)) event.row[filled] = kept->second.row[filled];
      return metrics::same_content(kept->second, event) ? metrics::Stored::duplicate : metrics::Stored::conflict;
    }
    if (!event.has(metrics::kDeviceId)) event.row[metrics::kDeviceId] = records_.device_id;
    if (!event.has(metrics::kSeq) && event.has(metrics::kSessionId))
      event.row[metrics::kSeq] = ++records_.last_seq[std::string(event.text(metrics::kSessionId))];
    records_.events.emplace(key, event);
    if (queue_ != nullptr) {
      const std::int64_t place = ++records_.last_place[queue_];
      std::string wire;
      append_wire(wire, event);
      ++queue_->records;
      queue_->waiting[place] = {place, key.second, key.first, std::move(wire), 0};
    }
    return metrics::Stored::fresh;
  }

  MemoryRecords& records_;
  MemoryQueue* queue_;
};

}  // namespace fortium::test
