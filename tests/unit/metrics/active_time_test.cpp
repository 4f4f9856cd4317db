#include "fortium/metrics/active_time.h"

#include <doctest/doctest.h>

#include <set>

#include "support/dice.h"
#include "support/events.h"

using namespace fortium;
using namespace fortium::metrics;
using namespace fortium::test;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kMinuteMs = 60'000;

// Of one record in each of these minutes.
Millis active(const std::vector<std::pair<std::string, std::int64_t>>& records) {
  Slicer slicer;
  int last_id = 0;
  for (const auto& [session, minute] : records)
    slicer.add(tool_call(std::to_string(++last_id), session, 600 * kMinuteMs + minute * kMinuteMs + 31'000));
  ActiveTime sum;
  for (const auto& [key, figures] : slicer.slices()) sum.add({key, figures});
  return sum.total();
}

}  // namespace

TEST_CASE("a minute with a record is active, and so are up to five without one between two") {
  CHECK(active({}) == 0min);
  CHECK(active({{"a", 0}}) == 1min);
  CHECK(active({{"a", 0}, {"a", 0}}) == 1min);
  CHECK(active({{"a", 0}, {"a", 1}}) == 2min);
  CHECK(active({{"a", 0}, {"a", 6}}) == 7min);
  CHECK(active({{"a", 0}, {"a", 7}}) == 2min);
  CHECK(active({{"a", 57}, {"a", 62}}) == 6min);  // over the full hour
  CHECK(active({{"a", 59}, {"a", 60}}) == 2min);
  CHECK(active({{"a", 0}, {"a", 185}}) == 2min);  // hours later
}

TEST_CASE("sessions are added up, and records without one are not") {
  CHECK(active({{"a", 0}, {"a", 4}, {"b", 2}}) == 6min);
  CHECK(active({{"", 0}, {"a", 5}, {"", 6}}) == 1min);
}

TEST_CASE("focus is what is in stretches of 25 minutes and more") {
  const auto focused = [](std::initializer_list<std::int64_t> minutes) {
    Slicer slicer;
    for (const std::int64_t minute : minutes)
      slicer.add(tool_call(std::to_string(minute), "a", (600 + minute) * kMinuteMs));
    ActiveTime sum;
    for (const auto& [key, figures] : slicer.slices()) sum.add({key, figures});
    return sum.focused();
  };
  CHECK(focused({}) == 0min);
  CHECK(focused({50, 56, 62, 68, 73}) == 0min);
  CHECK(focused({50, 56, 62, 68, 74}) == 25min);
  CHECK(focused({50, 56, 62, 68, 74, 81, 200}) == 25min);
  CHECK(focused({0, 5, 10, 15, 20, 25, 100, 105, 110, 115, 120, 125}) == 52min);
}

TEST_CASE("hours with another phase have their minutes where they are") {
  Slicer slicer(30min);
  for (const std::int64_t minute : {25, 29, 31, 34})
    slicer.add(tool_call(std::to_string(minute), "a", minute * kMinuteMs));
  ActiveTime sum;
  for (const auto& [key, figures] : slicer.slices()) sum.add({key, figures}, 30min);
  CHECK(slicer.slices().size() == 2);
  CHECK(sum.total() == 10min);
}

TEST_CASE("active time is the same in whatever order the slices of an hour come") {
  Dice dice(1);
  for (int round = 0; round < 100; ++round) {
    Slicer slicer;
    std::set<std::pair<std::string, std::int64_t>> touched;
    for (int i = 0; i < static_cast<int>(dice.below(60)); ++i) {
      const std::string session = "s" + dice.letters(1).substr(0, dice.below(2));
      const std::int64_t minute = dice.between(0, 300);
      Event event = event_of(dice.one_in(2) ? "tool_usage" : "model_usage", std::to_string(i), session,
                             600 * kMinuteMs + minute * kMinuteMs + dice.between(0, kMinuteMs - 1));
      slicer.add(event);
      touched.emplace(session, minute);
    }
    std::int64_t expected = 0;
    for (auto at = touched.begin(); at != touched.end(); ++at) {
      const auto next = std::next(at);
      const bool follows = next != touched.end() && next->first == at->first && next->second - at->second <= 6;
      expected += follows ? next->second - at->second : 1;
    }
    std::map<std::int64_t, std::vector<Slice>> hours;
    for (const auto& [key, figures] : slicer.slices()) hours[key.hour].push_back({key, figures});
    ActiveTime sum;
    for (auto& [hour, slices] : hours) {
      for (std::size_t i = slices.size(); i > 1; --i) std::swap(slices[i - 1], slices[dice.below(i)]);
      for (const Slice& slice : slices) sum.add(slice);
    }
    CHECK(sum.total() == std::chrono::minutes(expected));
  }
}
