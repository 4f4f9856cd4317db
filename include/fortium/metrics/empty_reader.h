// The read side of a store in which nothing was recorded. Any thread.
#pragma once

#include "fortium/metrics/report.h"

namespace fortium::metrics {

class EmptyReader : public Reader {
 public:
  Result<void> slices(const Period&, Millis, const Wanted&, const std::function<bool(const Slice&)>&) override {
    return {};
  }
  Result<Summary> summary(const Period& period) override {
    Summary none;
    none.period = period;
    return none;
  }
  Result<std::vector<Usage>> usage(const Kind&, const Period&, std::string_view, std::int64_t) override {
    return std::vector<Usage>();
  }
  Result<std::vector<Session>> sessions(const Period&, std::int64_t) override { return std::vector<Session>(); }
  Result<std::optional<Session>> session(std::string_view) override { return std::optional<Session>(); }
  Result<std::vector<Recent>> recent(const Kind&, const Period&, std::string_view, std::int64_t) override {
    return std::vector<Recent>();
  }
  Result<std::vector<Person>> people(const Period&) override { return std::vector<Person>(); }
  Result<std::optional<double>> average_metric(std::string_view, const Period&) override {
    return std::optional<double>();
  }
  Result<std::vector<Day>> days(const Period&) override { return std::vector<Day>(); }
  Result<std::vector<std::string>> words(std::string_view, const Period&, std::int64_t) override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::int64_t>> counts() override { return std::vector<std::int64_t>(kinds().size()); }
};

}  // namespace fortium::metrics
