// The table of hours of sessions against the slices: made when hours are long over, removed when a record comes late.
#include "store/session_hours.h"

#include <doctest/doctest.h>

#include "fortium/metrics/active_time.h"
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

struct Kept : StoreFixture {
  int last_id = 0;

  Event call(std::int64_t at, std::string session = "s1") {
    return tool_call("c" + std::to_string(++last_id), std::move(session), at);
  }
  // Some days of work up to now.
  void work(Dice& dice, int days, int records) {
    std::vector<Event> events;
    for (int i = 0; i < records; ++i) {
      Event event = call(FakeClock::kStart - dice.between(0, days * kDayMs), "s" + std::to_string(dice.below(5)));
      if (dice.one_in(2)) event.row[kProject] = std::string("shop");
      events.push_back(std::move(event));
    }
    append(kNoLane, std::move(events));
  }
  void fold() {
    while (must(fold_session_hours(*database, clock.now()))) {
    }
  }
  std::int64_t newest() { return must(newest_session_hour(database->db())); }
  std::int64_t rows() { return number("SELECT count(*) FROM session_hour"); }
  std::vector<SessionHour> answer(const Period& period, Millis phase = Millis(0)) {
    SqliteReader reader(*database);
    std::vector<SessionHour> all;
    must(reader.session_hours(period, phase, [&all](const SessionHour& one) {
      all.push_back(one);
      return true;
    }));
    return all;
  }
  // The same without the table.
  std::vector<SessionHour> from_slices(const Period& period, Millis phase = Millis(0)) {
    SqliteReader reader(*database);
    std::vector<SessionHour> all;
    SessionHours hours([&all](const SessionHour& one) {
      all.push_back(one);
      return true;
    });
    must(reader.slices(period, phase, {}, [&hours](const Slice& slice) { return hours.add(slice); }));
    hours.finish();
    return all;
  }
};

}  // namespace

TEST_CASE("what is long over is folded, and answers are the same as from slices, for any period") {
  Kept it;
  Dice dice(1);
  it.work(dice, 20, 3'000);
  it.fold();
  CHECK(it.newest() < hour_of(it.clock.now()) - 23);
  CHECK(it.newest() > hour_of(it.clock.now()) - 30);
  for (int round = 0; round < 80; ++round) {
    const std::int64_t grain = dice.one_in(2) ? 1 : kHourMs;
    const std::int64_t since = (FakeClock::kStart - dice.between(0, 21 * kDayMs)) / grain * grain;
    const std::int64_t until = since + dice.between(0, dice.one_in(2) ? 20 * kDayMs : 2 * kHourMs) / grain * grain;
    const Period period{from_ms(since), from_ms(until)};
    const Millis phase{round % 4 == 0 ? 1'800'000 : 0};
    CHECK(it.answer(period, phase) == it.from_slices(period, phase));
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
    must(reader.session_hours(all, Millis(0), [&](const SessionHour&) { return ++taken < most; }));
    CHECK(taken == most);
  }
}

TEST_CASE("a record that comes late removes its hour and those after it, in its own transaction") {
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
    CHECK(other.answer(all) == other.from_slices(all));
    return;
  }
  CHECK(it.newest() < hour_of(from_ms(late)));
  CHECK(it.newest() > hour_of(from_ms(late)) - 24);
  CHECK(it.answer(all) == it.from_slices(all));
  it.fold();
  CHECK(it.newest() == newest);
  CHECK(it.answer(all) == it.from_slices(all));
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

TEST_CASE("once a day is enough, and an hour is folded a day after its end") {
  Kept it;
  it.append(kNoLane, {it.call(FakeClock::kStart)});
  it.fold();
  CHECK(it.rows() == 0);
  it.clock.advance(std::chrono::hours(47));
  it.fold();
  CHECK(it.rows() == 0);
  it.clock.advance(std::chrono::hours(1));
  it.fold();
  CHECK(it.rows() == 1);
}

TEST_CASE("many hours are folded in several transactions, and it does not matter which was the last") {
  Kept it;
  Dice dice(5);
  it.work(dice, 300, 8'000);
  const Period all{from_ms(0), it.clock.now()};
  const auto right = it.from_slices(all);
  int steps = 0;
  for (bool more = true; more; ++steps) {
    more = must(fold_session_hours(*it.database, it.clock.now()));
    CHECK(it.answer(all) == right);
  }
  CHECK(steps > 2);
}

TEST_CASE("hours that are not what slices add up to are found, and made again") {
  Kept it;
  Dice dice(6);
  it.work(dice, 10, 400);
  it.fold();
  CHECK(must(differing_hours(*it.database)).empty());
  const std::int64_t hour = it.number("SELECT hour FROM session_hour ORDER BY hour LIMIT 1 OFFSET 40");
  const std::string of_one = " WHERE hour = " + std::to_string(hour);
  std::string damage;
  SUBCASE("a number") { damage = "UPDATE session_hour SET success = success + 1" + of_one; }
  SUBCASE("a minute") { damage = "UPDATE session_hour SET minutes = minutes + 1" + of_one; }
  SUBCASE("missing") { damage = "DELETE FROM session_hour" + of_one; }
  SUBCASE("of nobody") { damage = "UPDATE session_hour SET session_id = session_id || 'x'" + of_one; }
  SUBCASE("negative") { damage = "UPDATE session_hour SET priced = -1" + of_one; }
  must(it.database->db().exec(damage));
  REQUIRE(must(differing_hours(*it.database)) == std::vector<std::int64_t>{hour});
  must(rebuild(*it.database, {hour}));
  CHECK(must(differing_hours(*it.database)).empty());
  it.fold();
  const Period all{from_ms(0), it.clock.now()};
  CHECK(it.answer(all) == it.from_slices(all));
  CHECK(must(differing_hours(*it.database)).empty());
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
  CHECK(must(newest_session_hour(must(store.database())->db())) == hour_of(from_ms(FakeClock::kStart - 9 * kDayMs)));
}
