// This machine's store: what its file cannot take goes to the spool, and comes back.
#include "store/local_store.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fortium/base/files.h"
#include "support/raw_sql.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::store;
using namespace fortium::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct Machine {
  TempDir dir;
  FakeClock clock;
  SpreadEntropy entropy;
  std::string data = dir.file("data");
  std::string file = data + "/metrics.db";
  LocalOptions options{.data_dir = data, .durability = Durability::normal, .lock_wait = Millis(0)};

  LocalStore store() { return LocalStore(options, clock, entropy); }

  std::string sql(const std::string& text) { return raw_sql(file, text); }
  void write_raw(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
};

Result<std::vector<metrics::Stored>> append(LocalStore& store, std::vector<metrics::Event> events) {
  return store.append(events);
}

std::string all_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string spool_file(const std::string& data) {
  for (const auto& entry : fs::directory_iterator(data + "/spool"))
    if (entry.path().extension() == ".jsonl") return entry.path();
  return "";
}

}  // namespace

TEST_CASE("the store is made when it is first needed, for its owner only") {
  Machine it;
  LocalStore store = it.store();
  CHECK_FALSE(fs::exists(it.data));
  REQUIRE(append(store, {tool_call("a")}).ok());
  CHECK(it.sql("SELECT id FROM tool_usage") == "a ");
  for (const std::string& path : {it.data, it.file, it.file + "-wal", it.file + ".lock"}) {
    CAPTURE(path);
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 077) == 0);
  }
}

TEST_CASE("a store that is locked takes records in the spool, and has them once it is free") {
  Machine it;
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("before")}).ok());
  WriteLock other = must(WriteLock::open(it.file + ".lock"));
  must(other.take(Millis(0)));
  REQUIRE(append(store, {tool_call("a"), tool_call("b")}).ok());
  CHECK(store.spool().count() == 2);
  CHECK(store.trouble() != "");
  CHECK(it.sql("SELECT count(*) FROM tool_usage") == "1 ");
  other.give_back();
  REQUIRE(append(store, {tool_call("c")}).ok());
  store.tidy(/*busy=*/false);
  CHECK(it.sql("SELECT id FROM tool_usage ORDER BY id") == "a b before c ");
  CHECK(store.spool().count() == 0);
  CHECK(store.trouble() == "");
  // Merged records are numbered like any others: no two of a session are the same.
  CHECK(it.sql("SELECT count(DISTINCT seq) FROM tool_usage") == "4 ");
}

TEST_CASE("a store that somebody holds for long costs its wait once in a while, not at every record") {
  Machine it;
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("before")}).ok());
  WriteLock other = must(WriteLock::open(it.file + ".lock"));
  must(other.take(Millis(0)));
  REQUIRE(append(store, {tool_call("a")}).ok());
  other.give_back();
  REQUIRE(append(store, {tool_call("b")}).ok());
  CHECK(store.spool().count() == 2);  // it was not even tried
  it.clock.advance(15s);
  REQUIRE(append(store, {tool_call("c")}).ok());
  CHECK(store.spool().count() == 2);
  store.tidy(/*busy=*/false);
  CHECK(it.sql("SELECT id FROM tool_usage ORDER BY id") == "a b before c ");
}

TEST_CASE("records that a full store could not take get their own numbers when they come back") {
  Machine it;
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("first")}).ok());
  Database* database = must(store.database());
  must(database->db().integer("PRAGMA max_page_count = " +
                              std::to_string(must(database->db().integer("PRAGMA page_count")))));
  std::vector<metrics::Event> group;
  for (int i = 0; i < 40; ++i) {
    group.push_back(tool_call("g" + std::to_string(i)));
    set_detail(group.back(), 4000);
  }
  REQUIRE(append(store, group).ok());
  CHECK(store.spool().count() == 40);
  it.clock.advance(2s);
  {
    // Another process records in the same session meanwhile.
    auto meanwhile = must(Database::open({it.file, Durability::normal}, it.entropy));
    auto other = must(SqliteStore::open(*meanwhile));
    std::vector<metrics::Event> events = {tool_call("m1"), tool_call("m2")};
    REQUIRE(other->append(events).ok());
  }
  REQUIRE(append(store, {tool_call("last")}).ok());
  store.tidy(/*busy=*/false);
  CHECK(it.sql("SELECT count(*), count(DISTINCT seq) FROM tool_usage") == "44|44 ");
}

TEST_CASE("a store of a newer version is left untouched, and recording goes on in the spool") {
  Machine it;
  {
    LocalStore store = it.store();
    REQUIRE(append(store, {tool_call("old")}).ok());
  }
  it.sql("PRAGMA wal_checkpoint(TRUNCATE)");
  it.sql("PRAGMA user_version = 99");
  it.sql("PRAGMA wal_checkpoint(TRUNCATE)");
  const std::string before = all_of(it.file);
  {
    LocalStore store = it.store();
    REQUIRE(append(store, {tool_call("a")}).ok());
    CHECK(store.trouble().find("99") != std::string::npos);
    CHECK(store.spool().count() == 1);
    const auto database = store.database();
    REQUIRE_FALSE(database.ok());
    it.clock.advance(2s);
    REQUIRE(append(store, {tool_call("b")}).ok());
    store.tidy(/*busy=*/false);
  }
  CHECK(all_of(it.file) == before);
  CHECK(all_of(it.file + "-wal") == "");

  // The program was updated: here, the file is one that we know again.
  it.sql("PRAGMA user_version = " + std::to_string(1));
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("c")}).ok());
  CHECK(it.sql("SELECT id FROM tool_usage ORDER BY id") == "a b c old ");
  CHECK(store.spool().count() == 0);
}

TEST_CASE("a file that is no store of ours is moved aside as it is, and recording goes on in a new one") {
  Machine it;
  SUBCASE("an SQLite database of another program") {
    fs::create_directories(it.data);
    it.sql("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
  }
  SUBCASE("no database at all") { it.write_raw(it.file, std::string(5000, 'x')); }
  const std::string before = all_of(it.file);
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("a")}).ok());
  CHECK(store.spool().count() == 0);
  CHECK(it.sql("SELECT id FROM tool_usage") == "a ");
  const auto moved = list_quarantine(it.data + "/quarantine");
  REQUIRE(moved.size() == 1);
  CHECK(all_of(moved[0].dir + "/metrics.db") == before);
  CHECK(moved[0].why != "");
  while (store.tidy(/*busy=*/false)) {
  }
  CHECK(list_quarantine(it.data + "/quarantine")[0].salvaged != "");
  CHECK(all_of(moved[0].dir + "/metrics.db") == before);
}

TEST_CASE("what was spooled goes where it was to go, whoever merges it") {
  Machine it;
  it.options.destination = {"https://metrics.example.com", "acme", ""};
  fs::create_directories(it.data);
  {
    LocalStore store = it.store();
    WriteLock other = must(WriteLock::open(it.file + ".lock"));
    must(other.take(Millis(0)));
    REQUIRE(append(store, {tool_call("a")}).ok());
  }
  it.options.destination = {"https://metrics.example.com", "other", ""};
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("b")}).ok());
  CHECK(it.sql("SELECT o.id, l.organization FROM outbox o JOIN lane l USING (lane) ORDER BY o.id") ==
        "a|acme b|other ");
}

TEST_CASE("a damaged line of the spool is kept aside, the others are merged") {
  Machine it;
  {
    LocalStore store = it.store();
    fs::create_directories(it.data);
    WriteLock other = must(WriteLock::open(it.file + ".lock"));
    must(other.take(Millis(0)));
    REQUIRE(append(store, {tool_call("a"), tool_call("b"), tool_call("c")}).ok());
  }
  const std::string path = spool_file(it.data);
  std::string text = all_of(path);
  const auto at = text.find("\"b\"");
  REQUIRE(at != text.npos);
  text[at + 1] = 'x';
  const std::string torn = text.substr(0, 60);  // the beginning of a line, as a crash leaves it
  it.write_raw(path, text + torn);

  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("d")}).ok());
  CHECK(it.sql("SELECT id FROM tool_usage ORDER BY id") == "a c d ");
  CHECK_FALSE(fs::exists(path));
  const std::string kept = all_of(path + ".damaged");
  CHECK(kept.find("\"x\"") != kept.npos);
  CHECK(kept.ends_with(torn + "\n"));
}

TEST_CASE("a spool that was merged half is merged once") {
  Machine it;
  {
    LocalStore store = it.store();
    fs::create_directories(it.data);
    WriteLock other = must(WriteLock::open(it.file + ".lock"));
    must(other.take(Millis(0)));
    REQUIRE(append(store, {tool_call("a"), tool_call("b")}).ok());
  }
  const std::string path = spool_file(it.data), text = all_of(path);
  {
    LocalStore store = it.store();
    REQUIRE(append(store, {tool_call("c")}).ok());
  }
  it.write_raw(path, text);  // the merge was done, and the file was not removed: the power went
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("d")}).ok());
  CHECK(it.sql("SELECT id FROM tool_usage ORDER BY id") == "a b c d ");
  CHECK(it.sql("SELECT sum(count) FROM ledger") == "4 ");
}

TEST_CASE("what the spool could not take whole is not merged") {
  Machine it;
  fs::create_directories(it.data);
  std::vector<metrics::Event> good = {tool_call("good")}, refused = {tool_call("refused 1"), tool_call("refused 2")};
  {
    Spool spool(it.data + "/spool", it.entropy);
    must(spool.append(good, {}));
    SUBCASE("the disk is full in the middle of a line") {
      rlimit before{};
      REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
      const auto signalled = ::signal(SIGXFSZ, SIG_IGN);
      const rlimit less{static_cast<rlim_t>(fs::file_size(spool_file(it.data)) + 500), before.rlim_max};
      REQUIRE(::setrlimit(RLIMIT_FSIZE, &less) == 0);
      const auto appended = spool.append(refused, {});
      REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
      ::signal(SIGXFSZ, signalled);
      REQUIRE_FALSE(appended.ok());
      CHECK(spool.count() == 1);
      std::vector<metrics::Event> later = {tool_call("later")};  // goes to a file of its own
      must(spool.append(later, {}));
    }
    SUBCASE("the file could not even be cut back: its name says how much counts") {
      const std::string path = spool_file(it.data);
      const std::string marked = path.substr(0, path.size() - 6) + "." + std::to_string(fs::file_size(path)) + ".jsonl";
      must(spool.append(refused, {}));
      fs::rename(path, marked);
      CHECK(spool.count() == 1);
    }
  }
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("z")}).ok());
  const std::string ids = it.sql("SELECT id FROM tool_usage ORDER BY id");
  CHECK(ids.starts_with("good "));
  CHECK(ids.find("refused") == ids.npos);
  CHECK(spool_file(it.data) == "");
}

TEST_CASE("the spool of a process that lives is left to it") {
  Machine it;
  fs::create_directories(it.data);
  Spool writer(it.data + "/spool", it.entropy);
  std::vector<metrics::Event> events = {tool_call("a")};
  must(writer.append(events, {}));
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("b")}).ok());
  store.tidy(/*busy=*/false);
  CHECK(it.sql("SELECT id FROM tool_usage") == "b ");
  CHECK(store.spool().count() == 1);
}

TEST_CASE("spooled records survive a clock that was set back") {
  Machine it;
  fs::create_directories(it.data);
  it.clock.jump(std::chrono::days(30));  // the clock was wrong when it was recorded
  {
    LocalStore store = it.store();
    WriteLock other = must(WriteLock::open(it.file + ".lock"));
    must(other.take(Millis(0)));
    REQUIRE(append(store, {tool_call("a", "s", to_ms(it.clock.now()))}).ok());
  }
  it.clock.jump(-std::chrono::days(30));
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("b")}).ok());
  CHECK(it.sql("SELECT id FROM tool_usage ORDER BY id") == "a b ");
}

TEST_CASE("where neither the store nor the spool can be written, the record is refused") {
  Machine it;
  it.write_raw(it.data, "a file where the directory should be");
  LocalStore store = it.store();
  const auto stored = append(store, {tool_call("a")});
  REQUIRE_FALSE(stored.ok());
  CHECK(stored.error().code == Errc::unavailable);
}

TEST_CASE("in remote mode without a fallback a full queue refuses, and takes again soon after it was delivered") {
  Machine it;
  it.options.destination = {"https://metrics.example.com", "acme", ""};
  it.options.max_bytes = 512 << 10;
  it.options.refuse_when_full = true;
  LocalStore store = it.store();
  std::vector<metrics::Event> many;
  for (int i = 0; i < 60; ++i) {
    many.push_back(tool_call("r" + std::to_string(i)));
    set_detail(many.back(), 10'000);
  }
  REQUIRE(append(store, many).ok());
  store.tidy(/*busy=*/false);
  const auto refused = append(store, {tool_call("refused")});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::full);
  CHECK(store.spool().count() == 0);

  SqliteOutbox outbox(*must(store.database()), must(store.lane()), it.entropy, /*keep_delivered=*/false);
  std::vector<sync::Outcome> outcomes;
  for (const sync::Waiting& row : must(outbox.peek({.records = 100}, 0)))
    outcomes.push_back({row.place, sync::Fate::delivered, ""});
  REQUIRE(outcomes.size() == 60);
  must(outbox.settle(outcomes, it.clock.now()));
  it.clock.advance(1min);
  store.tidy(/*busy=*/false);
  CHECK(append(store, {tool_call("taken")}).ok());
}

TEST_CASE("a reader of the store sees its own records at once") {
  Machine it;
  LocalStore one = it.store(), other = it.store();
  REQUIRE(append(one, {tool_call("a")}).ok());
  Database* database = must(other.database());
  CHECK(must(database->db().integer("SELECT count(*) FROM tool_usage")) == 1);
}

TEST_CASE("a packed group is told of in its own order, and numbered without a gap") {
  Machine it;
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("known"), tool_call("other", "s2")}).ok());
  metrics::EventPack pack;
  metrics::Event changed = tool_call("other", "s2");
  value_of(changed, "tool_name") = std::string("Read");
  for (const metrics::Event& one : {tool_call("z"), event_of("user_session", "second"), tool_call("known"),
                                    event_of("user_session", "first"), changed, tool_call("a"), tool_call("z")})
    pack.add(one);
  using enum metrics::Stored;
  CHECK(must(store.append(pack)) == std::vector{fresh, fresh, duplicate, fresh, conflict, fresh, duplicate});
  CHECK(it.sql("SELECT id FROM user_session ORDER BY seq") == "second first ");
  CHECK(
      it.sql("SELECT seq FROM (SELECT seq, session_id FROM tool_usage UNION SELECT seq, session_id FROM user_session) "
             "WHERE session_id = 's1' ORDER BY seq") == "1 2 3 4 5 ");
  CHECK(it.sql("SELECT sum(count) FROM ledger") == "6 ");
}

TEST_CASE("a packed group that the file does not take goes to the spool") {
  Machine it;
  LocalStore store = it.store();
  REQUIRE(append(store, {tool_call("before")}).ok());
  metrics::EventPack pack;
  for (int i = 0; i < 2'500; ++i) pack.add(tool_call("id-" + std::to_string(i)));
  WriteLock other = must(WriteLock::open(it.file + ".lock"));
  REQUIRE(other.take(0ms).ok());
  CHECK(must(store.append(pack)).size() == 2'500);
  other.give_back();
  CHECK(it.sql("SELECT count(*) FROM tool_usage") == "1 ");
  it.clock.advance(15s);
  CHECK(store.spool().count() == 2'500);
  store.tidy(/*busy=*/false);
  CHECK(it.sql("SELECT count(*) FROM tool_usage") == "2501 ");
}
