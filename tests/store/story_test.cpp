// What every store and its outbox promise, told once and held by all of them.
#include <doctest/doctest.h>

#include <algorithm>

#include "store/world.h"
#include "support/events.h"

using namespace fortium;
using namespace fortium::metrics;
using namespace fortium::test;
using namespace std::chrono_literals;
using sync::Fate;
using sync::Waiting;

namespace {

struct Memory {
  std::unique_ptr<World> world = make_memory_world();
};
struct Sqlite {
  std::unique_ptr<World> world = make_sqlite_world();
};

const Kind& kTool = *find_kind("tool_usage");

Stored append(EventStore& store, Event event) {
  const auto stored = store.append({&event, 1});
  REQUIRE(stored.ok());
  REQUIRE(stored->size() == 1);
  return stored->front();
}

std::vector<Waiting> peek(sync::Outbox& outbox, sync::BatchLimits limits = {}, std::int64_t after = 0) {
  auto rows = outbox.peek(limits, after);
  REQUIRE(rows.ok());
  return std::move(*rows);
}

std::string ids(const std::vector<Waiting>& rows) {
  std::string text;
  for (const Waiting& row : rows) text += (text.empty() ? "" : " ") + row.id;
  return text;
}

std::string waiting_ids(sync::Outbox& outbox) { return ids(peek(outbox, {.records = 1000})); }

void settle(sync::Outbox& outbox, const Waiting& row, Fate fate, std::string reason = "") {
  const sync::Outcome outcome{row.place, fate, std::move(reason)};
  REQUIRE(outbox.settle({&outcome, 1}, from_ms(FakeClock::kStart)).ok());
}

bool lease(sync::Outbox& outbox, WallTime now, Millis length = 60s) {
  const auto taken = outbox.lease(now, now + length);
  REQUIRE(taken.ok());
  return *taken;
}

}  // namespace

TEST_CASE_TEMPLATE("a record is kept once, whoever sends it again", Case, Memory, Sqlite) {
  Case it;
  EventStore& store = it.world->store(0);
  CHECK(append(store, tool_call("a")) == Stored::fresh);
  CHECK(append(store, tool_call("a")) == Stored::duplicate);

  SUBCASE("when it was recorded is no content") {
    Event later = tool_call("a");
    later.row[kRecordedAt] = FakeClock::kStart + 1000;
    CHECK(append(store, later) == Stored::duplicate);
  }
  SUBCASE("the same id with other content is a conflict, and the first one stays") {
    Event other = tool_call("a");
    value_of(other, "tool_name") = std::string("Bash");
    CHECK(append(store, other) == Stored::conflict);
    auto kept = it.world->kept(kTool, "a");
    REQUIRE(kept);
    CHECK(std::get<std::string>(value_of(*kept, "tool_name")) == "Edit");
  }
  SUBCASE("within one group, too") {
    std::vector<Event> group = {tool_call("b"), tool_call("b"), tool_call("b", "other session")};
    const auto stored = store.append(group);
    REQUIRE(stored.ok());
    CHECK(*stored == std::vector{Stored::fresh, Stored::duplicate, Stored::conflict});
  }
  SUBCASE("the same id in another kind is another record") {
    CHECK(append(store, event_of("command_execution", "a")) == Stored::fresh);
  }
}

TEST_CASE_TEMPLATE("a record is kept as it came, in every kind", Case, Memory, Sqlite) {
  Case it;
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    std::vector<Event> group = {event_of(kind.name, "k")};
    REQUIRE(it.world->store(0).append(group).ok());
    const auto kept = it.world->kept(kind, "k");
    REQUIRE(kept);
    CHECK(kept->row == group.front().row);
    CHECK(wire_of(*kept) == wire_of(group.front()));
  }
}

TEST_CASE_TEMPLATE("the records of a session are numbered in order", Case, Memory, Sqlite) {
  Case it;
  EventStore& store = it.world->store(0);
  std::vector<Event> group = {tool_call("a", "s1"), tool_call("b", "s2"), tool_call("c", "s1")};
  REQUIRE(store.append(group).ok());
  CHECK(group[0].integer(kSeq) == 1);
  CHECK(group[1].integer(kSeq) == 1);
  CHECK(group[2].integer(kSeq) == 2);

  SUBCASE("across calls and kinds") {
    std::vector<Event> next = {event_of("model_usage", "d", "s1")};
    REQUIRE(store.append(next).ok());
    CHECK(next[0].integer(kSeq) == 3);
  }
  SUBCASE("a duplicate takes no number, and is told the one it has") {
    std::vector<Event> next = {tool_call("c", "s1"), tool_call("d", "s1")};
    REQUIRE(store.append(next).ok());
    CHECK(next[0].integer(kSeq) == 2);
    CHECK(next[1].integer(kSeq) == 3);
  }
  SUBCASE("a number that came along is kept") {
    std::vector<Event> next = {tool_call("d", "s1")};
    next[0].row[kSeq] = std::int64_t{40};
    REQUIRE(store.append(next).ok());
    CHECK(next[0].integer(kSeq) == 40);
  }
  SUBCASE("without a session there is none") {
    std::vector<Event> next = {tool_call("d", "")};
    REQUIRE(store.append(next).ok());
    CHECK_FALSE(next[0].has(kSeq));
  }
  SUBCASE("all bear the same installation") {
    CHECK(group[0].has(kDeviceId));
    CHECK(group[0].text(kDeviceId) == group[2].text(kDeviceId));
  }
}

TEST_CASE_TEMPLATE("a group is kept whole or not at all", Case, Memory, Sqlite) {
  Case it;
  EventStore& store = it.world->store(1);
  CHECK(append(store, tool_call("first")) == Stored::fresh);

  std::vector<Event> group;
  for (int i = 0; i < 50; ++i) {
    group.push_back(tool_call("g" + std::to_string(i)));
    set_detail(group.back(), 4000);
  }
  it.world->set_full(true);
  const auto refused = store.append(group);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::full);
  for (const Event& event : group) CHECK_FALSE(it.world->kept(kTool, std::string(event.id())));
  const auto outbox = it.world->sender(1);
  CHECK(waiting_ids(*outbox) == "first");

  // What was not kept has no place in its session yet: another store may give it one.
  CHECK_FALSE(group.front().has(kSeq));
  CHECK_FALSE(group.front().has(kDeviceId));

  it.world->set_full(false);
  const auto stored = store.append(group);
  REQUIRE(stored.ok());
  CHECK(std::ranges::count(*stored, Stored::fresh) == 50);
  CHECK(group.front().integer(kSeq) == 2);
  CHECK(*outbox->waiting() == 51);
}

TEST_CASE_TEMPLATE("nothing is no group", Case, Memory, Sqlite) {
  Case it;
  const auto stored = it.world->store(1).append({});
  REQUIRE(stored.ok());
  CHECK(stored->empty());
}

TEST_CASE_TEMPLATE("what is recorded waits in its order, as it was accepted to the byte", Case, Memory, Sqlite) {
  Case it;
  std::vector<Event> group = {tool_call("b"), event_of("command_execution", "a"), event_of("model_usage", "c")};
  REQUIRE(it.world->store(1).append(group).ok());
  const auto outbox = it.world->sender(1);
  const std::vector<Waiting> rows = peek(*outbox);
  REQUIRE(rows.size() == 3);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].id == group[i].id());
    CHECK(rows[i].kind == index_of(*group[i].kind));
    CHECK(rows[i].wire == wire_of(group[i]));
    CHECK(rows[i].attempts == 0);
  }
  CHECK(rows[0].place < rows[1].place);
  CHECK(rows[1].place < rows[2].place);
  CHECK(*outbox->waiting() == 3);
}

TEST_CASE_TEMPLATE("what is a duplicate or in conflict does not wait again", Case, Memory, Sqlite) {
  Case it;
  append(it.world->store(1), tool_call("a"));
  append(it.world->store(1), tool_call("a"));
  append(it.world->store(1), tool_call("a", "other"));
  const auto outbox = it.world->sender(1);
  CHECK(waiting_ids(*outbox) == "a");
  settle(*outbox, peek(*outbox).front(), Fate::delivered);
  append(it.world->store(1), tool_call("a"));
  CHECK(waiting_ids(*outbox) == "");
}

TEST_CASE_TEMPLATE("a batch keeps to its limits", Case, Memory, Sqlite) {
  Case it;
  for (const char* id : {"a", "b", "c", "d"}) {
    Event event = tool_call(id);
    set_detail(event, 1000);
    append(it.world->store(1), event);
  }
  const auto outbox = it.world->sender(1);
  const std::vector<Waiting> all = peek(*outbox);
  const auto size = static_cast<std::int64_t>(all.front().wire.size());
  CHECK(ids(peek(*outbox, {.records = 2})) == "a b");
  CHECK(ids(peek(*outbox, {.records = 20, .bytes = 3 * size})) == "a b c");
  CHECK(ids(peek(*outbox, {.records = 20, .bytes = 3 * size - 1})) == "a b");
  CHECK(ids(peek(*outbox, {.records = 20, .bytes = 1})) == "a");  // one is always let through
  CHECK(ids(peek(*outbox, {.records = 2}, all[1].place)) == "c d");
  CHECK(ids(peek(*outbox, {}, all[3].place)) == "");
}

TEST_CASE_TEMPLATE("one sender at a time", Case, Memory, Sqlite) {
  Case it;
  World& world = *it.world;
  const auto one = world.sender(1), other = world.sender(1);
  CHECK(lease(*one, world.clock.now()));
  CHECK_FALSE(lease(*other, world.clock.now()));

  SUBCASE("who holds the lease may prolong it") {
    world.clock.advance(59s);
    CHECK(lease(*one, world.clock.now()));
    world.clock.advance(59s);
    CHECK_FALSE(lease(*other, world.clock.now()));
  }
  SUBCASE("a lapsed lease is handed out again") {
    world.clock.advance(60s);
    CHECK(lease(*other, world.clock.now()));
    CHECK_FALSE(lease(*one, world.clock.now()));
  }
  SUBCASE("a lease that is given back is free at once") {
    REQUIRE(one->release().ok());
    CHECK(lease(*other, world.clock.now()));
  }
  SUBCASE("nobody gives back what another one holds") {
    REQUIRE(other->release().ok());
    CHECK_FALSE(lease(*other, world.clock.now()));
  }
  SUBCASE("another lane is another matter") {
    const auto elsewhere = world.sender(2);
    CHECK(lease(*elsewhere, world.clock.now()));
  }
}

TEST_CASE_TEMPLATE("the lease of a sender that died is free at once", Case, Memory, Sqlite) {
  Case it;
  World& world = *it.world;
  world.lease_and_die(1, world.clock.now() + 60s);
  const auto heir = world.sender(1);
  CHECK(lease(*heir, world.clock.now()));
}

TEST_CASE_TEMPLATE("a row leaves the queue by the receiver's word about it", Case, Memory, Sqlite) {
  Case it;
  World& world = *it.world;
  for (const char* id : {"a", "b", "c"}) append(world.store(1), tool_call(id));
  const auto outbox = world.sender(1);
  const std::vector<Waiting> rows = peek(*outbox);

  SUBCASE("delivered: it leaves, and the record stays") {
    settle(*outbox, rows[0], Fate::delivered);
    CHECK(waiting_ids(*outbox) == "b c");
    CHECK(world.kept(kTool, "a"));
  }
  SUBCASE("refused: it is set aside with the reason, and the record stays") {
    settle(*outbox, rows[1], Fate::refused, "invalid: too odd");
    CHECK(waiting_ids(*outbox) == "a c");
    CHECK(world.set_aside_reason("b") == "invalid: too odd");
    CHECK(world.kept(kTool, "b"));
  }
  SUBCASE("later: it stays in its place, one attempt more") {
    settle(*outbox, rows[0], Fate::later);
    const std::vector<Waiting> again = peek(*outbox);
    CHECK(ids(again) == "a b c");
    CHECK(again[0].attempts == 1);
    CHECK(again[1].attempts == 0);
  }
  SUBCASE("settling twice changes nothing") {
    settle(*outbox, rows[0], Fate::delivered);
    settle(*outbox, rows[0], Fate::delivered);
    settle(*outbox, rows[0], Fate::refused, "too late");
    CHECK(waiting_ids(*outbox) == "b c");
    CHECK_FALSE(world.set_aside_reason("a"));
    settle(*outbox, rows[1], Fate::refused, "once");
    settle(*outbox, rows[1], Fate::refused, "twice");
    CHECK(world.set_aside_reason("b") == "once");
  }
  SUBCASE("two senders that settle the same rows do it once") {
    const auto other = world.sender(1);
    const std::vector<Waiting> same = peek(*other);
    settle(*outbox, rows[0], Fate::delivered);
    settle(*other, same[0], Fate::refused, "too late");
    CHECK(waiting_ids(*outbox) == "b c");
    CHECK_FALSE(world.set_aside_reason("a"));
  }
  SUBCASE("a place that was never handed out names nothing") {
    settle(*outbox, {.place = 4711}, Fate::delivered);
    CHECK(waiting_ids(*outbox) == "a b c");
  }
  SUBCASE("all fates in one call") {
    const std::vector<sync::Outcome> outcomes = {
        {rows[0].place, Fate::delivered, ""}, {rows[1].place, Fate::refused, "no"}, {rows[2].place, Fate::later, ""}};
    REQUIRE(outbox->settle(outcomes, world.clock.now()).ok());
    const std::vector<Waiting> left = peek(*outbox);
    CHECK(ids(left) == "c");
    CHECK(left[0].attempts == 1);
  }
}

TEST_CASE_TEMPLATE("an old word about a place does not hit the row that is there now", Case, Memory, Sqlite) {
  Case it;
  World& world = *it.world;
  append(world.store(1), tool_call("old"));
  const auto slow = world.sender(1), quick = world.sender(1);
  const Waiting seen = peek(*slow).front();
  settle(*quick, peek(*quick).front(), Fate::delivered);
  append(world.store(1), tool_call("new"));
  for (const Fate fate : {Fate::delivered, Fate::refused, Fate::later}) settle(*slow, seen, fate, "old news");
  const std::vector<Waiting> rows = peek(*quick);
  REQUIRE(ids(rows) == "new");
  CHECK(rows[0].attempts == 0);
  CHECK_FALSE(world.set_aside_reason("new"));
}

TEST_CASE_TEMPLATE("lanes keep apart", Case, Memory, Sqlite) {
  Case it;
  World& world = *it.world;
  append(world.store(0), tool_call("nobody's"));
  append(world.store(1), tool_call("a"));
  append(world.store(2), tool_call("b"));
  append(world.store(1), tool_call("c"));
  const auto one = world.sender(1), two = world.sender(2);
  CHECK(waiting_ids(*one) == "a c");
  CHECK(waiting_ids(*two) == "b");
  CHECK(*one->waiting() == 2);
  for (const Waiting& row : peek(*one)) settle(*one, row, Fate::delivered);
  CHECK(waiting_ids(*two) == "b");

  // One store, so an id is one record, whichever lane it came by.
  CHECK(append(world.store(2), tool_call("a")) == Stored::duplicate);
  CHECK(waiting_ids(*two) == "b");
}

TEST_CASE_TEMPLATE("a sender sees that others record, and not its own work", Case, Memory, Sqlite) {
  Case it;
  World& world = *it.world;
  append(world.store(1), tool_call("before"));
  const auto sender = world.sender(1);
  const auto others_wrote = [&] {
    const auto answer = sender->others_wrote();
    REQUIRE(answer.ok());
    return *answer;
  };
  CHECK_FALSE(others_wrote());
  append(world.store(1), tool_call("meanwhile"));
  CHECK(others_wrote());
  CHECK_FALSE(others_wrote());
  for (const Waiting& row : peek(*sender)) settle(*sender, row, Fate::delivered);
  CHECK_FALSE(others_wrote());
}

TEST_CASE_TEMPLATE("how sending goes is remembered for all senders of the lane", Case, Memory, Sqlite) {
  Case it;
  World& world = *it.world;
  const auto one = world.sender(1), other = world.sender(1), elsewhere = world.sender(2);
  CHECK(*one->state() == sync::LaneState{});
  sync::LaneState state{.circuit = sync::Circuit::paused,
                        .failures = 3,
                        .not_before = world.clock.now() + 5s,
                        .retry_after = true,
                        .last_error = "HTTP 401: who are you? \"…\"\n",
                        .last_success = world.clock.now() - 5s,
                        .capabilities_at = world.clock.now(),
                        .max_records = 100,
                        .max_body_bytes = 1 << 20,
                        .learnt_records = 50,
                        .gzip = true};
  REQUIRE(one->save(state).ok());
  CHECK(*other->state() == state);
  CHECK(*elsewhere->state() == sync::LaneState{});
  state = {.circuit = sync::Circuit::open};
  REQUIRE(other->save(state).ok());
  CHECK(*one->state() == state);
}
