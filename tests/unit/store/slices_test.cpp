// The table of slices against what the records add up to: whatever way they come in, and when they go.
#include "store/slices.h"

#include <doctest/doctest.h>

#include "store/limits.h"
#include "store/local_store.h"
#include "store/records.h"
#include "store/sqlite_outbox.h"
#include "support/dice.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::metrics;
using namespace fortium::store;
using namespace fortium::test;

namespace {

constexpr std::int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;

std::map<SliceKey, Figures> slices_of(Database& database) {
  std::map<SliceKey, Figures> all;
  must(each_slice(database.db(), 0, INT64_MAX, {}, [&all](const Slice& slice) {
    CHECK(all.emplace(slice.key, slice.figures).second);
    return true;
  }));
  return all;
}

std::map<SliceKey, Figures> sum_of(const std::vector<Event>& events) {
  Slicer slicer;
  for (const Event& event : events) slicer.add(event);
  return slicer.slices();
}

// Many that share slices, over half a day.
Event any_event(Dice& dice, int number) {
  const Kind& kind = dice.pick(kinds());
  Event event = event_of(kind.name, "id" + std::to_string(number), "s" + std::to_string(dice.below(3)),
                         FakeClock::kStart - dice.between(0, kDayMs / 2));
  if (kind.shape[kEnvelopeSize + 1].name == "execution_time_ms")
    event.row[kEnvelopeSize + 1] = static_cast<double>(dice.below(100'000)) / 8;
  if (dice.one_in(2)) event.row[kProject] = std::string("shop");
  return event;
}

std::vector<Event> events(std::uint64_t seed, int count) {
  Dice dice(seed);
  std::vector<Event> all;
  for (int i = 0; i < count; ++i) all.push_back(any_event(dice, i));
  return all;
}

struct Kept : StoreFixture {
  std::int64_t rows() { return number("SELECT count(*) FROM slice"); }
  std::vector<std::int64_t> differing() { return must(differing_hours(*database)); }
  void deliver_all(std::int64_t lane, bool keep) {
    SqliteOutbox outbox(*database, lane, entropy, keep);
    std::vector<sync::Outcome> outcomes;
    for (const sync::Waiting& row : must(outbox.peek({.records = 10'000}, 0)))
      outcomes.push_back({row.place, sync::Fate::delivered, ""});
    must(outbox.settle(outcomes, clock.now()));
  }
};

}  // namespace

TEST_CASE("whoever appends, in whatever parts, slices are what the records add up to") {
  Kept it;
  const std::unique_ptr<Database> other = it.open();
  std::unique_ptr<SqliteStore> writers[] = {must(SqliteStore::open(*it.database)),
                                            must(SqliteStore::open(*it.database, it.lane("acme"))),
                                            must(SqliteStore::open(*other))};
  Dice dice(1);
  std::vector<Event> all = events(2, 3'000);
  for (std::size_t at = 0; at < all.size();) {
    std::vector<Event> part;
    for (std::size_t size = 1 + dice.below(40); size > 0 && at < all.size(); --size) part.push_back(all[at++]);
    must(writers[dice.below(3)]->append(part));
  }
  CHECK(slices_of(*it.database) == sum_of(all));
  CHECK(it.differing().empty());
}

TEST_CASE("a record that is not kept changes no slice") {
  Kept it;
  Event call = tool_call("a"), other = call, old = tool_call("old", "s1", FakeClock::kStart - 500 * kDayMs);
  value_of(other, "execution_time_ms") = 77.0;
  it.append(kNoLane, {call, old});
  must(keep_retention_and_size(*it.database, it.clock.now(), {.retention_days = 400}));
  const auto before = slices_of(*it.database);
  REQUIRE(before.size() == 2);
  CHECK(it.append(kNoLane, {call, other, old}) ==
        std::vector<Stored>{Stored::duplicate, Stored::conflict, Stored::duplicate});
  CHECK(slices_of(*it.database) == before);
  // The same in one call, and beside a new one.
  it.append(kNoLane, {tool_call("b"), tool_call("b"), call});
  CHECK(slices_of(*it.database) == sum_of({call, old, tool_call("b")}));
}

TEST_CASE("what a failed append had added is forgotten") {
  Kept it;
  auto store = must(SqliteStore::open(*it.database));
  std::vector<Event> one{tool_call("a")}, two{tool_call("b"), tool_call("c")};
  must(store->append(one));
  must(
      it.database->db().exec("CREATE TRIGGER no BEFORE INSERT ON tool_usage WHEN new.id = 'c' "
                             "BEGIN SELECT raise(ABORT, 'no'); END"));
  REQUIRE_FALSE(store->append(two).ok());
  must(it.database->db().exec("DROP TRIGGER no"));
  std::vector<Event> three{tool_call("d")};
  must(store->append(three));
  CHECK(slices_of(*it.database) == sum_of({tool_call("a"), tool_call("d")}));
}

TEST_CASE("slices stay when records are let go, and say so") {
  Kept it;
  std::vector<Event> all = events(3, 500);
  const std::int64_t lane = it.lane("acme");
  it.append(lane, all);
  SUBCASE("after their delivery in remote mode") { it.deliver_all(lane, /*keep=*/false); }
  SUBCASE("by age") {
    it.deliver_all(lane, /*keep=*/true);
    must(keep_retention_and_size(*it.database, it.clock.now() + std::chrono::days(2), {.retention_days = 1}));
  }
  REQUIRE(it.number("SELECT count(*) FROM gone") == 500);
  CHECK(slices_of(*it.database) == sum_of(all));
  CHECK(it.number("SELECT count(*) FROM thinned") == it.number("SELECT count(DISTINCT hour) FROM slice"));
  CHECK(it.differing().empty());
  const std::vector<Event> late = {tool_call("late", "s0", FakeClock::kStart - kHourMs)};
  it.append(kNoLane, late);
  all.push_back(late.front());
  CHECK(slices_of(*it.database) == sum_of(all));
  CHECK(it.differing().empty());
}

TEST_CASE("a slice that is not what its records add up to is found, and made again from them") {
  Kept it;
  const std::vector<Event> all = events(4, 300);
  it.append(kNoLane, all);
  const auto whole = slices_of(*it.database);
  const std::int64_t hour = it.number("SELECT min(hour) FROM slice WHERE kind = 'tool_usage'");
  const std::string of_one = " WHERE hour = " + std::to_string(hour) + " AND kind = 'tool_usage'";
  std::string damage;
  SUBCASE("a number") { damage = "UPDATE slice SET count = count + 1" + of_one; }
  SUBCASE("a minute") { damage = "UPDATE slice SET minutes = minutes + 1" + of_one; }
  SUBCASE("missing") { damage = "DELETE FROM slice" + of_one; }
  SUBCASE("of nobody") { damage = "UPDATE slice SET name = name || 'x'" + of_one; }
  SUBCASE("unreadable") { damage = "UPDATE slice SET durations = x'ff'" + of_one; }
  SUBCASE("negative") { damage = "UPDATE slice SET priced = -1" + of_one; }
  must(it.database->db().exec(damage));
  REQUIRE(it.differing() == std::vector<std::int64_t>{hour});
  must(rebuild(*it.database, {hour}));
  CHECK(it.differing().empty());
  CHECK(slices_of(*it.database) == whole);
}

TEST_CASE("of a thinned hour what counts less than its records is found, and what counts more stays") {
  Kept it;
  const std::int64_t lane = it.lane("acme");
  it.append(lane, {tool_call("delivered")});
  it.append(kNoLane, {tool_call("kept"), event_of("command_execution", "kept too")});
  it.deliver_all(lane, /*keep=*/false);
  const auto whole = slices_of(*it.database);
  must(it.database->db().exec("DELETE FROM slice WHERE kind = 'command_execution'"));
  const std::vector<std::int64_t> hours = it.differing();
  REQUIRE(hours == std::vector<std::int64_t>{hour_of(it.clock.now())});
  must(rebuild(*it.database, hours));
  CHECK(it.differing().empty());
  CHECK(slices_of(*it.database) == whole);
}

TEST_CASE("records of the spool are in slices once they are merged") {
  TempDir dir;
  FakeClock clock;
  SpreadEntropy entropy;
  LocalStore store({.data_dir = dir.file("data"), .durability = Durability::normal, .lock_wait = Millis(0)}, clock,
                   entropy);
  std::vector<Event> first{tool_call("a")}, second{tool_call("b"), tool_call("a")};
  must(store.append(first));
  {
    auto lock = must(WriteLock::open(dir.file("data/metrics.db.lock")));
    must(lock.take(Millis(0)));
    must(store.append(second));
    REQUIRE(store.spool().count() == 2);
    lock.give_back();
  }
  clock.advance(std::chrono::minutes(1));
  while (store.tidy(/*busy=*/false)) {
  }
  REQUIRE(store.spool().count() == 0);
  CHECK(slices_of(*must(store.database())) == sum_of({tool_call("a"), tool_call("b")}));
}
