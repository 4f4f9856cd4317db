#include "fortium/metrics/name_span.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "support/dice.h"
#include "support/events.h"

using namespace fortium;
using namespace fortium::metrics;
using fortium::test::Dice;
using fortium::test::event_of;
using fortium::test::FakeClock;
using fortium::test::value_of;

namespace {

constexpr std::int64_t kHourMs = 3'600'000;

std::vector<Event> calls(Dice& dice, int count) {
  std::vector<Event> events;
  for (int i = 0; i < count; ++i) {
    Event& event = events.emplace_back(event_of(dice.one_in(3) ? "agent_interaction" : "tool_usage",
                                                "id" + std::to_string(i), "s" + std::to_string(dice.below(3)),
                                                FakeClock::kStart + dice.between(0, 400 * kHourMs)));
    event.row[kEnvelopeSize] = std::string(1, static_cast<char>('a' + dice.below(3)));
    value_of(event, "execution_time_ms") = static_cast<double>(dice.between(0, 5'000'000)) / 1'000;
    if (dice.one_in(4)) value_of(event, "status") = std::string("error");
    if (dice.one_in(2)) event.row[kProject] = std::string("p" + std::to_string(dice.below(3)));
  }
  return events;
}

std::vector<NameSpan> spans_of(const std::vector<Event>& events, std::int64_t hours, bool durations = true) {
  Slicer slicer;
  for (const Event& event : events) slicer.add(event);
  std::vector<NameSpan> out;
  NameSpans spans(hours, durations, [&out](const NameSpan& one) {
    out.push_back(one);
    return true;
  });
  for (const auto& [key, figures] : slicer.slices()) spans.add({key, figures});
  spans.finish();
  return out;
}

}  // namespace

TEST_CASE("a span of a name is what its records add up to, whatever session and project") {
  Dice dice(1);
  const std::vector<Event> events = calls(dice, 900);
  for (const std::int64_t hours : kSpans) {
    CAPTURE(hours);
    std::int64_t records = 0;
    for (const NameSpan& span : spans_of(events, hours)) {
      NameSpan sum{.begin = span.begin, .kind = span.kind, .name = span.name};
      Figures figures;
      std::map<std::int64_t, std::int64_t> by_hour;
      std::map<std::string, std::int64_t> bad;
      for (const Event& event : events) {
        const std::int64_t hour = hour_of(event.timestamp());
        if (hour / hours * hours != span.begin || index_of(*event.kind) != span.kind ||
            event.row[kEnvelopeSize] != schema::Value(span.name))
          continue;
        ++records;
        figures.add(event);
        ++by_hour[hour];
        if (event.text_of("status") != "error") continue;
        ++bad[std::string(event.text(kProject))];
        sum.first_bad = bad.size() == 1 && bad.begin()->second == 1 ? hour : std::min(sum.first_bad, hour);
        sum.last_bad = std::max(sum.last_bad, hour);
      }
      sum.figures.merge_sums(figures);
      sum.figures.minutes = 0;
      sum.durations = figures.durations.bytes();
      sum.hours.assign(by_hour.begin(), by_hour.end());
      sum.bad_projects.assign(bad.begin(), bad.end());
      CHECK(sum == span);
    }
    CHECK(records == 900);
  }
}

TEST_CASE("spans come in order of their begin, kind and name, until whoever takes them says no") {
  Dice dice(2);
  const auto all = spans_of(calls(dice, 300), 24);
  CHECK(std::ranges::is_sorted(all, {}, [](const NameSpan& one) { return std::tuple(one.begin, one.kind, one.name); }));
  int taken = 0;
  NameSpans spans(1, false, [&taken](const NameSpan&) { return ++taken < 2; });
  Slice slice;
  for (slice.key.hour = 1; spans.add(slice); ++slice.key.hour) REQUIRE(slice.key.hour < 10);
  CHECK(taken == 2);
}

TEST_CASE("spans follow one another as bytes, and come back the same; what they never give is refused") {
  Dice dice(3);
  for (const std::int64_t hours : kSpans) {
    const auto all = spans_of(calls(dice, 200), hours);
    for (const NameSpan& span : all) {
      std::string bytes;
      span.append_to(bytes);
      span.append_to(bytes);
      std::string_view rest = bytes;
      NameSpan back{.begin = span.begin, .kind = span.kind};
      REQUIRE(back.take_from(rest, /*with_durations=*/true));
      CHECK(back == span);
      REQUIRE(back.take_from(rest, /*with_durations=*/false));
      CHECK(rest.empty());
      CHECK(back.durations.empty());
      const std::size_t size = bytes.size() / 2;
      for (std::size_t cut = 0; cut < size; ++cut) {
        std::string_view less = std::string_view(bytes).substr(0, cut);
        CHECK_FALSE(back.take_from(less, true));
      }
      for (int round = 0; round < 20; ++round) {
        std::string other = bytes.substr(0, size);
        other[dice.below(size)] = static_cast<char>(dice.below(256));
        std::string_view left = other;
        (void)back.take_from(left, true);  // right or refused, never beyond the end
      }
    }
  }
}
