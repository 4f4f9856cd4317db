#include "fortium/metrics/alerts.h"

#include <doctest/doctest.h>

#include "fortium/metrics/empty_reader.h"
#include "support/events.h"

using namespace fortium;
using namespace fortium::metrics;
using namespace fortium::test;

namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr WallTime kNow = from_ms(FakeClock::kStart);

Load load(std::int64_t calls, std::int64_t failed = 0, double mean_ms = 0, std::int64_t hours = 1) {
  return {calls, failed, calls, static_cast<double>(calls) * mean_ms, hours};
}

std::string types(const std::vector<Alert>& alerts) {
  std::string all;
  for (const Alert& alert : alerts)
    all += (all.empty() ? "" : ", ") + std::string(alert.type) + " " + std::string(alert.severity);
  return all;
}
std::string judged(const Load& now, const Load& usual = {}, const AlertRules& rules = {}) {
  return types(judge(now, usual, rules));
}

template <class T>
T must(Result<T> result) {
  REQUIRE(result.ok());
  return std::move(*result);
}

class Calls final : public EmptyReader {
 public:
  void add(const char* kind, const char* name, std::int64_t at, int count, const char* status, double ms) {
    for (int i = 0; i < count; ++i) {
      Event event = event_of(kind, "c", "s1", at);
      event.row[kEnvelopeSize] = std::string(name);
      value_of(event, "status") = std::string(status);
      value_of(event, "execution_time_ms") = ms;
      events_.push_back(std::move(event));
    }
  }
  Result<void> slices(const Period& period, Millis, const Wanted&,
                      const std::function<bool(const Slice&)>& take) override {
    Slicer slicer;
    for (const Event& event : events_)
      if (event.timestamp() >= period.since && event.timestamp() < period.until) slicer.add(event);
    for (const auto& [key, figures] : slicer.slices())
      if (!take({key, figures})) break;
    return {};
  }

 private:
  std::vector<Event> events_;
};

}  // namespace

TEST_CASE("without anything usual the limits decide, from the fifth call on") {
  CHECK(judged(load(4, 4, 60'000)).empty());
  CHECK(judged(load(5, 1)) == "high_error_rate medium");
  CHECK(judged(load(11, 1)).empty());  // under a tenth
  CHECK(judged(load(10, 1)) == "high_error_rate medium");
  CHECK(judged(load(4 * 5, 5)) == "high_error_rate critical");
  CHECK(judged(load(5, 0, 4'999.9)).empty());
  CHECK(judged(load(5, 0, 5'000)) == "performance_warning medium");
  CHECK(judged(load(5, 0, 10'000)) == "performance_warning critical");
  CHECK(judged(load(5, 5, 10'000)) == "high_error_rate critical, performance_warning critical");
  CHECK(judged(load(1'000)).empty());
}

TEST_CASE("what has always been like that is not told") {
  CHECK(judged(load(10, 2), load(20, 2)).empty());                        // not more than twice
  CHECK(judged(load(10, 3), load(20, 2)) == "high_error_rate critical");  // more
  CHECK(judged(load(10, 2), load(19, 2)) == "high_error_rate medium");    // too few to be usual
  CHECK(judged(load(10, 0, 20'000), load(20, 0, 10'000, 20)).empty());
  CHECK(judged(load(10, 0, 20'001), load(20, 0, 10'000, 20)) == "performance_warning critical");
}

TEST_CASE("often is more than a multiple of the calls of a usual hour, and at least 20") {
  const Load usual = load(60, 0, 0, 10);  // six an hour
  CHECK(judged(load(19), usual).empty());
  CHECK(judged(load(20), usual) == "usage_spike medium");
  CHECK(judged(load(20), load(100, 0, 0, 10)).empty());
  CHECK(judged(load(30), load(100, 0, 0, 10)).empty());
  CHECK(judged(load(31), load(100, 0, 0, 10)) == "usage_spike medium");
  CHECK(judged(load(21), load(100, 0, 0, 10), {.usage = 2}) == "usage_spike medium");
}

TEST_CASE("a limit of 0 is none") {
  const AlertRules none{.error_rate = 0, .slow_ms = 0, .usage = 0};
  CHECK(judged(load(100, 100, 60'000), load(20, 0, 1, 20), none).empty());
  CHECK_FALSE(is_suspicious(load(100, 100, 60'000), none));
}

TEST_CASE("nothing is said of what is not suspicious, whatever is usual") {
  for (const std::int64_t calls : {0, 4, 5, 19, 20, 100})
    for (const std::int64_t failed : {0L, calls / 10, calls})
      for (const double ms : {0.0, 4'999.0, 5'000.0})
        for (const Load& usual : {Load{}, load(20, 0, 1, 20), load(20, 20, 60'000, 1)}) {
          const Load now = load(calls, failed, ms);
          if (!judged(now, usual).empty()) CHECK(is_suspicious(now, {}));
        }
}

TEST_CASE("the last hour is held against the seven days before, by kind and name, the worst first") {
  Calls calls;
  for (int day = 1; day <= 7; ++day) {
    calls.add("tool_usage", "Build", FakeClock::kStart - day * 24 * kHourMs, 10, "success", 30'000);
    calls.add("tool_usage", "Read", FakeClock::kStart - day * 24 * kHourMs, 10, "success", 10);
  }
  calls.add("tool_usage", "Read", FakeClock::kStart - 9 * 24 * kHourMs, 1'000, "error", 10);  // long ago
  CHECK(must(current_alerts(calls, {}, kNow)).empty());
  calls.add("tool_usage", "Build", FakeClock::kStart - 1'000, 10, "success", 35'000);  // as always
  calls.add("tool_usage", "Read", FakeClock::kStart - 1'000, 20, "success", 10);
  calls.add("tool_usage", "Read", FakeClock::kStart, 4, "timeout", 10);
  calls.add("command_execution", "Build", FakeClock::kStart - 1'000, 10, "success", 35'000);
  const auto alerts = must(current_alerts(calls, {}, kNow));
  REQUIRE(alerts.size() == 2);
  CHECK(alerts[0].name == "Build");
  CHECK(kinds()[alerts[0].kind].name == "command_execution");
  CHECK(alerts[0].alert.severity == "critical");
  CHECK(alerts[1].name == "Read");
  CHECK(alerts[1].alert.type == "high_error_rate");
  CHECK(alerts[1].alert.message == "of the last 24 calls, 4 did not succeed");
  CHECK(must(current_alerts(calls, {}, kNow + std::chrono::hours(2))).empty());
}

TEST_CASE("a warning is told once, and again when it got worse or had gone") {
  AlertMemory memory;
  const auto failing = [](std::int64_t failed) { return judge(load(20, failed), {}, {}); };
  CHECK(types(memory.fresh("Bash", failing(2))) == "high_error_rate medium");
  CHECK(memory.fresh("Bash", failing(3)).empty());
  CHECK(types(memory.fresh("Read", failing(3))) == "high_error_rate medium");
  CHECK(types(memory.fresh("Bash", failing(9))) == "high_error_rate critical");
  CHECK(memory.fresh("Bash", failing(2)).empty());  // it only got better
  CHECK(memory.fresh("Bash", failing(9)).empty());
  CHECK(memory.fresh("Bash", failing(0)).empty());
  CHECK(types(memory.fresh("Bash", failing(2))) == "high_error_rate medium");
}
