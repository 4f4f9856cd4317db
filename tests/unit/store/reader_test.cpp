// Answers from what was recorded, against the same sums done by hand.
#include "store/sqlite_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/dice.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::metrics;
using namespace fortium::store;
using namespace fortium::test;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kDayMs = 86'400'000;
const Kind& kTool = *find_kind("tool_usage");
const Kind& kCommand = *find_kind("command_execution");

struct Archive : StoreFixture {
  SqliteReader reader{*database};
  Period week{clock.now() - std::chrono::days(7), clock.now() + 1ms};
  int last_id = 0;

  Event outcome(std::string_view kind, std::string_view name, std::optional<double> ms, std::string status,
                std::int64_t at = FakeClock::kStart, std::string session = "s1") {
    Event event = event_of(kind, "r" + std::to_string(++last_id), std::move(session), at);
    event.row[kEnvelopeSize] = std::string(name);
    value_of(event, "execution_time_ms") = ms ? schema::Value(*ms) : schema::Value();
    value_of(event, "status") = std::move(status);
    return event;
  }
  Event change(std::string what, std::int64_t at, std::string session = "s1") {
    Event event = event_of("user_session", "r" + std::to_string(++last_id), std::move(session), at);
    value_of(event, "change") = std::move(what);
    return event;
  }
  void keep(std::vector<Event> events) { append(kNoLane, std::move(events)); }
};

// As near as many durations are told.
bool near(double given, double exact) { return std::abs(given - exact) <= exact / 256; }

double nearest_rank(std::vector<double> values, int percent) {
  std::ranges::sort(values);
  const auto rank = (values.size() * static_cast<std::size_t>(percent) + 99) / 100;
  return values[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

TEST_CASE("nothing recorded is nothing known") {
  Archive it;
  const Summary summary = must(it.reader.summary(it.week));
  CHECK(summary.sessions == 0);
  CHECK_FALSE(summary.success_rate);
  CHECK_FALSE(summary.avg_command_ms);
  CHECK_FALSE(summary.cost_usd);
  CHECK(must(it.reader.usage(kTool, it.week, "", 10)).empty());
  CHECK(must(it.reader.sessions(it.week, 10)).empty());
  CHECK_FALSE(must(it.reader.session("s1")));
  CHECK(must(it.reader.days(it.week)).empty());
  CHECK(must(it.reader.people(it.week)).empty());
  CHECK_FALSE(must(it.reader.average_metric("code_quality_score", it.week)));
}

TEST_CASE("usage is what counting gives, by name, the most used first") {
  Archive it;
  Dice dice(21);
  std::map<std::string, std::vector<double>> times;
  std::map<std::string, std::int64_t> good;
  std::vector<Event> events;
  for (int i = 0; i < 700; ++i) {
    const std::string name = "tool" + std::to_string(dice.below(6) * dice.below(3));
    const double ms = static_cast<double>(dice.below(100'000)) / 8;
    const bool success = !dice.one_in(4);
    events.push_back(it.outcome("tool_usage", name, ms, success ? "success" : "timeout",
                                FakeClock::kStart - static_cast<std::int64_t>(dice.below(6 * kDayMs))));
    times[name].push_back(ms);
    good[name] += success;
  }
  events.push_back(it.outcome("tool_usage", "tool0", 1e6, "success", FakeClock::kStart - 8 * kDayMs));  // before
  events.push_back(it.outcome("tool_usage", "tool0", 1e6, "success", FakeClock::kStart + 1));           // after
  it.keep(events);

  const auto rows = must(it.reader.usage(kTool, it.week, "", 100));
  REQUIRE(rows.size() == times.size());
  CHECK(std::ranges::is_sorted(rows, std::greater(), &Usage::count));
  for (const Usage& row : rows) {
    CAPTURE(row.name);
    const std::vector<double>& all = times.at(row.name);
    const auto count = static_cast<std::int64_t>(all.size());
    double total = 0;
    for (const double ms : all) total += ms;
    CHECK(row.count == count);
    CHECK(row.successes == good.at(row.name));
    CHECK(row.errors == count - row.successes);
    CHECK(row.total_ms == doctest::Approx(total));
    CHECK(row.average_ms == doctest::Approx(total / static_cast<double>(count)));
    CHECK(row.min_ms == *std::ranges::min_element(all));
    CHECK(row.max_ms == *std::ranges::max_element(all));
    CHECK(near(row.percentiles.p50, nearest_rank(all, 50)));
    CHECK(near(row.percentiles.p90, nearest_rank(all, 90)));
    CHECK(near(row.percentiles.p95, nearest_rank(all, 95)));
    CHECK(near(row.percentiles.p99, nearest_rank(all, 99)));
  }
  CHECK(must(it.reader.usage(kTool, it.week, "", 2)).size() == 2);
  const auto one = must(it.reader.usage(kTool, it.week, "tool4", 100));
  REQUIRE(one.size() == 1);
  CHECK(one.front().name == "tool4");
  CHECK(must(it.reader.usage(kTool, it.week, "tool", 100)).empty());
  CHECK(must(it.reader.usage(kCommand, it.week, "", 100)).empty());
}

TEST_CASE("a call whose duration is unknown is counted, and takes no part in durations") {
  Archive it;
  it.keep({it.outcome("tool_usage", "a", 10, "success"), it.outcome("tool_usage", "a", std::nullopt, "cancelled"),
           it.outcome("tool_usage", "a", 30, "success"), it.outcome("tool_usage", "b", std::nullopt, "success")});
  const auto rows = must(it.reader.usage(kTool, it.week, "", 10));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].count == 3);
  CHECK(rows[0].timed == 2);
  CHECK(rows[0].errors == 1);
  CHECK(rows[0].total_ms == 40);
  CHECK(rows[0].average_ms == 20);
  CHECK(rows[0].min_ms == 10);
  CHECK(rows[0].percentiles.p50 == 10);
  CHECK(rows[0].percentiles.p99 == 30);
  CHECK(rows[1].count == 1);
  CHECK(rows[1].timed == 0);
}

TEST_CASE("a trend is the newest part against what was before, within ten in a hundred it is stable") {
  const auto trend = [](double before, double now) {
    Archive it;
    it.keep({it.outcome("tool_usage", "a", before, "success", FakeClock::kStart - 5 * kDayMs),
             it.outcome("tool_usage", "a", now, "success", FakeClock::kStart - 3600'000)});
    return must(it.reader.usage(kTool, it.week, "", 10)).front().trend;
  };
  CHECK(trend(100, 100) == Trend::stable);
  CHECK(trend(100, 110) == Trend::stable);
  CHECK(trend(100, 110.5) == Trend::degrading);
  CHECK(trend(100, 90) == Trend::stable);
  CHECK(trend(100, 89.5) == Trend::improving);
  Archive it;
  it.keep({it.outcome("tool_usage", "a", 5, "success")});
  CHECK(must(it.reader.usage(kTool, it.week, "", 10)).front().trend == Trend::stable);  // nothing to compare with
}

TEST_CASE("over any period, a trend compares its newest fifth, and at least two days, with the rest") {
  Dice dice(9);
  int told[3] = {};
  for (int round = 0; round < 40; ++round) {
    Archive it;
    const std::int64_t days = dice.between(3, 60), until = FakeClock::kStart + 1, since = until - days * kDayMs;
    // From a full hour on.
    const std::int64_t cut = (until - std::max(days * kDayMs / 5, 2 * kDayMs)) / 3'600'000 * 3'600'000;
    const std::int64_t slower = dice.between(70, 130);
    std::int64_t count[2] = {}, sum[2] = {};
    std::vector<Event> events;
    for (std::int64_t left = dice.between(4, 40); left > 0; --left) {
      const std::int64_t at = dice.between(since - kDayMs, until - 1), now = at >= cut ? 1 : 0;
      const std::int64_t ms = dice.between(90, 110) * (now == 1 ? slower : 100);
      events.push_back(it.outcome("tool_usage", "a", static_cast<double>(ms), "success", at));
      if (at < since) continue;
      ++count[now];
      sum[now] += ms;
    }
    it.keep(std::move(events));
    const auto rows = must(it.reader.usage(kTool, {from_ms(since), from_ms(until)}, "", 10));
    if (rows.empty()) continue;
    const std::int64_t mean = sum[1] * count[0] * 10, mean_before = sum[0] * count[1];
    const bool known = count[0] > 0 && count[1] > 0;
    const int place = known && mean < 9 * mean_before ? 0 : known && mean > 11 * mean_before ? 2 : 1;
    ++told[place];
    CHECK(rows.front().trend == static_cast<Trend>(place));
  }
  for (const int times : told) CHECK(times > 3);
}

TEST_CASE("a summary counts what it says, and active time is made of minutes and short gaps") {
  Archive it;
  const std::int64_t start = FakeClock::kStart - kDayMs;
  std::vector<Event> events = {
      it.outcome("command_execution", "c", 100, "success", start),
      it.outcome("command_execution", "c", 300, "error", start + 60'000),
      it.outcome("tool_usage", "t", 1, "success", start + 420'000),           // five idle minutes: just within
      it.outcome("agent_interaction", "a", 1, "cancelled", start + 840'000),  // just not
      it.outcome("tool_usage", "t", 1, "success", start, "s2"),
      it.outcome("tool_usage", "t", 1, "success", start + 1'000, ""),  // no session
      event_of("model_usage", "m1", "s1", start),
      event_of("model_usage", "m2", "s3", start)};
  value_of(events[6], "cost_usd") = 0.25;
  value_of(events[6], "cache_read_tokens") = std::int64_t{30};
  value_of(events[7], "cache_creation_tokens") = std::int64_t{4};
  it.keep(events);
  const Summary summary = must(it.reader.summary(it.week));
  CHECK(summary.commands == 2);
  CHECK(summary.tools == 3);
  CHECK(summary.agents == 1);
  CHECK(summary.errors == 2);
  CHECK(summary.sessions == 3);
  CHECK(summary.active_ms == (8 + 1 + 1 + 1) * 60'000);  // of s1, of s1 again, s2, s3
  CHECK(*summary.avg_command_ms == 200);
  CHECK(*summary.success_rate == doctest::Approx(4.0 / 6));
  CHECK(summary.tokens.input == 2);
  CHECK(summary.tokens.output == 4);
  CHECK(summary.tokens.cache_read == 30);
  CHECK(summary.tokens.cache_creation == 4);
  CHECK(summary.tokens.total() == 40);
  CHECK(*summary.cost_usd == 0.25);
}

TEST_CASE("a period begins with its first moment and ends before its last") {
  Archive it;
  const Period period{from_ms(1'767'300'000'000), from_ms(1'767'300'001'000)};
  it.keep({it.outcome("command_execution", "c", 1, "success", to_ms(period.since) - 1),
           it.outcome("command_execution", "c", 1, "success", to_ms(period.since)),
           it.outcome("command_execution", "c", 1, "success", to_ms(period.until) - 1),
           it.outcome("command_execution", "c", 1, "success", to_ms(period.until))});
  CHECK(must(it.reader.summary(period)).commands == 2);
  CHECK(must(it.reader.recent(kCommand, period, "", 10)).size() == 2);
}

TEST_CASE("the changes of a session merge by field, the newest wins, whatever order they came in") {
  const std::int64_t start = FakeClock::kStart - 3'600'000;
  const auto session = [start](std::vector<int> order) {
    Archive it;
    Event begin = it.change("start", start), update = it.change("update", start + 60'000),
          end = it.change("end", start + 120'000);
    begin.row[kUserId] = std::string("alice");
    begin.row[kProject] = std::string("shop");
    value_of(begin, "session_start") = start;
    value_of(begin, "productivity_score") = 10.0;
    value_of(update, "productivity_score") = 50.0;
    value_of(end, "session_end") = start + 120'000;
    const Event all[] = {begin, update, end};
    for (const int which : order) it.keep({all[which]});
    return *must(it.reader.session("s1"));
  };
  for (const std::vector<int>& order : {std::vector{0, 1, 2}, std::vector{2, 1, 0}, std::vector{1, 2, 0}}) {
    const Session merged = session(order);
    CHECK(merged.status == "completed");
    CHECK(merged.started);
    CHECK(*merged.productivity_score == 50);
    CHECK(merged.user_id == "alice");
    CHECK(merged.project == "shop");
    CHECK(merged.duration() == 2min);
  }
}

TEST_CASE("a long question is ended when nobody waits for it, and the store works on") {
  Archive it;
  std::vector<Event> events;
  for (int i = 0; i < 20'000; ++i) events.push_back(it.outcome("tool_usage", "t" + std::to_string(i), i, "success"));
  it.keep(std::move(events));
  int asked = 0;
  bool go_on = true;
  it.reader.while_reading([&] {
    ++asked;
    return go_on;
  });
  CHECK(must(it.reader.summary(it.week)).tools == 20'000);
  CHECK(asked > 0);
  go_on = false;
  for (const auto& question : {it.reader.usage(kTool, it.week, "", 10).ok(), it.reader.summary(it.week).ok(),
                               it.reader.sessions(it.week, 10).ok(), it.reader.session("s1").ok()})
    CHECK_FALSE(question);
  CHECK(it.reader.summary(it.week).error().code == Errc::cancelled);
  asked = 0;
  it.keep({it.outcome("tool_usage", "t", 1, "success")});  // recording asks nobody
  CHECK(asked == 0);
  it.reader.while_reading(nullptr);
  CHECK(must(it.reader.summary(it.week)).tools == 20'001);
}

TEST_CASE("a session over several days is whole, and nobody else's day is in it") {
  Archive it;
  const std::int64_t midnight = FakeClock::kStart / kDayMs * kDayMs;
  it.keep({it.outcome("tool_usage", "first", 1, "success", midnight - kDayMs),
           it.outcome("tool_usage", "just before", 1, "success", midnight - 1),
           it.outcome("agent_interaction", "at", 1, "success", midnight),
           it.outcome("tool_usage", "last", 1, "success", midnight + 2 * kDayMs - 1),
           it.outcome("tool_usage", "other", 1, "success", midnight, "s2")});
  const Session session = *must(it.reader.session("s1"));
  CHECK(to_ms(session.start) == midnight - kDayMs);
  CHECK(to_ms(session.last) == midnight + 2 * kDayMs - 1);
  CHECK(session.tools_used == std::vector<std::string>{"first", "just before", "last"});
  CHECK(session.agents_used == std::vector<std::string>{"at"});
}

TEST_CASE("a session that nobody started is what its records say") {
  Archive it;
  Event first = it.outcome("command_execution", "c", 100, "success", FakeClock::kStart - 60'000);
  first.row[kUserId] = std::string("alice");
  first.row[kProject] = std::string("shop");
  it.keep({first, it.outcome("tool_usage", "Edit", 5, "error"), it.outcome("tool_usage", "Bash", 5, "success"),
           it.outcome("agent_interaction", "planner", 5, "success")});
  const Session session = *must(it.reader.session("s1"));
  CHECK(session.status == "active");
  CHECK_FALSE(session.started);
  CHECK_FALSE(session.end);
  CHECK(session.start == from_ms(FakeClock::kStart - 60'000));
  CHECK(session.duration() == 1min);
  CHECK(session.commands == 1);
  CHECK(session.tools == 2);
  CHECK(session.errors == 1);
  CHECK(session.total_ms == 115);
  CHECK(session.tools_used == std::vector<std::string>{"Bash", "Edit"});
  CHECK(session.agents_used == std::vector<std::string>{"planner"});
  CHECK(*session.avg_command_ms == 100);
  CHECK(*session.success_rate == 0.75);
  CHECK(session.user_id == "alice");
  CHECK(session.project == "shop");
}

TEST_CASE("sessions and what happened last come the newest first") {
  Archive it;
  it.keep({it.outcome("command_execution", "old", 1, "success", FakeClock::kStart - 3000, "a"),
           it.outcome("command_execution", "new", 1, "success", FakeClock::kStart - 1000, "b"),
           it.outcome("command_execution", "mid", 1, "success", FakeClock::kStart - 2000, "a")});
  const auto sessions = must(it.reader.sessions(it.week, 10));
  REQUIRE(sessions.size() == 2);
  CHECK(sessions[0].id == "b");
  CHECK(must(it.reader.sessions(it.week, 1)).size() == 1);
  const auto recent = must(it.reader.recent(kCommand, it.week, "", 2));
  REQUIRE(recent.size() == 2);
  CHECK(recent[0].name == "new");
  CHECK(recent[1].name == "mid");
  const auto of_one = must(it.reader.recent(kCommand, it.week, "a", 10));
  CHECK(of_one.size() == 2);
}

TEST_CASE("days are days in UTC, and people are who was named") {
  Archive it;
  const std::int64_t midnight = to_ms(*parse_rfc3339("2026-01-02T00:00:00Z"));
  Event bobs = it.outcome("tool_usage", "t", 1, "error", midnight);
  bobs.row[kUserId] = std::string("bob");
  it.keep({it.outcome("command_execution", "c", 1, "success", midnight - 1), bobs});
  const auto days = must(it.reader.days(it.week));
  REQUIRE(days.size() == 2);
  CHECK(days[0].day == "2026-01-01");
  CHECK(days[0].commands == 1);
  CHECK(days[1].day == "2026-01-02");
  CHECK(days[1].tools == 1);
  CHECK(days[1].errors == 1);
  const auto people = must(it.reader.people(it.week));
  REQUIRE(people.size() == 2);
  CHECK(people[0].user_id == "");
  CHECK(people[1].user_id == "bob");
  CHECK(people[1].errors == 1);
}

TEST_CASE("words of a field come from every kind that has it, the newest first") {
  Archive it;
  it.keep({it.outcome("tool_usage", "Edit", 1, "success", FakeClock::kStart - 3'000, "s1"),
           it.outcome("tool_usage", "Read", 1, "success", FakeClock::kStart - 2'000, "s2"),
           it.outcome("command_execution", "/plan", 1, "success", FakeClock::kStart - 1'000, "s3"),
           it.outcome("tool_usage", "Edit", 1, "success", FakeClock::kStart, "s1"),
           it.outcome("tool_usage", "Old", 1, "success", FakeClock::kStart - 10 * kDayMs, "s0")});
  CHECK(must(it.reader.words("tool_name", it.week, 10)) == std::vector<std::string>{"Edit", "Read"});
  CHECK(must(it.reader.words("session_id", it.week, 10)) == std::vector<std::string>{"s1", "s3", "s2"});
  CHECK(must(it.reader.words("session_id", it.week, 1)) == std::vector<std::string>{"s1"});
  for (const char* none : {"", "no_such_field", "execution_time_ms", "status", "tool_name; DROP TABLE tool_usage"})
    CHECK(must(it.reader.words(none, it.week, 10)).empty());
}

TEST_CASE("counts follow every writer") {
  Archive it;
  const auto tools = [&] { return must(it.reader.counts())[index_of(kTool)]; };
  CHECK(tools() == 0);
  it.keep({it.outcome("tool_usage", "Edit", 1, "success")});
  CHECK(tools() == 1);
  CHECK(tools() == 1);
  const auto other = must(Database::open({it.database->path(), Durability::normal}, it.entropy));
  const auto store = must(SqliteStore::open(*other));
  std::vector<Event> events{it.outcome("tool_usage", "Read", 1, "success"),
                            it.outcome("command_execution", "/x", 1, "success")};
  REQUIRE(store->append(events).ok());
  CHECK(tools() == 2);
  CHECK(must(it.reader.counts())[index_of(kCommand)] == 1);
}

TEST_CASE("slices are what the records of the period add up to, whatever hours the period cuts, and at any phase") {
  Archive it;
  Dice dice(7);
  const std::int64_t begin = FakeClock::kStart - 6 * kDayMs;
  std::vector<Event> events;
  for (int i = 0; i < 2'000; ++i) {
    const bool far = dice.one_in(2);
    events.push_back(it.outcome(dice.one_in(2) ? "tool_usage" : "agent_interaction", dice.letters(1),
                                static_cast<double>(dice.below(1'000)), dice.one_in(4) ? "error" : "success",
                                begin + dice.between(0, far ? 6 * kDayMs : 3 * 3'600'000), "s" + dice.letters(1)));
  }
  it.keep(events);
  for (int round = 0; round < 60; ++round) {
    const Millis phase = round % 3 == 0 ? 30min : 0min;
    const std::int64_t grain = dice.one_in(2) ? 1 : 1'800'000;
    std::int64_t since = dice.between(begin, begin + 8 * 3'600'000) / grain * grain,
                 until = since + dice.between(0, dice.one_in(2) ? kDayMs : 3'600'000) / grain * grain;
    const Period period{from_ms(since), from_ms(until)};
    Slicer expected(phase);
    for (const Event& event : events)
      if (event.timestamp() >= period.since && event.timestamp() < period.until) expected.add(event);
    std::map<SliceKey, Figures> given;
    std::vector<SliceKey> order;
    must(it.reader.slices(period, phase, {}, [&](const Slice& slice) {
      CHECK(given.emplace(slice.key, slice.figures).second);
      order.push_back(slice.key);
      return true;
    }));
    CHECK(given == expected.slices());
    CHECK(std::ranges::is_sorted(order, {}, &SliceKey::hour));
  }
  int taken = 0;
  must(it.reader.slices(it.week, 0min, {}, [&taken](const Slice&) { return ++taken < 3; }));
  CHECK(taken == 3);
}

TEST_CASE("percentiles are those of reports: exact up to 32 durations, and at most 1/256 away beyond") {
  Archive it;
  Dice dice(9);
  std::vector<double> times;
  const auto add = [&] {
    times.push_back(static_cast<double>(dice.below(1'000'000)) / 8);
    const auto number = static_cast<std::int64_t>(times.size());
    it.keep({it.outcome("tool_usage", "t", times.back(), "success", FakeClock::kStart - number * 600'000)});
  };
  const auto percentiles = [&] { return must(it.reader.usage(kTool, it.week, "", 1)).front().percentiles; };
  while (times.size() < Durations::kExact) add();
  for (const auto& [given, percent] :
       {std::pair(&Percentiles::p50, 50), {&Percentiles::p90, 90}, {&Percentiles::p95, 95}, {&Percentiles::p99, 99}})
    CHECK(percentiles().*given == nearest_rank(times, percent));
  while (times.size() < 300) add();
  CHECK(percentiles().p50 != nearest_rank(times, 50));
  for (const auto& [given, percent] : {std::pair(&Percentiles::p50, 50), {&Percentiles::p99, 99}})
    CHECK(near(percentiles().*given, nearest_rank(times, percent)));
}

TEST_CASE("answers stay when the records are let go") {
  Archive it;
  std::vector<Event> events;
  for (int i = 0; i < 40; ++i) {
    Event& call = events.emplace_back(it.outcome("tool_usage", "t" + std::to_string(i % 3), i,
                                                 i % 5 == 0 ? "error" : "success", FakeClock::kStart - i * 3'000'000));
    call.row[kUserId] = std::string("alice");
  }
  it.keep(events);
  const auto answers = [&] {
    const Summary summary = must(it.reader.summary(it.week));
    const auto usage = must(it.reader.usage(kTool, it.week, "", 9));
    const auto sessions = must(it.reader.sessions(it.week, 9));
    return std::tuple(summary.tools, summary.errors, summary.active_ms, usage.size(), usage.at(0).percentiles.p50,
                      sessions.at(0).tools, must(it.reader.days(it.week)).size(),
                      must(it.reader.people(it.week)).size(), must(it.reader.words("tool_name", it.week, 9)));
  };
  const auto before = answers();
  must(it.database->db().exec("DELETE FROM tool_usage"));
  CHECK(answers() == before);
}
