// The ledger: count and digest of ids by day, kind and installation, kept with every record.
#include <doctest/doctest.h>

#include <map>

#include "fortium/base/hash.h"
#include "store/ledger.h"
#include "store/limits.h"
#include "support/dice.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::store;
using namespace fortium::test;

namespace {

constexpr std::int64_t kDayMs = 86'400'000;

// Session, day, kind and installation to "count digest".
std::map<std::string, std::string> ledger_of(StoreFixture& it) {
  std::map<std::string, std::string> out;
  auto all =
      must(it.database->db().prepare("SELECT session_id, day, kind, device_id, count, digest "
                                     "FROM ledger WHERE count <> 0"));
  while (must(all.step()))
    out[std::string(all.text(0)) + " " + std::string(all.text(1)) + " " + std::string(all.text(2)) + " " +
        std::string(all.text(3))] = std::to_string(all.integer(4)) + " " + std::string(all.text(5));
  return out;
}

std::map<std::string, std::string> recomputed(StoreFixture& it) {
  struct Tally {
    std::int64_t count = 0;
    LedgerDigest digest;
  };
  std::map<std::string, Tally> tallies;
  for (const metrics::Kind& kind : metrics::kinds()) {
    auto all = must(it.database->db().prepare("SELECT id, timestamp, device_id, coalesce(session_id, '') FROM " +
                                              std::string(kind.name)));
    while (must(all.step())) {
      Tally& tally = tallies[std::string(all.text(3)) + " " + day_of(from_ms(all.integer(1))) + " " +
                             std::string(kind.name) + " " + std::string(all.text(2))];
      ++tally.count;
      tally.digest.add(all.text(0));
    }
  }
  std::map<std::string, std::string> out;
  for (const auto& [key, tally] : tallies) out[key] = std::to_string(tally.count) + " " + tally.digest.hex();
  return out;
}

}  // namespace

TEST_CASE("the ledger is what counting would give, whatever was recorded in whatever order") {
  StoreFixture it;
  Dice dice(1);
  for (int group = 0; group < 40; ++group) {
    std::vector<metrics::Event> events;
    for (std::size_t i = dice.below(12); i > 0; --i) {
      const metrics::Kind& kind = dice.pick(metrics::kinds());
      const auto at = FakeClock::kStart - static_cast<std::int64_t>(dice.below(4)) * kDayMs;
      // Few ids, so that there are duplicates and conflicts too.
      events.push_back(event_of(kind.name, "id-" + std::to_string(dice.below(150)), dice.one_in(3) ? "t" : "s", at));
      if (dice.one_in(5)) events.back().row[metrics::kDeviceId] = std::string("another-device");
    }
    it.append(kNoLane, events);
  }
  const auto kept = ledger_of(it);
  CHECK(kept.size() > 20);
  CHECK(kept == recomputed(it));
}

TEST_CASE("the counters go on from where anybody left them") {
  StoreFixture it;
  const auto other = it.open();
  const std::int64_t acme = it.lane("acme");
  // Two writers on one connection and one on another: each keeps what it knows from one commit to the next.
  std::unique_ptr<SqliteStore> writers[] = {must(SqliteStore::open(*it.database, acme)),
                                            must(SqliteStore::open(*it.database, acme)),
                                            must(SqliteStore::open(*other, acme))};
  Dice dice(5);
  int id = 0;
  for (int turn = 0; turn < 300; ++turn) {
    SqliteStore& writer = *writers[dice.below(3)];
    for (std::size_t commits = 1 + dice.below(3); commits > 0; --commits) {
      std::vector<metrics::Event> group;
      for (std::size_t i = 1 + dice.below(3); i > 0; --i)
        group.push_back(
            tool_call("id-" + std::to_string(dice.one_in(10) ? id : ++id), "s" + std::to_string(dice.below(3))));
      const bool refused = dice.one_in(8);
      if (refused) {
        group.push_back(tool_call("nameless"));
        value_of(group.back(), "tool_name") = std::monostate();  // NOT NULL: the whole group is undone
        CHECK_FALSE(writer.append(group).ok());
      } else {
        must(writer.append(group));
      }
    }
    if (dice.one_in(10)) it.database->db().exec("DELETE FROM outbox WHERE place % 2 = 1").ok();
  }
  CHECK(ledger_of(it) == recomputed(it));
  CHECK(it.number("SELECT count(*) FROM (SELECT 1 FROM tool_usage GROUP BY session_id "
                  "HAVING count(DISTINCT seq) <> count(*) OR max(seq) <> count(*))") == 0);
  CHECK(it.texts("SELECT session_id || ':' || max(last) FROM ledger GROUP BY session_id ORDER BY session_id") ==
        it.texts("SELECT session_id || ':' || max(seq) FROM tool_usage GROUP BY session_id ORDER BY session_id"));
}

TEST_CASE("counters of more sessions than are remembered are counted all the same") {
  StoreFixture it;
  const auto writer = must(SqliteStore::open(*it.database));
  for (int round = 0; round < 2; ++round)
    for (int group = 0; group < 30; ++group) {
      std::vector<metrics::Event> events;
      for (int i = 0; i < 50; ++i) {
        const std::string session = std::to_string(group * 50 + i);
        events.push_back(tool_call(session + "-" + std::to_string(round), session));
      }
      must(writer->append(events));
    }
  CHECK(ledger_of(it) == recomputed(it));
  CHECK(it.number("SELECT count(*) FROM ledger WHERE last = 2 AND count = 2") == 1500);
}

TEST_CASE("a day is a day in UTC, to the millisecond") {
  StoreFixture it;
  const std::int64_t midnight = to_ms(*parse_rfc3339("2026-01-02T00:00:00Z"));
  it.append(kNoLane, {tool_call("a", "s", midnight - 1), tool_call("b", "s", midnight)});
  CHECK(it.texts("SELECT day || '=' || count FROM ledger ORDER BY day") == "2026-01-01=1 2026-01-02=1");
}

TEST_CASE("what does not happen is not counted") {
  StoreFixture it;
  auto store = must(SqliteStore::open(*it.database, kNoLane));
  std::vector<metrics::Event> group;
  for (int i = 0; i < 50; ++i) {
    group.push_back(tool_call("g" + std::to_string(i)));
    set_detail(group.back(), 4000);
  }
  must(it.database->db().integer("PRAGMA max_page_count = " + std::to_string(it.number("PRAGMA page_count"))));
  REQUIRE_FALSE(store->append(group).ok());
  CHECK(it.number("SELECT count(*) FROM ledger") == 0);
}

TEST_CASE("retention lets records go, oldest first, and never one that was not delivered") {
  StoreFixture it;
  const std::int64_t acme = it.lane("acme");
  const auto days_ago = [](std::int64_t days) { return FakeClock::kStart - days * kDayMs; };
  it.append(acme, {tool_call("old, delivered", "s", days_ago(500)), tool_call("old, waiting", "s", days_ago(500)),
                   tool_call("old, refused", "s", days_ago(500)), tool_call("young, delivered", "s", days_ago(1))});
  it.append(kNoLane, {tool_call("old, nobody's", "s", days_ago(401)), tool_call("nobody's", "s", days_ago(400)),
                      event_of("model_usage", "old model", "s", days_ago(401))});
  SqliteOutbox outbox(*it.database, acme, it.entropy);
  const auto rows = must(outbox.peek({}, 0));
  const std::vector<sync::Outcome> outcomes = {{rows[0].place, sync::Fate::delivered, ""},
                                               {rows[2].place, sync::Fate::refused, "no"},
                                               {rows[3].place, sync::Fate::delivered, ""}};
  must(outbox.settle(outcomes, it.clock.now()));
  const auto before = ledger_of(it);
  REQUIRE(keep_retention_and_size(*it.database, it.clock.now(), {.retention_days = 400}).ok());
  CHECK(it.texts("SELECT replace(id, ' ', '_') FROM tool_usage ORDER BY id") ==
        "nobody's old,_refused old,_waiting young,_delivered");
  CHECK(it.number("SELECT count(*) FROM model_usage") == 0);
  CHECK(ledger_of(it) == before);  // roll-ups stay
}

TEST_CASE("the size budget lets the oldest records of any kind go first, and never one that was not delivered") {
  StoreFixture it;
  const std::int64_t acme = it.lane("acme");
  std::vector<metrics::Event> waiting, mine;
  for (int i = 0; i < 200; ++i) {
    waiting.push_back(tool_call("w" + std::to_string(i), "s", FakeClock::kStart - kDayMs));
    set_detail(waiting.back(), 1000);
  }
  for (int i = 0; i < 3000; ++i) {
    mine.push_back(event_of(i % 2 == 0 ? "tool_usage" : "command_execution", "m" + std::to_string(10'000 + i), "s",
                            FakeClock::kStart - 3'000'000 + i));
    set_detail(mine.back(), 1000);
  }
  it.append(acme, waiting);
  it.append(kNoLane, mine);
  const std::int64_t full = must(bytes_in_use(it.database->db()));
  const std::int64_t used = must(keep_retention_and_size(*it.database, it.clock.now(), {.max_bytes = full / 2}));
  CHECK(used <= full / 2);
  CHECK(used > full / 4);  // no more than needed
  CHECK(it.number("SELECT count(*) FROM outbox o JOIN tool_usage t ON t.id = o.id") == 200);
  // What is left of the rest is the newest of it.
  const std::int64_t left = it.number(
      "SELECT count(*) FROM (SELECT id FROM tool_usage WHERE lane = 0 UNION ALL "
      "SELECT id FROM command_execution)");
  CHECK(left > 500);
  CHECK(it.texts("SELECT max(id) FROM command_execution") == "m12999");
  const std::int64_t oldest = it.number(
      "SELECT min(timestamp) FROM (SELECT timestamp FROM tool_usage WHERE lane = 0 "
      "UNION ALL SELECT timestamp FROM command_execution)");
  CHECK(oldest > FakeClock::kStart - 3'000'000 + 1000);

  SUBCASE("what waits may outgrow the budget: it is told, not dropped") {
    const std::int64_t still = must(keep_retention_and_size(*it.database, it.clock.now(), {.max_bytes = 1}));
    CHECK(still > 1);
    CHECK(it.number("SELECT count(*) FROM tool_usage") == 200);
    CHECK(it.number("SELECT count(*) FROM command_execution") == 0);
  }
}

TEST_CASE("what was let go and comes again counts once") {
  StoreFixture it;
  const std::int64_t acme = it.lane("acme");
  const auto old = [](std::string id) { return tool_call(std::move(id), "s", FakeClock::kStart - 500 * kDayMs); };
  SUBCASE("by age") {
    it.append(kNoLane, {old("a"), old("b")});
    REQUIRE(keep_retention_and_size(*it.database, it.clock.now(), {.retention_days = 400}).ok());
  }
  SUBCASE("after its delivery in remote mode") {
    it.append(acme, {old("a"), old("b")});
    SqliteOutbox outbox(*it.database, acme, it.entropy, /*keep_delivered=*/false);
    std::vector<sync::Outcome> outcomes;
    for (const sync::Waiting& row : must(outbox.peek({}, 0)))
      outcomes.push_back({row.place, sync::Fate::delivered, ""});
    must(outbox.settle(outcomes, it.clock.now()));
  }
  REQUIRE(it.number("SELECT count(*) FROM tool_usage") == 0);
  const auto before = ledger_of(it);
  CHECK(it.append(acme, {old("b"), old("c"), event_of("command_execution", "b")}) ==
        std::vector{metrics::Stored::duplicate, metrics::Stored::fresh, metrics::Stored::fresh});
  CHECK(it.number("SELECT sum(count) FROM ledger") == 4);
  CHECK(it.texts("SELECT id FROM tool_usage") == "c");
  CHECK(it.texts("SELECT kind || id FROM outbox ORDER BY kind, id") == "command_executionb tool_usagec");
  CHECK(before.size() == 1);
}

TEST_CASE("the tallies of a lane go with its records") {
  StoreFixture it;
  Dice dice(5);
  const std::int64_t acme = it.lane("acme");
  std::vector<metrics::Event> nobodys, mine;
  for (int i = 0; i < 300; ++i)
    (dice.one_in(3) ? mine : nobodys)
        .push_back(event_of(dice.pick(metrics::kinds()).name, "id-" + std::to_string(i), "s",
                            FakeClock::kStart - static_cast<std::int64_t>(dice.below(4)) * kDayMs));
  it.append(kNoLane, nobodys);
  it.append(acme, mine);
  const auto by_lane = [&](std::int64_t lane) {
    sync::Tally sum;
    for (const auto& [key, tally] : must(SqliteLedger(*it.database, lane).tallies({}))) sum.add(tally);
    return sum;
  };
  const auto counted = [&](std::int64_t lane) {
    sync::Tally sum;
    for (const metrics::Kind& kind : metrics::kinds()) {
      auto all = must(it.database->db().prepare("SELECT id FROM " + std::string(kind.name) + " WHERE lane = ?"));
      all.bind(lane);
      while (must(all.step())) sum.add(all.text(0));
    }
    return sum;
  };
  CHECK(by_lane(acme) == counted(acme));
  CHECK(by_lane(acme).count == static_cast<std::int64_t>(mine.size()));

  CHECK(must(adopt_unassigned(*it.database, acme)) == static_cast<std::int64_t>(nobodys.size()));
  CHECK(by_lane(kNoLane) == sync::Tally{});
  CHECK(by_lane(acme).count == 300);
  CHECK(by_lane(acme) == counted(acme));

  const std::vector<std::string> dropped = {std::string(mine[0].id()), std::string(nobodys[0].id()), "unknown"};
  CHECK(must(drop_queued(*it.database, dropped)) == 2);
  CHECK(by_lane(acme) == counted(acme));
  CHECK(by_lane(kDroppedLane) == counted(kDroppedLane));
  CHECK(by_lane(kDroppedLane).count == 2);
}

TEST_CASE("a row tells what waits, what was refused and what was delivered; what is queued again waits") {
  StoreFixture it;
  const std::int64_t acme = it.lane("acme");
  std::vector<metrics::Event> foreign = {tool_call("elsewhere")};
  foreign[0].row[metrics::kDeviceId] = std::string("another-device");
  it.append(acme, {tool_call("a"), tool_call("b"), tool_call("c")});
  it.append(acme, foreign);
  it.append(kNoLane, {tool_call("nobody's")});
  SqliteOutbox outbox(*it.database, acme, it.entropy);
  const auto rows = must(outbox.peek({}, 0));
  const std::vector<sync::Outcome> outcomes = {{rows[0].place, sync::Fate::delivered, ""},
                                               {rows[1].place, sync::Fate::refused, "no"}};
  must(outbox.settle(outcomes, it.clock.now()));
  SqliteLedger ledger(*it.database, acme);
  const sync::LedgerKey key{"2026-01-02", metrics::index_of(*metrics::find_kind("tool_usage"))};
  const auto states = [&] {
    std::string out;
    for (const sync::Held& held : must(ledger.row(key)).held)
      out += held.id + (held.state == sync::Held::State::delivered ? "+"
                        : held.state == sync::Held::State::waiting ? "?"
                                                                   : "!");
    return out;
  };
  CHECK(states() == "a+b!c?");
  CHECK(must(ledger.row(key)).recorded.count == 3);
  const auto undelivered = must(ledger.undelivered());
  CHECK(undelivered.waiting.at(key).count == 1);
  CHECK(undelivered.set_aside.at(key).count == 1);
  const std::vector<std::string> asked = {"a", "elsewhere", "nobody's", "unknown"};
  CHECK(must(ledger.known(key.kind, asked)) == std::vector{true, true, true, false});
  const std::vector<std::string> again = {"a", "unknown", "nobody's"};
  CHECK(must(queue_again(*it.database, acme, metrics::kinds()[key.kind], again)) == 1);
  CHECK(states() == "a?b!c?");
}
