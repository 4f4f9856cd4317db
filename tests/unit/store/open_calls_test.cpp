// What is open: noted, counted, ended, in the transaction of the records that come of it.
#include "store/open_calls.h"

#include <doctest/doctest.h>

#include "store/salt.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::store;
using namespace fortium::test;
using metrics::Change;
using metrics::OpenCall;
using namespace std::chrono_literals;

namespace {

struct Calls : StoreFixture {
  OpenCall call(const char* session, const char* key, const char* what = "tool_usage") const {
    return {
        .session_id = session, .what = what, .key = key, .detail = "{}", .started = clock.now(), .seen = clock.now()};
  }
  void change(Change::Do what, OpenCall one) {
    auto store = must(SqliteStore::open(*database));
    must(store->append({}, {{what, std::move(one)}}));
  }
  std::vector<OpenCall> open_of(const char* session) { return must(open_calls_of(database->db(), session)); }
};

}  // namespace

TEST_CASE("what began is found in its session, whole, until it ends") {
  Calls it;
  OpenCall one = it.call("s1", "t1");
  one.name = "Bash", one.prompt_id = "p", one.agent_id = "a", one.state = "asked", one.detail = "{\"a\":1}",
  one.pid = 7;
  it.change(Change::Do::begin, one);
  it.change(Change::Do::begin, it.call("s2", "t2"));
  REQUIRE(it.open_of("s1").size() == 1);
  const OpenCall found = it.open_of("s1")[0];
  CHECK(found.name == "Bash");
  CHECK(found.prompt_id == "p");
  CHECK(found.agent_id == "a");
  CHECK(found.state == "asked");
  CHECK(found.detail == "{\"a\":1}");
  CHECK(found.pid == 7);
  CHECK(found.count == 1);
  CHECK(found.started == it.clock.now());
  CHECK(found.seen == it.clock.now());
  it.change(Change::Do::end, it.call("s1", "t1"));
  CHECK(it.open_of("s1").empty());
  CHECK(it.open_of("s2").size() == 1);
}

TEST_CASE("what begins twice began the first time, unless it is renewed") {
  Calls it;
  const WallTime first = it.clock.now();
  it.change(Change::Do::begin, it.call("s1", "t1"));
  it.clock.advance(1s);
  it.change(Change::Do::begin, it.call("s1", "t1"));
  CHECK(it.open_of("s1")[0].started == first);
  it.change(Change::Do::renew, it.call("s1", "t1"));
  CHECK(it.open_of("s1")[0].started == first + 1s);
}

TEST_CASE("what comes again with the same state within the same moment is counted once") {
  Calls it;
  OpenCall event = it.call("s1", "Notification", "event");
  const auto counted = [&](const char* state) {
    event.state = state;
    event.seen = it.clock.now();
    it.change(Change::Do::count, event);
    return it.open_of("s1")[0].count;
  };
  CHECK(counted("one") == 1);
  it.clock.advance(metrics::kSameMoment);
  CHECK(counted("one") == 1);
  CHECK(counted("two") == 2);
  it.clock.advance(metrics::kSameMoment + 1ms);
  CHECK(counted("two") == 3);
  CHECK(it.open_of("s1")[0].seen == it.clock.now());
}

TEST_CASE("a session is closed with all that it has open") {
  Calls it;
  for (const char* key : {"t1", "t2"}) it.change(Change::Do::begin, it.call("s1", key));
  it.change(Change::Do::begin, it.call("s2", "t1"));
  OpenCall asked = it.call("s1", "t2");
  asked.state = "asked";
  it.change(Change::Do::mark, asked);
  CHECK(it.open_of("s1")[1].state == "asked");
  it.change(Change::Do::close, it.call("s1", ""));
  CHECK(it.open_of("s1").empty());
  CHECK(it.open_of("s2").size() == 1);
}

TEST_CASE("the silent ones are those that were not heard of for long, the longest first, no more than asked for") {
  Calls it;
  for (const char* session : {"s1", "s2", "s3"}) {
    it.change(Change::Do::begin, it.call(session, session, "user_session"));
    it.change(Change::Do::begin, it.call(session, "t", "tool_usage"));
    it.clock.advance(1s);
  }
  const auto silent = [&](WallTime before, std::int64_t limit) {
    std::string sessions;
    for (const OpenCall& one : must(silent_calls(it.database->db(), "user_session", "", before, limit)))
      sessions += one.session_id;
    return sessions;
  };
  CHECK(silent(it.clock.now(), 10) == "s1s2s3");
  CHECK(silent(it.clock.now() - 1s, 10) == "s1s2");
  CHECK(silent(it.clock.now(), 1) == "s1");
}

TEST_CASE("records and what is open change together, or not at all") {
  Calls it;
  it.change(Change::Do::begin, it.call("s1", "t1"));
  auto store = must(SqliteStore::open(*it.database));
  std::vector<metrics::Event> events = {tool_call("r1")};
  must(it.database->db().exec("CREATE TRIGGER no BEFORE DELETE ON open_call BEGIN SELECT RAISE(ABORT, 'no'); END"));
  CHECK_FALSE(store->append(events, {{Change::Do::end, it.call("s1", "t1")}}).ok());
  CHECK(it.number("SELECT count(*) FROM tool_usage") == 0);
  must(it.database->db().exec("DROP TRIGGER no"));
  CHECK(store->append(events, {{Change::Do::end, it.call("s1", "t1")}}).ok());
  CHECK(it.number("SELECT count(*) FROM tool_usage") == 1);
  CHECK(it.open_of("s1").empty());
}

TEST_CASE("the salt is made once, and is this installation's own") {
  Calls it, other;
  const std::string salt = must(salt_of(it.dir.path(), it.entropy));
  CHECK(salt.size() == 32);
  CHECK(must(salt_of(it.dir.path(), it.entropy)) == salt);
  CHECK(must(salt_of(other.dir.file("made/for/it"), it.entropy)) != salt);
}
