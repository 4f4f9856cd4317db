// The service's own figures: how long its answers take, what it takes in, and what waits. Names no organization, person
// or path of a request: organizations are their ids, paths are those of the table.
//
// Counting takes no lock, but for the figures of one organization. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fortium/base/guarded.h"
#include "fortium/metrics/store.h"
#include "http/edge_counts.h"

namespace fortium::service {

struct Route;

class Figures {
 public:
  explicit Figures(std::span<const std::span<const Route>> tables);

  EdgeCounts& edge() { return edge_; }
  // An answer of this row; nullptr: none fitted.
  void answered(const Route* route, int status, std::chrono::nanoseconds took);
  // What became of the records of one request, and how long the store took.
  void stored(const std::string& tenant, const std::vector<metrics::Stored>& stored, std::chrono::nanoseconds took);
  // Records that were not taken, whatever their fault.
  void rejected(const std::string& tenant, std::size_t records);
  void store_failed() { ++store_failures_; }

  // The text format of Prometheus, version 0.0.4.
  std::string text();

 private:
  static constexpr std::size_t kClasses = 6;  // of a status: 1xx to 5xx by number, the first is not used
  struct OfRoute {
    const Route* route = nullptr;
    Times times;
    std::array<std::atomic<std::int64_t>, kClasses> statuses{};
  };
  struct OfTenant {
    std::int64_t accepted = 0, duplicate = 0, rejected = 0;
  };
  using Tenants = std::unordered_map<std::string, OfTenant>;
  OfTenant& of(Tenants& tenants, const std::string& tenant) const;

  EdgeCounts edge_;
  std::vector<std::unique_ptr<OfRoute>> routes_;  // the last: no row
  std::unordered_map<const Route*, OfRoute*> by_route_;
  Times stored_;
  std::atomic<std::int64_t> store_failures_ = 0;
  std::atomic<std::int64_t> rate_limited_ = 0;
  Guarded<Tenants> tenants_;
};

}  // namespace fortium::service
