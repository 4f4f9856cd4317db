#include "fortium/metrics/slice.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "support/dice.h"
#include "support/events.h"

using namespace fortium;
using namespace fortium::metrics;
using fortium::test::Dice;
using fortium::test::event_of;
using fortium::test::FakeClock;
using fortium::test::value_of;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kHourMs = 3'600'000;

// From microseconds to a day, each power of two as often as any other.
double duration(Dice& dice) {
  const double ms = std::exp2(static_cast<double>(dice.between(-10'000, 26'000)) / 1'000);
  return std::min(dice.one_in(3) ? std::round(ms) : ms, kMaxDurationMs);
}

std::vector<double> durations(Dice& dice, std::size_t count) {
  std::vector<double> all(count);
  for (double& one : all) one = duration(dice);
  return all;
}

Durations sum_of(const std::vector<double>& all) {
  Durations sum;
  for (const double ms : all) sum.add(ms);
  return sum;
}

template <class T>
void shuffle(std::vector<T>& all, Dice& dice) {
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[dice.below(i)]);
}

double nearest_rank(std::vector<double> all, int percent) {
  std::ranges::sort(all);
  const auto rank = static_cast<std::size_t>(std::ceil(static_cast<double>(all.size()) * percent / 100));
  return all[rank - 1];
}

// A record of any kind, within two hours, with whatever figures are made of.
Event any_event(Dice& dice, int number) {
  const Kind& kind = dice.pick(kinds());
  Event event = event_of(kind.name, "id" + std::to_string(number), dice.one_in(4) ? "" : "s" + dice.letters(1),
                         FakeClock::kStart + dice.between(0, 2 * kHourMs));
  for (std::size_t i = kEnvelopeSize; i < kind.shape.size(); ++i) {
    const std::string_view field = kind.shape[i].name;
    if (field.ends_with("_tokens")) event.row[i] = dice.between(0, kMaxTokens);
    if (field == "cost_usd" && !dice.one_in(3)) event.row[i] = static_cast<double>(dice.between(0, 999'999)) / 7e5;
    if (field == "execution_time_ms" || field == "duration_ms")
      event.row[i] = dice.one_in(5) ? schema::Value() : schema::Value(duration(dice));
    if (field == "status" && event.row[i].index() != 0)
      event.row[i] = std::string(kStatuses[dice.below(std::size(kStatuses))]);
  }
  if (dice.one_in(2)) event.row[kUserId] = std::string("alice");
  if (dice.one_in(2)) event.row[kProject] = std::string("shop");
  return event;
}

Figures sum_of(const std::vector<Event>& events) {
  Figures sum;
  for (const Event& event : events) sum.add(event);
  return sum;
}

}  // namespace

TEST_CASE("durations are equal, and have equal bytes, in whatever order and parts they are added up") {
  Dice dice(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> all = durations(dice, dice.below(3 * Durations::kExact));
    const Durations whole = sum_of(all);
    shuffle(all, dice);
    std::vector<Durations> parts(1 + dice.below(5));
    for (const double ms : all) parts[dice.below(parts.size())].add(ms);
    Durations merged;
    for (const Durations& part : parts) merged.merge(part);
    CHECK(merged == whole);
    CHECK(merged.bytes() == whole.bytes());
    CHECK(merged.count() == static_cast<std::int64_t>(all.size()));
  }
}

TEST_CASE("up to 32 durations give exact percentiles, more are at most 1/256 away") {
  Dice dice(2);
  for (const std::size_t count : {1U, 2U, 31U, 32U, 33U, 100U, 5'000U}) {
    const std::vector<double> all = durations(dice, count);
    const Durations sum = sum_of(all);
    for (const int percent : {1, 10, 50, 90, 95, 99, 100}) {
      const double exact = nearest_rank(all, percent), given = sum.percentile(percent);
      CAPTURE(count);
      CAPTURE(percent);
      const double error = count <= Durations::kExact ? 0 : exact / 256;
      CHECK(std::abs(given - exact) <= error + 0.0005);  // to the microsecond
    }
  }
  CHECK(Durations().percentile(50) == 0);
}

TEST_CASE("bins hold the shortest and the longest duration") {
  for (const double ms : {0.0, 0.001, 0.127, 0.128, 0.255, 0.256, 1.0, kMaxDurationMs}) {
    CAPTURE(ms);
    const Durations sum = sum_of(std::vector<double>(100, ms));
    CHECK(std::abs(sum.percentile(1) - ms) <= ms / 256);
    CHECK(sum.percentile(1) == sum.percentile(100));
  }
}

TEST_CASE("durations come back from their bytes") {
  Dice dice(3);
  for (int round = 0; round < 300; ++round) {
    const Durations sum = sum_of(durations(dice, dice.below(200)));
    const auto back = Durations::from_bytes(sum.bytes());
    REQUIRE(back.ok());
    CHECK(*back == sum);
  }
  CHECK(Durations().bytes().empty());
}

TEST_CASE("bytes are added up as what they came from") {
  Dice dice(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> all = durations(dice, dice.below(dice.one_in(2) ? 100 : 3'000));
    const Durations whole = sum_of(all);
    std::vector<Durations> parts(1 + dice.below(8));
    for (const double ms : all) parts[dice.below(parts.size())].add(ms);
    Durations merged;
    for (const Durations& part : parts) REQUIRE(merged.merge_bytes(part.bytes()));
    CHECK(merged == whole);
    CHECK(merged.bytes() == whole.bytes());
    std::string bytes = whole.bytes();
    if (bytes.empty()) continue;
    bytes[dice.below(bytes.size())] = static_cast<char>(dice.below(256));
    CHECK(merged.merge_bytes(bytes) == Durations::from_bytes(bytes).ok());
  }
}

TEST_CASE("bytes that durations never give are refused, and what is taken gives the same bytes") {
  using namespace std::string_literals;
  const std::string few = sum_of({1, 2}).bytes(), many = sum_of(std::vector<double>(40, 1)).bytes();
  for (const std::string& bad : {"\0"s, "\x80"s, "\x80\0"s, "\x01"s, "\x02\x01"s, few + "\0"s, many + "\0"s,
                                 few.substr(0, few.size() - 1), "\x21\0\x20"s, "\x21\0\x22"s, "\x21\x05\x20\0\x01"s,
                                 "\x21\x05\0"s, "\x01\x81\0"s, "\x21\x87\xc8\x03\x21"s /* beyond the last bin */,
                                 "\x01"s + std::string(9, '\xff') + "\x01"s, std::string(8, '\xff') + "\x7f\0"s}) {
    CAPTURE(bad.size());
    const auto back = Durations::from_bytes(bad);
    REQUIRE_FALSE(back.ok());
    CHECK(back.error().code == Errc::corrupt);
  }
  Dice dice(4);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = sum_of(durations(dice, dice.below(80))).bytes();
    if (bytes.empty() || dice.one_in(3)) bytes.resize(bytes.size() + dice.below(4), '\x07');
    for (std::size_t i = dice.below(4); i > 0 && !bytes.empty(); --i)
      bytes[dice.below(bytes.size())] = static_cast<char>(dice.below(256));
    const auto back = Durations::from_bytes(bytes);
    if (back) CHECK(back->bytes() == bytes);
  }
}

TEST_CASE("figures are equal in whatever order and parts they are added up") {
  Dice dice(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<Event> events;
    for (int i = 0; i < static_cast<int>(dice.below(100)); ++i) {
      events.push_back(any_event(dice, i));
      events.back().row[kTimestamp] = FakeClock::kStart / kHourMs * kHourMs + dice.between(0, kHourMs - 1);
    }
    const Figures whole = sum_of(events);
    shuffle(events, dice);
    std::vector<Figures> parts(1 + dice.below(5));
    for (const Event& event : events) parts[dice.below(parts.size())].add(event);
    Figures merged;
    for (const Figures& part : parts) merged.merge(part);
    CHECK(merged == whole);
  }
}

TEST_CASE("figures of two that share records count those once") {
  Dice dice(8);
  for (int round = 0; round < 200; ++round) {
    std::vector<Event> here, there, both, all;
    for (int i = 0; i < static_cast<int>(dice.below(120)); ++i) {
      const Event& event = all.emplace_back(any_event(dice, i));
      const std::size_t where = dice.below(3);
      if (where != 0) here.push_back(event);
      if (where != 1) there.push_back(event);
      if (where == 2) both.push_back(event);
    }
    Figures merged = sum_of(here);
    merged.merge(sum_of(there), sum_of(both));
    CHECK(merged == sum_of(all));
  }
}

TEST_CASE("every record is in the one slice of its hour, kind, name, session, person, project and source") {
  Dice dice(6);
  for (const Millis phase : {0min, 30min, 45min}) {
    Slicer slicer(phase);
    std::vector<Event> events;
    for (int i = 0; i < 1'000; ++i) slicer.add(events.emplace_back(any_event(dice, i)));
    std::int64_t count = 0;
    for (const auto& [key, figures] : slicer.slices()) {
      std::vector<Event> of_it;
      std::ranges::copy_if(events, std::back_inserter(of_it),
                           [&key = key, phase](const Event& event) { return SliceKey::of(event, phase) == key; });
      Figures again;
      for (const Event& event : of_it) again.add(event, phase);
      CHECK(figures == again);
      CHECK(begin_of(key.hour, phase) <= figures.first);
      CHECK(figures.last < begin_of(key.hour + 1, phase));
      count += figures.count;
    }
    CHECK(count == 1'000);
  }
}

TEST_CASE("figures say what the records said") {
  const std::int64_t hour = FakeClock::kStart / kHourMs * kHourMs;
  Event good = event_of("tool_usage", "a", "s1", hour), late = event_of("tool_usage", "b", "s1", hour + kHourMs - 1);
  value_of(good, "execution_time_ms") = 1.0006;
  value_of(late, "execution_time_ms") = {};
  value_of(late, "status") = std::string("cancelled");
  const Figures tools = sum_of({good, late});
  CHECK(tools.count == 2);
  CHECK(tools.by_status == std::array<std::int64_t, 4>{1, 0, 0, 1});
  CHECK(tools.errors() == 1);
  CHECK(tools.timed == 1);
  CHECK(tools.total_us == 1'001);
  CHECK(tools.min_us == 1'001);
  CHECK(tools.max_us == 1'001);
  CHECK(tools.minutes == ((std::uint64_t{1} << 59) | 1));
  CHECK(tools.first == from_ms(hour));
  CHECK(tools.last == from_ms(hour + kHourMs - 1));

  Event model = event_of("model_usage", "m", "s1", hour), free = model;
  value_of(model, "cost_usd") = 0.1;
  value_of(model, "cache_read_tokens") = std::int64_t{7};
  value_of(model, "cache_creation_tokens") = std::int64_t{8};
  value_of(model, "duration_ms") = 5.0;
  const Figures models = sum_of({model, free});
  CHECK(models.input_tokens == 2);
  CHECK(models.output_tokens == 4);
  CHECK(models.cache_read_tokens == 7);
  CHECK(models.cache_creation_tokens == 8);
  CHECK(models.priced == 1);
  CHECK(models.cost_nano_usd == 100'000'000);
  CHECK(models.timed == 1);
  CHECK(models.errors() == 0);

  Event end = event_of("user_session", "e", "s1", hour);
  value_of(end, "status") = std::string("completed");
  CHECK(sum_of({end}).by_status == std::array<std::int64_t, 4>{});
}

TEST_CASE("a key is made of what the record names") {
  Event call = event_of("tool_usage", "a", "s1", kHourMs * 5 - 1);
  call.row[kUserId] = std::string("alice");
  call.row[kProject] = std::string("shop");
  CHECK(SliceKey::of(call) == SliceKey{4, index_of(*find_kind("tool_usage")), "Edit", "s1", "alice", "shop", "mcp"});
  CHECK(SliceKey::of(call, 30min).hour == 4);
  CHECK(SliceKey::of(event_of("tool_usage", "a", "s1", kHourMs * 5), 30min).hour == 4);
  CHECK(SliceKey::of(event_of("user_session", "a", "", -1)) ==
        SliceKey{-1, index_of(*find_kind("user_session")), "", "", "", "", "mcp"});
}

TEST_CASE("sums beyond what a number holds stop there, whatever came first") {
  Event dear = event_of("model_usage", "m");
  value_of(dear, "cost_usd") = 1e9;
  Figures ten, one;
  for (int i = 0; i < 10; ++i) ten.add(dear);
  CHECK(ten.cost_nano_usd == INT64_MAX);
  one.add(dear);
  one.merge(ten);
  CHECK(one.cost_nano_usd == INT64_MAX);
}

TEST_CASE(
    "many durations are equal, and have equal bytes, in whatever order and parts, and come back from their bytes") {
  Dice dice(11);
  for (int round = 0; round < 40; ++round) {
    std::vector<double> all = durations(dice, 200 + dice.below(2'000));
    if (dice.one_in(3))  // few bins, many in each
      for (double& one : all) one = static_cast<double>(dice.between(1, 40));
    const Durations whole = sum_of(all);
    shuffle(all, dice);
    std::vector<Durations> parts(1 + dice.below(9));
    for (const double ms : all) parts[dice.below(parts.size())].add(ms);
    Durations merged;
    for (const Durations& part : parts) merged.merge(part);
    CHECK(merged == whole);
    CHECK(merged.bytes() == whole.bytes());
    const auto back = Durations::from_bytes(whole.bytes());
    REQUIRE(back.ok());
    CHECK(*back == whole);
  }
}

TEST_CASE("of many durations that are partly here already, only the others are added") {
  Dice dice(12);
  for (int round = 0; round < 40; ++round) {
    const std::vector<double> here = durations(dice, 50 + dice.below(600)), common = durations(dice, dice.below(700)),
                              there = durations(dice, dice.below(700));
    const auto both = [](std::vector<double> a, const std::vector<double>& b) {
      a.insert(a.end(), b.begin(), b.end());
      return a;
    };
    Durations sum = sum_of(both(here, common));
    sum.merge(sum_of(both(common, there)), sum_of(common));
    CHECK(sum == sum_of(both(both(here, common), there)));
  }
}
