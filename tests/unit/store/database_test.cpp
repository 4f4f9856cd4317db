// The file: made, opened, written by several at once.
#include "store/database.h"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "fortium/base/hash.h"
#include "store/migrations.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::store;
using namespace fortium::test;
namespace fs = std::filesystem;

TEST_CASE("a new store has our version, and a second opening changes nothing") {
  StoreFixture it;
  CHECK(it.number("PRAGMA user_version") == kSchemaVersion);
  const std::string device = it.database->device_id();
  CHECK(is_uuid(device));
  const std::string schema = it.texts("SELECT sql FROM sqlite_schema ORDER BY name");
  it.database = it.open();
  CHECK(it.database->device_id() == device);
  CHECK(it.texts("SELECT sql FROM sqlite_schema ORDER BY name") == schema);
  CHECK(it.texts("PRAGMA journal_mode") == "wal");
}

TEST_CASE("durability is what was asked for") {
  StoreFixture it;
  CHECK(it.number("PRAGMA synchronous") == 1);
  it.database = it.open(Durability::full);
  CHECK(it.number("PRAGMA synchronous") == 2);
}

TEST_CASE("what fails inside a transaction is undone, and the lock is free again") {
  StoreFixture it;
  const auto failed = it.database->write([&]() -> Result<void> {
    must(it.database->db().exec("INSERT INTO meta VALUES ('a', 'b')"));
    return Error{Errc::invalid, "changed my mind"};
  });
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().what == "changed my mind");
  CHECK(it.number("SELECT count(*) FROM meta WHERE name = 'a'") == 0);
  const auto other = it.open();
  CHECK(other->write([]() -> Result<void> { return {}; }).ok());
}

TEST_CASE("a writer that waits too long is told that the store is busy") {
  StoreFixture it;
  WriteLock lock = must(WriteLock::open(it.dir.file("metrics.db.lock")));
  must(lock.take(Millis(0)));
  const auto opened = Database::open({it.dir.file("metrics.db"), Durability::normal, Millis(0)}, it.entropy);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == Errc::busy);
}

TEST_CASE("who gave up waiting, or died in the queue, is passed over") {
  StoreFixture it;
  const std::string path = it.dir.file("metrics.db.lock");
  WriteLock holder = must(WriteLock::open(path)), other = must(WriteLock::open(path)),
            late = must(WriteLock::open(path));
  must(holder.take(Millis(0)));
  for (int i = 0; i < 3; ++i) CHECK(other.take(Millis(1)).error().code == Errc::busy);  // numbers nobody waits with
  holder.give_back();
  must(late.take(Millis(10'000)));
  late.give_back();
  must(holder.take(Millis(0)));  // and the queue is empty again
}

TEST_CASE("a crowd at the lock: one at a time, and each gets its turns") {
  TempDir dir;
  constexpr int kWriters = 8, kTurns = 50;
  std::atomic<int> inside = 0, turns = 0, together = 0;  // what guards them is no lock that the sanitizer knows
  std::vector<std::thread> crowd;
  for (int i = 0; i < kWriters; ++i)
    crowd.emplace_back([&, lock = must(WriteLock::open(dir.file("a.lock")))]() mutable {
      for (int turn = 0; turn < kTurns; ++turn) {
        if (!lock.take(Millis(60'000)).ok()) return;
        if (++inside > 1) ++together;
        ++turns;
        --inside;
        lock.give_back();
      }
    });
  for (std::thread& writer : crowd) writer.join();
  CHECK(turns == kWriters * kTurns);
  CHECK(together == 0);
}

TEST_CASE("the store does not follow a link to somewhere else") {
  TempDir dir;
  SpreadEntropy entropy;
  fs::create_symlink(dir.file("elsewhere.db"), dir.file("metrics.db"));
  const auto opened = Database::open({dir.file("metrics.db"), Durability::normal}, entropy);
  CHECK_FALSE(opened.ok());
  CHECK_FALSE(fs::exists(dir.file("elsewhere.db")));
}

TEST_CASE("a store in a directory that is not there is an error, no crash") {
  TempDir dir;
  SpreadEntropy entropy;
  CHECK_FALSE(Database::open({dir.file("no/such/metrics.db"), Durability::normal}, entropy).ok());
}

TEST_CASE("the log is moved into the file when it has grown, and not before") {
  StoreFixture it;
  auto store = must(SqliteStore::open(*it.database));
  for (int i = 0; i < 20; ++i) {
    std::vector<metrics::Event> events = {tool_call("r" + std::to_string(i))};
    REQUIRE(store->append(events).ok());
  }
  const int frames = it.database->db().wal_frames();
  CHECK(frames > 20);
  must(it.database->tidy(frames));
  CHECK(it.database->db().wal_frames() == frames);
  must(it.database->tidy(frames - 1));
  CHECK(it.database->db().wal_frames() == 0);
  CHECK(it.number("SELECT count(*) FROM tool_usage") == 20);
}

TEST_CASE("several connections write and read at once, and nothing is lost or counted twice") {
  constexpr int kWriters = 4, kGroups = 15, kEach = 4;
  StoreFixture it;
  const std::int64_t lane = it.lane("acme");
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      SpreadEntropy entropy;
      auto database = Database::open({it.dir.file("metrics.db"), Durability::normal, Millis(60'000)}, entropy);
      if (!database) return void(++failures);
      auto store = SqliteStore::open(**database, lane);
      if (!store) return void(++failures);
      for (int group = 0; group < kGroups; ++group) {
        std::vector<metrics::Event> events;
        // Every writer also sends what its neighbour sends.
        for (const int who : {writer, (writer + 1) % kWriters})
          for (int i = 0; i < kEach; ++i)
            events.push_back(tool_call(std::to_string(who) + "-" + std::to_string(group) + "-" + std::to_string(i),
                                       "session " + std::to_string(who)));
        if (!(*store)->append(events)) ++failures;
        if (group % 5 == 0 && !(*database)->tidy(10)) ++failures;
      }
    });
  }
  threads.emplace_back([&] {
    SpreadEntropy entropy;
    auto database = Database::open({it.dir.file("metrics.db"), Durability::normal, Millis(60'000)}, entropy);
    if (!database) return void(++failures);
    for (int i = 0; i < 50; ++i) {
      // Records, queue and ledger are of one moment.
      const auto read = (*database)->read([&]() -> Result<void> {
        FM_TRY(const std::int64_t records, (*database)->db().integer("SELECT count(*) FROM tool_usage"));
        FM_TRY(const std::int64_t queued, (*database)->db().integer("SELECT count(*) FROM outbox"));
        FM_TRY(const std::int64_t counted, (*database)->db().integer("SELECT coalesce(sum(count), 0) FROM ledger"));
        if (records != queued || records != counted) ++failures;
        return {};
      });
      if (!read) ++failures;
    }
  });
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  constexpr int kAll = kWriters * kGroups * kEach;
  CHECK(it.number("SELECT count(*) FROM tool_usage") == kAll);
  CHECK(it.number("SELECT count(*) FROM outbox") == kAll);
  CHECK(it.number("SELECT count(DISTINCT place) FROM outbox") == kAll);
  CHECK(it.number("SELECT sum(count) FROM ledger") == kAll);
  CHECK(it.number("SELECT count(*) FROM (SELECT session_id FROM tool_usage GROUP BY session_id "
                  "HAVING count(DISTINCT seq) <> count(*) OR max(seq) <> count(*))") == 0);
  LedgerDigest digest, kept;
  auto ids = must(it.database->db().prepare("SELECT id FROM tool_usage"));
  while (must(ids.step())) digest.add(ids.text(0));
  auto lines = must(it.database->db().prepare("SELECT digest FROM ledger"));
  while (must(lines.step())) kept.add(LedgerDigest::from_hex(lines.text(0)));
  CHECK(kept == digest);
  CHECK(it.texts("PRAGMA integrity_check") == "ok");
}
