// Hours of sessions and spans of names against the slices: made when days are long over, removed when a record comes
// late.
#include "store/roll_ups.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "fortium/metrics/active_time.h"
#include "store/limits.h"
#include "store/local_store.h"
#include "store/slices.h"
#include "store/sqlite_reader.h"
#include "support/dice.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::metrics;
using namespace fortium::store;
using namespace fortium::test;

namespace {

constexpr std::int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;

// What is known of one name in a period, in however many spans it was told.
struct Sum {
  Figures figures;
  std::map<std::int64_t, std::int64_t> hours;
  std::int64_t first_bad = INT64_MAX, last_bad = INT64_MIN;
  std::map<std::string, std::int64_t> bad_projects;

  void add(const NameSpan& span) {
    figures.merge_sums(span.figures);
    REQUIRE(figures.durations.merge_bytes(span.durations));
    for (const auto& [hour, count] : span.hours) hours[hour] += count;
    for (const auto& [project, times] : span.bad_projects) bad_projects[project] += times;
    if (span.bad_projects.empty()) return;
    first_bad = std::min(first_bad, span.first_bad);
    last_bad = std::max(last_bad, span.last_bad);
  }
  void add(const Slice& slice, bool durations) {
    durations ? figures.merge(slice.figures) : figures.merge_sums(slice.figures);
    figures.minutes = 0;
    hours[slice.key.hour] += slice.figures.count;
    if (slice.figures.errors() == 0) return;
    bad_projects[slice.key.project] += slice.figures.errors();
    first_bad = std::min(first_bad, slice.key.hour);
    last_bad = std::max(last_bad, slice.key.hour);
  }
  friend bool operator==(const Sum&, const Sum&) = default;
};
using Sums = std::map<std::pair<std::size_t, std::string>, Sum>;

struct Kept : StoreFixture {
  int last_id = 0;

  Event call(std::int64_t at, std::string session = "s1") {
    return tool_call("c" + std::to_string(++last_id), std::move(session), at);
  }
  // Some days of work up to now.
  void work(Dice& dice, int days, int records) {
    std::vector<Event> events;
    for (int i = 0; i < records; ++i) {
      const std::string session = "s" + std::to_string(dice.below(5));
      const std::int64_t at = FakeClock::kStart - dice.between(0, days * kDayMs);
      Event event = dice.one_in(3) ? event_of("agent_interaction", "a" + std::to_string(++last_id), session, at)
                                   : call(at, session);
      event.row[kEnvelopeSize] = std::string(1, static_cast<char>('a' + dice.below(4)));
      value_of(event, "execution_time_ms") = static_cast<double>(dice.between(0, 9'000'000)) / 1'000;
      if (dice.one_in(9)) value_of(event, "status") = std::string("timeout");
      if (dice.one_in(2)) event.row[kProject] = std::string("shop");
      if (dice.one_in(2)) event.row[kSource] = std::string("hook");
      events.push_back(std::move(event));
    }
    append(kNoLane, std::move(events));
  }
  void fold() {
    while (must(fold_slices(*database, clock.now()))) {
    }
  }
  std::int64_t newest() { return must(newest_folded_day(database->db())); }
  std::int64_t rows() { return number("SELECT count(*) FROM session_day"); }
  std::int64_t days() { return number("SELECT count(*) FROM name_span WHERE hours = 24 AND whole = 1"); }
  std::int64_t long_spans() { return number("SELECT count(*) FROM name_span WHERE hours = 192 AND whole = 1"); }
  std::vector<SessionHour> answer(const Period& period, Millis phase = Millis(0), const Within& within = {}) {
    SqliteReader reader(*database);
    std::vector<SessionHour> all;
    must(reader.session_hours(period, phase, within, [&all](const SessionHour& one) {
      if (!all.empty()) CHECK(one.hour / 24 >= all.back().hour / 24);
      if (!all.empty() && one.session_id == all.back().session_id) CHECK(one.hour >= all.back().hour);
      all.push_back(one);
      return true;
    }));
    std::ranges::sort(
        all, {}, [](const SessionHour& one) { return std::tie(one.hour, one.session_id, one.project, one.source); });
    return all;
  }
  // The same without the tables.
  std::vector<SessionHour> from_slices(const Period& period, Millis phase = Millis(0), const Within& within = {}) {
    SqliteReader reader(*database);
    std::vector<SessionHour> all;
    SessionHours hours([&all](const SessionHour& one) {
      all.push_back(one);
      return true;
    });
    must(reader.slices(period, phase, {}, [&](const Slice& slice) {
      return !within.has(slice.key.project, slice.key.source) || hours.add(slice);
    }));
    hours.finish();
    return all;
  }
  Sums names(const Period& period, const Wanted& wanted = {}) {
    SqliteReader reader(*database);
    Sums all;
    must(reader.name_spans(period, wanted, [&](const NameSpan& span) {
      Sum& sum = all[{span.kind, span.name}];
      const bool parts = !wanted.within.project.empty() || !wanted.within.source.empty();
      if (!parts && !sum.hours.empty()) CHECK(span.hours.front().first >= sum.hours.rbegin()->first);
      sum.add(span);
      return true;
    }));
    return all;
  }
  Sums names_from_slices(const Period& period, const Wanted& wanted = {}) {
    SqliteReader reader(*database);
    Sums all;
    must(reader.slices(period, Millis(0), {}, [&](const Slice& slice) {
      if (wanted.has(slice.key)) all[{slice.key.kind, slice.key.name}].add(slice, wanted.durations);
      return true;
    }));
    return all;
  }
  bool is_right(const Period& period) {
    return answer(period) == from_slices(period) && names(period) == names_from_slices(period);
  }
};

std::int64_t day_number(std::int64_t ms) { return ms / kDayMs; }

std::string kinds_as_columns() {
  std::string names;
  for (const Kind& kind : kinds()) names += (names.empty() ? "" : ", ") + std::string(kind.name);
  return names;
}

}  // namespace

TEST_CASE("what is long over is folded, and answers are the same as from slices, for any period") {
  Kept it;
  Dice dice(1);
  it.work(dice, 20, 3'000);
  it.fold();
  CHECK(it.newest() == day_number(FakeClock::kStart) - 2);  // it is not yet three: yesterday may still go on
  CHECK(it.days() == 19);
  CHECK(it.long_spans() == 2);
  for (int round = 0; round < 80; ++round) {
    const std::int64_t grain = dice.one_in(2) ? 1 : kHourMs;
    const std::int64_t since = (FakeClock::kStart - dice.between(0, 21 * kDayMs)) / grain * grain;
    const std::int64_t until = since + dice.between(0, dice.one_in(2) ? 20 * kDayMs : 2 * kHourMs) / grain * grain;
    const Period period{from_ms(since), from_ms(until)};
    const Millis phase{round % 4 == 0 ? 1'800'000 : 0};
    const Within within{.project = dice.one_in(3) ? "shop" : "", .source = dice.one_in(3) ? "hook" : ""};
    CHECK(it.answer(period, phase, within) == it.from_slices(period, phase, within));
    const Wanted wanted{.kinds = dice.one_in(2) ? ~0U : static_cast<unsigned>(dice.below(64)),
                        .durations = dice.one_in(2),
                        .within = within};
    CHECK(it.names(period, wanted) == it.names_from_slices(period, wanted));
  }
}

TEST_CASE("who takes them says no once") {
  Kept it;
  Dice dice(2);
  it.work(dice, 3, 500);
  it.fold();
  SqliteReader reader(*it.database);
  const Period all{from_ms(0), it.clock.now()};
  const auto total = static_cast<int>(it.answer(all).size());
  for (int most = 1; most < total; most += 7) {
    int taken = 0;
    must(reader.session_hours(all, Millis(0), {}, [&](const SessionHour&) { return ++taken < most; }));
    CHECK(taken == most);
  }
  int spans = 0;
  must(reader.name_spans(all, {}, [&](const NameSpan&) { return ++spans > 0; }));
  REQUIRE(spans > 8);
  for (int most = 1; most < spans; most += 3) {
    int taken = 0;
    must(reader.name_spans(all, {}, [&](const NameSpan&) { return ++taken < most; }));
    CHECK(taken == most);
  }
}

TEST_CASE("a record that comes late removes its day and those after it, in its own transaction") {
  Kept it;
  Dice dice(3);
  it.work(dice, 10, 1'000);
  it.fold();
  const Period all{from_ms(0), it.clock.now() + Millis(1)};
  const std::int64_t newest = it.newest();
  const auto late = FakeClock::kStart - 5 * kDayMs;
  SUBCASE("by the same writer as before") { it.append(kNoLane, {it.call(late)}); }
  SUBCASE("by one that was at work before the hours were folded") {
    Kept other;
    auto store = must(SqliteStore::open(*other.database));
    std::vector<Event> first{other.call(FakeClock::kStart - 9 * kDayMs), other.call(late)};
    must(store->append(first));
    other.fold();
    REQUIRE(other.rows() == 2);
    std::vector<Event> second{other.call(FakeClock::kStart), other.call(late + 1)};
    must(store->append(second));
    CHECK(other.rows() == 1);
    CHECK(other.days() == 1);
    CHECK(other.is_right(all));
    return;
  }
  SUBCASE("in an hour without any before, after the last of its day") {
    Kept other;
    other.append(kNoLane, {other.call(late / kDayMs * kDayMs), other.call(late - kDayMs)});
    other.fold();
    REQUIRE(other.days() == 2);
    other.append(kNoLane, {other.call(late / kDayMs * kDayMs + kDayMs - 1)});
    CHECK(other.days() == 1);
    CHECK(other.is_right(all));
    return;
  }
  CHECK(it.newest() == day_number(late) - 1);
  CHECK(it.is_right(all));
  it.fold();
  CHECK(it.newest() == newest);
  CHECK(it.is_right(all));
}

TEST_CASE("what is erased of a person is in no sum any more") {
  Kept it;
  Event of_alice = it.call(FakeClock::kStart - 9 * kDayMs), of_bob = it.call(FakeClock::kStart - 5 * kDayMs);
  of_alice.row[kUserId] = std::string("alice");
  of_bob.row[kUserId] = std::string("bob");
  it.append(kNoLane, {of_alice, of_bob});
  it.fold();
  CHECK(must(erase_person(*it.database, "alice")) == 1);
  const Period all{from_ms(0), it.clock.now()};
  CHECK(it.names(all).size() == 1);
  it.fold();
  CHECK(it.names(all).size() == 1);
  CHECK(it.is_right(all));
}

TEST_CASE("a late record that is not kept removes nothing, nor does one of today") {
  Kept it;
  Dice dice(4);
  it.work(dice, 10, 200);
  it.fold();
  const std::int64_t rows = it.rows();
  auto store = must(SqliteStore::open(*it.database));
  must(
      it.database->db().exec("CREATE TRIGGER no BEFORE INSERT ON tool_usage WHEN new.id = 'no' "
                             "BEGIN SELECT raise(ABORT, 'no'); END"));
  std::vector<Event> refused{it.call(FakeClock::kStart - 9 * kDayMs), tool_call("no")};
  REQUIRE_FALSE(store->append(refused).ok());
  CHECK(it.rows() == rows);
  std::vector<Event> today{it.call(FakeClock::kStart)};
  must(store->append(today));
  CHECK(it.rows() == rows);
}

TEST_CASE("a day is folded once it is over by three hours") {
  Kept it;
  it.append(kNoLane, {it.call(FakeClock::kStart)});
  it.clock.advance(from_ms(FakeClock::kStart / kDayMs * kDayMs + 27 * kHourMs - 1) - it.clock.now());
  it.fold();
  CHECK(it.rows() == 0);
  it.clock.advance(Millis(1));
  it.fold();
  CHECK(it.rows() == 1);
  CHECK(it.days() == 1);
}

TEST_CASE("many days are folded in several transactions, and it does not matter which was the last") {
  Kept it;
  Dice dice(5);
  it.work(dice, 300, 8'000);
  const Period all{from_ms(0), it.clock.now()};
  int steps = 0;
  for (bool more = true; more; ++steps) {
    more = must(fold_slices(*it.database, it.clock.now()));
    CHECK(it.is_right(all));
  }
  CHECK(steps > 2);
}

TEST_CASE("sums that are not what slices add up to are found, by the first hour of their span, and made again") {
  Kept it;
  Dice dice(6);
  it.work(dice, 20, 800);
  it.fold();
  CHECK(must(differing_hours(*it.database)).empty());
  const std::int64_t day = it.number("SELECT day FROM session_day ORDER BY day LIMIT 1 OFFSET 8");
  const std::string of_day = " WHERE day = " + std::to_string(day);
  const std::string of_span = " WHERE whole = 1 AND begin = " + std::to_string(day * 24) + " AND hours = 24";
  const std::string of_long = " WHERE whole = 1 AND begin = " + std::to_string(day / 8 * 192) + " AND hours = 192";
  std::string damage;
  SUBCASE("a byte of sessions") {
    damage = "UPDATE session_day SET hours = CAST(substr(hours, 1, length(hours) - 1) || char(1) AS BLOB)" + of_day;
  }
  SUBCASE("sessions of a day") { damage = "DELETE FROM session_day" + of_day; }
  SUBCASE("a day") { damage = "DELETE FROM name_span" + of_span; }
  SUBCASE("an hour") {
    damage =
        "DELETE FROM name_span WHERE hours = 1 AND begin = (SELECT max(begin) FROM name_span "
        "WHERE hours = 1 AND begin < " +
        std::to_string(day * 24 + 24) + ")";
  }
  SUBCASE("of no kind") { damage = "UPDATE name_span SET tool_usage = x''" + of_span; }
  SUBCASE("cut") {
    damage = "UPDATE name_span SET tool_usage = substr(tool_usage, 1, length(tool_usage) - 1)" + of_long;
  }
  SUBCASE("one project too many") {
    damage = "INSERT INTO name_span SELECT hours, 0, begin, 'no', source, " + kinds_as_columns() + " FROM name_span" +
             of_long;
  }
  must(it.database->db().exec(damage));
  const std::int64_t first = it.number("SELECT min(hour) FROM slice WHERE hour >= " + std::to_string(day / 8 * 192));
  const auto differing = must(differing_hours(*it.database));
  REQUIRE(differing.size() == 1);
  CHECK(differing.front() / 192 == day / 8);
  CHECK(differing.front() <= first);
  must(rebuild(*it.database, differing));
  CHECK(must(differing_hours(*it.database)).empty());
  it.fold();
  CHECK(it.is_right({from_ms(0), it.clock.now()}));
  CHECK(must(differing_hours(*it.database)).empty());
}

TEST_CASE("a damaged row is an error, never a wrong form or a crash") {
  Kept it;
  Dice dice(8);
  it.work(dice, 20, 2'000);
  it.fold();
  const Period all{from_ms(0), it.clock.now()};
  const auto right = it.names(all);
  const auto sessions = it.answer(all);
  SqliteReader reader(*it.database);
  const auto damaged = [&dice](const std::string& table, const std::string& column) {
    const std::string at = std::to_string(dice.between(1, 700)), byte = std::to_string(dice.below(256));
    return "UPDATE " + table + " SET " + column + " = CAST(substr(" + column + ", 1, " + at + ") || char(" + byte +
           ") || substr(" + column + ", " + at + " + 2) AS BLOB) WHERE length(" + column + ") > 0";
  };
  must(it.database->db().exec(
      "CREATE TABLE spans AS SELECT * FROM name_span; CREATE TABLE days AS SELECT * FROM session_day"));
  for (int round = 0; round < 200; ++round) {
    must(it.database->db().exec(damaged("name_span", "tool_usage") + ";" + damaged("session_day", "hours")));
    Sums sums;
    bool sound = true;
    const auto names = reader.name_spans(all, {}, [&](const NameSpan& span) {
      Durations durations;
      return sound = durations.merge_bytes(span.durations);
    });
    if (!names) CHECK(names.error().code == Errc::corrupt);
    const auto usage = reader.usage(*find_kind("tool_usage"), all, "", 10);
    CHECK(usage.ok() == (names.ok() && sound));
    const auto hours = reader.session_hours(all, Millis(0), {}, [](const SessionHour&) { return true; });
    if (!hours) CHECK(hours.error().code == Errc::corrupt);
    must(
        it.database->db().exec("DELETE FROM name_span; INSERT INTO name_span SELECT * FROM spans;"
                               "DELETE FROM session_day; INSERT INTO session_day SELECT * FROM days"));
  }
  CHECK(it.names(all) == right);
  CHECK(it.answer(all) == sessions);
}

TEST_CASE("whoever looks is told how far it is") {
  Kept it;
  Dice dice(7);
  it.work(dice, 5, 100);
  const std::int64_t hours = it.number("SELECT count(DISTINCT hour) FROM slice");
  std::int64_t last = 0;
  must(differing_hours(*it.database, [&](std::int64_t done, std::int64_t total) {
    CHECK(done == last + 1);
    CHECK(total == hours);
    last = done;
  }));
  CHECK(last == hours);
}

TEST_CASE("a store folds when nobody waits") {
  TempDir dir;
  FakeClock clock;
  SpreadEntropy entropy;
  LocalStore store({.data_dir = dir.file("data"), .durability = Durability::normal, .lock_wait = Millis(0)}, clock,
                   entropy);
  std::vector<Event> old{tool_call("a", "s1", FakeClock::kStart - 9 * kDayMs)};
  must(store.append(old));
  while (store.tidy(/*busy=*/false)) {
  }
  CHECK(must(newest_folded_day(must(store.database())->db())) == day_number(FakeClock::kStart - 9 * kDayMs));
}
