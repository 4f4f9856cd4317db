// What a person may ask of the queue in the file: look, retry, drop, adopt.
#include <doctest/doctest.h>

#include "store/sqlite_outbox.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::store;
using namespace fortium::test;
using namespace std::chrono_literals;
using sync::Fate;

namespace {

struct Queue : StoreFixture {
  std::int64_t acme = lane("acme"), other = lane("other");

  std::vector<sync::Waiting> peek(SqliteOutbox& outbox) { return must(outbox.peek({.records = 1000}, 0)); }
  void settle(std::int64_t of, const std::string& id, Fate fate, std::string reason = "") {
    SqliteOutbox outbox(*database, of, entropy);
    for (const sync::Waiting& row : peek(outbox)) {
      if (row.id != id) continue;
      const sync::Outcome outcome{row.place, fate, std::move(reason)};
      must(outbox.settle({&outcome, 1}, clock.now()));
      return;
    }
    FAIL(id << " does not wait");
  }
  std::string waiting(std::int64_t of) {
    SqliteOutbox outbox(*database, of, entropy);
    std::string text;
    for (const sync::Waiting& row : peek(outbox)) text += (text.empty() ? "" : " ") + row.id;
    return text;
  }
  std::string listed(bool failed_only = false) {
    std::string text;
    for (const QueueEntry& entry : must(list_queue(*database, failed_only, 100, "", clock.now())).entries)
      text += (text.empty() ? "" : " ") + entry.id + "=" + entry.state;
    return text;
  }
};

}  // namespace

TEST_CASE("what was refused can be tried again, at the end of its lane, or dropped") {
  Queue it;
  it.append(it.acme, {tool_call("a"), tool_call("b"), tool_call("c")});
  it.settle(it.acme, "a", Fate::refused, "invalid: too odd");
  it.settle(it.acme, "b", Fate::refused, "invalid: odder");
  CHECK(it.waiting(it.acme) == "c");
  CHECK(it.listed() == "a=failed b=failed c=pending");
  CHECK(it.listed(/*failed_only=*/true) == "a=failed b=failed");

  SUBCASE("one of them") {
    const std::vector<std::string> ids = {"a"};
    CHECK(*retry_set_aside(*it.database, ids) == 1);
    CHECK(it.waiting(it.acme) == "c a");
    CHECK(it.listed(/*failed_only=*/true) == "b=failed");
    CHECK(*retry_set_aside(*it.database, ids) == 0);  // it waits already
  }
  SUBCASE("all of them") {
    CHECK(*retry_set_aside(*it.database, {}) == 2);
    CHECK(it.waiting(it.acme) == "c a b");
  }
  SUBCASE("its attempts are remembered") {
    const std::vector<std::string> ids = {"a"};
    CHECK(*retry_set_aside(*it.database, ids) == 1);
    SqliteOutbox outbox(*it.database, it.acme, it.entropy);
    CHECK(it.peek(outbox).back().attempts == 1);
    it.settle(it.acme, "a", Fate::refused, "again");
    CHECK(it.texts("SELECT reason FROM set_aside WHERE id = 'a'") == "again");
    CHECK(it.number("SELECT attempts FROM set_aside WHERE id = 'a'") == 2);
  }
  SUBCASE("dropped, waiting or set aside: the record itself stays") {
    const std::vector<std::string> ids = {"a", "c", "nobody"};
    CHECK(*drop_queued(*it.database, ids) == 2);
    CHECK(it.listed() == "b=failed");
    CHECK(it.number("SELECT count(*) FROM tool_usage") == 3);
  }
}

TEST_CASE("the queue is shown page by page, oldest first") {
  Queue it;
  std::vector<metrics::Event> events;
  for (int i = 0; i < 25; ++i)
    events.push_back(tool_call("r" + std::to_string(100 + i), "s", FakeClock::kStart + (i / 5)));  // same times
  it.append(it.acme, events);
  std::string seen, cursor;
  int pages = 0;
  do {
    const QueuePage page = must(list_queue(*it.database, false, 10, cursor, it.clock.now()));
    CHECK(page.entries.size() <= 10);
    for (const QueueEntry& entry : page.entries) seen += entry.id + " ";
    cursor = page.next_cursor.value_or("");
    ++pages;
  } while (!cursor.empty());
  CHECK(pages == 3);
  std::string all;
  for (const metrics::Event& event : events) all += std::string(event.id()) + " ";
  CHECK(seen == all);
  CHECK_FALSE(list_queue(*it.database, false, 10, "nonsense", it.clock.now()).ok());
}

TEST_CASE("counts tell what waits for whom") {
  Queue it;
  it.append(it.acme, {tool_call("a"), tool_call("b", "s", FakeClock::kStart - 5000)});
  it.append(it.other, {tool_call("c")});
  it.append(kNoLane, {tool_call("d"), tool_call("e")});
  it.settle(it.acme, "a", Fate::refused, "no");
  QueueCounts counts = must(count_queue(*it.database, it.acme, it.clock.now()));
  CHECK(counts.pending == 1);
  CHECK(counts.leased == 0);
  CHECK(counts.failed == 1);
  CHECK(counts.elsewhere == 1);
  CHECK(counts.unassigned == 2);
  CHECK(counts.oldest == from_ms(FakeClock::kStart - 5000));

  SqliteOutbox sender(*it.database, it.acme, it.entropy);
  CHECK(*sender.lease(it.clock.now(), it.clock.now() + 60s));
  CHECK(must(count_queue(*it.database, it.acme, it.clock.now())).leased == 1);
  CHECK(it.listed() == "b=leased a=failed c=pending");
  it.clock.advance(61s);
  CHECK(must(count_queue(*it.database, it.acme, it.clock.now())).leased == 0);
}

TEST_CASE("records made with no account go to a lane when a person says so, once") {
  Queue it;
  it.append(it.acme, {tool_call("mine")});
  it.append(kNoLane, {tool_call("b"), tool_call("a"), event_of("command_execution", "c")});
  CHECK(it.waiting(it.acme) == "mine");
  CHECK(*adopt_unassigned(*it.database, it.acme) == 3);
  CHECK(it.waiting(it.acme) == "mine c a b");
  CHECK(*adopt_unassigned(*it.database, it.acme) == 0);
  CHECK(*adopt_unassigned(*it.database, it.other) == 0);
  CHECK(it.waiting(it.other) == "");
  CHECK(must(count_queue(*it.database, it.acme, it.clock.now())).unassigned == 0);
}

TEST_CASE("what was recorded while the address was wrong goes out when it is mended, after what waits there") {
  Queue it;
  const Destination broken{"", "acme", ""}, whole{"https://metrics.example.com", "acme", ""};
  it.append(must(lane_of(*it.database, broken)), {tool_call("b1"), tool_call("b2"), tool_call("b3")});
  it.append(must(lane_of(*it.database, {"", "other", ""})), {tool_call("not mine")});
  it.append(it.acme, {tool_call("a1"), tool_call("a2")});
  it.settle(must(lane_of(*it.database, broken)), "b2", Fate::refused, "no");
  must(mend_lanes(*it.database, it.acme, whole));
  CHECK(it.waiting(it.acme) == "a1 a2 b1 b3");
  CHECK(*retry_set_aside(*it.database, {}) == 1);
  CHECK(it.waiting(it.acme) == "a1 a2 b1 b3 b2");
  CHECK(it.waiting(it.other) == "");
  must(mend_lanes(*it.database, it.acme, whole));
  CHECK(it.waiting(it.acme) == "a1 a2 b1 b3 b2");
}

TEST_CASE("a lane is one destination: address, organization and key together") {
  Queue it;
  CHECK(it.lane("acme") == it.acme);
  CHECK(it.acme != it.other);
  CHECK(must(lane_of(*it.database, {"https://metrics.example.com", "", "f1"})) !=
        must(lane_of(*it.database, {"https://metrics.example.com", "", "f2"})));
  CHECK(must(lane_of(*it.database, {"https://metrics.example.com/b", "acme", ""})) != it.acme);
  CHECK(must(lane_of(*it.database, {})) == kNoLane);
}

TEST_CASE("a lease made before the clock was set back has no power") {
  Queue it;
  SqliteOutbox one(*it.database, it.acme, it.entropy), other(*it.database, it.acme, it.entropy);
  CHECK(*one.lease(it.clock.now(), it.clock.now() + 60s));
  it.clock.jump(-1h);
  CHECK(*other.lease(it.clock.now(), it.clock.now() + 60s));
}

TEST_CASE("in remote mode a delivered record is forgotten, any other one is not") {
  Queue it;
  it.append(it.acme, {tool_call("a"), tool_call("b"), tool_call("c")});
  SqliteOutbox outbox(*it.database, it.acme, it.entropy, /*keep_delivered=*/false);
  const auto rows = it.peek(outbox);
  const std::vector<sync::Outcome> outcomes = {
      {rows[0].place, Fate::delivered, ""}, {rows[1].place, Fate::refused, "no"}, {rows[2].place, Fate::later, ""}};
  must(outbox.settle(outcomes, it.clock.now()));
  CHECK(it.texts("SELECT id FROM tool_usage ORDER BY id") == "b c");
  // The ledger counts what was recorded, so that `verify` still can.
  CHECK(it.number("SELECT sum(count) FROM ledger") == 3);
}

TEST_CASE("a record that was handed out and then dropped by a person is not set aside by a late answer") {
  Queue it;
  it.append(it.acme, {tool_call("a")});
  SqliteOutbox outbox(*it.database, it.acme, it.entropy);
  const auto rows = it.peek(outbox);
  const std::vector<std::string> ids = {"a"};
  CHECK(*drop_queued(*it.database, ids) == 1);
  const sync::Outcome late{rows[0].place, Fate::refused, "no"};
  must(outbox.settle({&late, 1}, it.clock.now()));
  CHECK(it.listed() == "");
}

TEST_CASE("rows of kinds that this program does not know stand in nobody's way") {
  Queue it;
  must(it.database->db().exec("INSERT INTO outbox (lane, place, kind, id, since) VALUES (" + std::to_string(it.acme) +
                              ", 1, 'kind_of_the_future', 'x', 0), (" + std::to_string(it.acme) +
                              ", 2, 'kind_of_the_future', 'y', 0)"));
  it.append(it.acme, {tool_call("a"), tool_call("b")});
  SqliteOutbox outbox(*it.database, it.acme, it.entropy);
  const auto rows = must(outbox.peek({.records = 2}, 0));
  REQUIRE(rows.size() == 2);  // "at least one row if any", and as many as fit
  CHECK(rows[0].id == "a");
}
