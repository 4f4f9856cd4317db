// The read side of a store in which nothing was recorded.
#pragma once

#include "fortium/metrics/report.h"

namespace fortium::test {

class EmptyReader final : public metrics::Reader {
 public:
  Result<metrics::Summary> summary(const metrics::Period& period) override {
    metrics::Summary none;
    none.period = period;
    return none;
  }
  Result<std::vector<metrics::Usage>> usage(const metrics::Kind&, const metrics::Period&, std::string_view,
                                            std::int64_t) override {
    return std::vector<metrics::Usage>();
  }
  Result<std::vector<metrics::Session>> sessions(const metrics::Period&, std::int64_t) override {
    return std::vector<metrics::Session>();
  }
  Result<std::optional<metrics::Session>> session(std::string_view) override {
    return std::optional<metrics::Session>();
  }
  Result<std::vector<metrics::Recent>> recent(const metrics::Kind&, const metrics::Period&, std::string_view,
                                              std::int64_t) override {
    return std::vector<metrics::Recent>();
  }
  Result<std::vector<metrics::Person>> people(const metrics::Period&) override {
    return std::vector<metrics::Person>();
  }
  Result<std::optional<double>> average_metric(std::string_view, const metrics::Period&) override {
    return std::optional<double>();
  }
  Result<std::vector<metrics::Day>> days(const metrics::Period&) override { return std::vector<metrics::Day>(); }
};

}  // namespace fortium::test
