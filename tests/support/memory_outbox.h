// An outbox in memory, with the promises of sync::Outbox. Several outboxes may share one queue, as processes share a
// store. Not thread-safe.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fortium/sync/outbox.h"

namespace fortium::test {

struct MemoryQueue {
  std::map<std::int64_t, sync::Waiting> waiting;
  std::vector<std::string> delivered;
  std::map<std::string, std::string> set_aside;  // id to reason
  sync::LaneState state;
  int saves = 0;
  int owner = 0;  // of the lease; 0: nobody
  WallTime leased_until{};
  std::set<int> dead;
  int records = 0;  // made so far

  // Adds n records of one kind, called r1, r2, …
  void add(int n, std::size_t kind = 1, std::size_t bytes = 0) {
    for (int i = 0; i < n; ++i) {
      const std::int64_t place = ++last_place_;
      const std::string id = "r" + std::to_string(place);
      std::string wire = "{\"id\":\"" + id + "\"}";
      wire += std::string(std::max(bytes, wire.size()) - wire.size(), ' ');
      ++records;
      waiting[place] = {place, id, kind, wire, 0};
    }
  }
  bool is_waiting(const std::string& id) const {
    return std::ranges::any_of(waiting, [&id](const auto& row) { return row.second.id == id; });
  }

 private:
  std::int64_t last_place_ = 0;
};

class MemoryOutbox final : public sync::Outbox {
 public:
  explicit MemoryOutbox(MemoryQueue& queue, int owner = 1) : queue_(queue), owner_(owner) {}

  Result<bool> lease(WallTime now, WallTime until) override {
    const bool held =
        queue_.owner != 0 && queue_.owner != owner_ && queue_.leased_until > now && !queue_.dead.contains(queue_.owner);
    if (held) return false;
    queue_.owner = owner_;
    queue_.leased_until = until;
    return true;
  }
  Result<void> release() override {
    if (queue_.owner == owner_) queue_.owner = 0;
    return {};
  }

  Result<std::vector<sync::Waiting>> peek(const sync::BatchLimits& limits, std::int64_t after) override {
    std::vector<sync::Waiting> rows;
    std::int64_t bytes = 0;
    for (auto row = queue_.waiting.upper_bound(after); row != queue_.waiting.end(); ++row) {
      bytes += static_cast<std::int64_t>(row->second.wire.size());
      const bool fits = bytes <= limits.bytes && static_cast<std::int64_t>(rows.size()) < limits.records;
      if (!rows.empty() && !fits) break;
      rows.push_back(row->second);
    }
    return rows;
  }
  Result<void> settle(std::span<const sync::Outcome> outcomes, WallTime /*now*/) override {
    for (const sync::Outcome& outcome : outcomes) {
      const auto row = queue_.waiting.find(outcome.place);
      if (row == queue_.waiting.end()) continue;
      switch (outcome.fate) {
        case sync::Fate::later: ++row->second.attempts; continue;
        case sync::Fate::delivered: queue_.delivered.push_back(row->second.id); break;
        case sync::Fate::refused: queue_.set_aside[row->second.id] = outcome.reason; break;
      }
      queue_.waiting.erase(row);
    }
    return {};
  }
  Result<bool> others_wrote() override {
    return std::exchange(seen_, queue_.records).value_or(queue_.records) != queue_.records;
  }
  Result<std::int64_t> waiting() override { return static_cast<std::int64_t>(queue_.waiting.size()); }

  Result<sync::LaneState> state() override { return queue_.state; }
  Result<void> save(const sync::LaneState& state) override {
    queue_.state = state;
    ++queue_.saves;
    return {};
  }

 private:
  MemoryQueue& queue_;
  const int owner_;
  std::optional<int> seen_;
};

}  // namespace fortium::test
