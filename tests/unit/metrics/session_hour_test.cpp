#include "fortium/metrics/session_hour.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

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

std::vector<Event> any_events(Dice& dice, int count) {
  std::vector<Event> events;
  for (int i = 0; i < count; ++i) {
    const Kind& kind = dice.pick(kinds());
    Event& event = events.emplace_back(event_of(kind.name, "id" + std::to_string(i),
                                                dice.one_in(5) ? "" : "s" + std::to_string(dice.below(3)),
                                                FakeClock::kStart + dice.between(0, 5 * kHourMs)));
    for (std::size_t at = kEnvelopeSize; at < kind.shape.size(); ++at) {
      if (kind.shape[at].name.ends_with("_tokens")) event.row[at] = dice.between(0, kMaxTokens);
      if (kind.shape[at].name == "cost_usd" && dice.one_in(2)) event.row[at] = 0.25;
      if (kind.shape[at].name == "status" && has_outcome(index_of(kind)))
        event.row[at] = std::string(kStatuses[dice.below(std::size(kStatuses))]);
    }
    if (dice.one_in(2)) event.row[kProject] = std::string("shop");
    event.row[kSource] = std::string(dice.one_in(2) ? "hook" : "import");
  }
  return events;
}

std::vector<SessionHour> hours_of(const std::vector<Event>& events) {
  Slicer slicer;
  for (const Event& event : events) slicer.add(event);
  std::vector<SessionHour> out;
  SessionHours hours([&out](const SessionHour& one) {
    out.push_back(one);
    return true;
  });
  for (const auto& [key, figures] : slicer.slices()) hours.add({key, figures});
  hours.finish();
  return out;
}

}  // namespace

TEST_CASE("an hour of a session is what its records add up to, whatever their names") {
  Dice dice(1);
  const std::vector<Event> events = any_events(dice, 600);
  std::int64_t records = 0;
  for (const SessionHour& hour : hours_of(events)) {
    SessionHour sum;
    for (const Event& event : events) {
      if (hour_of(event.timestamp()) != hour.hour || event.text(kSessionId) != hour.session_id ||
          event.text(kProject) != hour.project || event.text(kSource) != hour.source)
        continue;
      ++records;
      ++sum.counts[index_of(*event.kind)];
      sum.minutes |= std::uint64_t{1} << (to_ms(event.timestamp()) % kHourMs / 60'000);
      sum.first = sum.first == WallTime{} ? event.timestamp() : std::min(sum.first, event.timestamp());
      sum.last = std::max(sum.last, event.timestamp());
      if (has_outcome(index_of(*event.kind)))
        ++sum.by_status[static_cast<std::size_t>(std::ranges::find(kStatuses, event.text_of("status")) - kStatuses)];
      if (event.kind->name != "model_usage") continue;
      sum.input_tokens += static_cast<std::int64_t>(event.number_of("input_tokens").value_or(0));
      sum.output_tokens += static_cast<std::int64_t>(event.number_of("output_tokens").value_or(0));
      sum.cache_read_tokens += static_cast<std::int64_t>(event.number_of("cache_read_tokens").value_or(0));
      sum.cache_creation_tokens += static_cast<std::int64_t>(event.number_of("cache_creation_tokens").value_or(0));
      sum.priced += event.number_of("cost_usd").has_value();
      sum.cost_nano_usd += event.number_of("cost_usd") ? 250'000'000 : 0;
    }
    sum.hour = hour.hour;
    sum.session_id = hour.session_id;
    sum.project = hour.project;
    sum.source = hour.source;
    CHECK(sum == hour);
  }
  CHECK(records == 600);
}

TEST_CASE("hours of a day follow one another as bytes, and come back the same") {
  Dice dice(3);
  std::vector<SessionHour> of_day;
  for (const SessionHour& hour : hours_of(any_events(dice, 400)))
    if (hour.hour / 24 == FakeClock::kStart / kHourMs / 24) of_day.push_back(hour);
  if (dice.one_in(2)) std::ranges::stable_sort(of_day, {}, &SessionHour::session_id);
  REQUIRE(of_day.size() > 3);
  std::string bytes;
  for (std::size_t i = 0; i < of_day.size(); ++i) of_day[i].append_to(bytes, i > 0 ? &of_day[i - 1] : nullptr);
  std::string_view rest = bytes;
  SessionHour back;
  for (std::size_t i = 0; i < of_day.size(); ++i) {
    REQUIRE(back.take_from(rest, of_day[i].hour / 24, i == 0));
    CHECK(back == of_day[i]);
  }
  CHECK(rest.empty());
  const std::int64_t day = of_day.front().hour / 24;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    std::string_view less = std::string_view(bytes).substr(0, cut);
    for (bool first = true; back.take_from(less, day, first);) first = false;
    CHECK(less.size() <= cut);
  }
  std::string_view same = "\x01";
  CHECK_FALSE(back.take_from(same, day, /*is_first=*/true));
}

TEST_CASE("they come hour by hour, in order of session, project and source, until whoever takes them says no") {
  Dice dice(2);
  const auto all = hours_of(any_events(dice, 300));
  CHECK(std::ranges::is_sorted(
      all, {}, [](const SessionHour& one) { return std::tuple(one.hour, one.session_id, one.project, one.source); }));
  int taken = 0;
  SessionHours hours([&taken](const SessionHour&) { return ++taken < 2; });
  Slice slice;
  for (slice.key.hour = 1; hours.add(slice); ++slice.key.hour) REQUIRE(slice.key.hour < 10);
  CHECK(taken == 2);
}

TEST_CASE("commands, tool calls and agents have an outcome") {
  for (const Kind& kind : kinds())
    CHECK(has_outcome(index_of(kind)) ==
          (kind.name == "command_execution" || kind.name == "tool_usage" || kind.name == "agent_interaction"));
}
