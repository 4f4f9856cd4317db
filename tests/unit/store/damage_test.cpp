// A store that is damaged: nothing stops, it is kept whole, and what can be read of it comes back by itself.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "store/ledger.h"
#include "store/local_store.h"
#include "store/slices.h"
#include "support/dice.h"
#include "support/raw_sql.h"
#include "support/store_fixture.h"

using namespace fortium;
using namespace fortium::store;
using namespace fortium::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPage = kPageBytes;
const Destination kAcme{"https://metrics.example.com", "acme", ""};

struct Machine {
  TempDir dir;
  FakeClock clock;
  SpreadEntropy entropy;
  std::string data = dir.file("data");
  std::string file = data + "/metrics.db";
  LocalOptions options{
      .data_dir = data, .durability = Durability::normal, .lock_wait = Millis(0), .destination = kAcme};

  LocalStore store() { return LocalStore(options, clock, entropy); }
  std::vector<Quarantined> quarantine() const { return list_quarantine(data + "/quarantine"); }
  std::string sql(const std::string& text) { return raw_sql(file, text); }
  // Everything in one file, so that the test knows which bytes are which.
  void fold_log() { sql("PRAGMA wal_checkpoint(TRUNCATE)"); }
  std::string content() const {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void write(const std::string& path, const std::string& text) const {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  void overwrite(std::size_t at, const std::string& bytes) const {
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(at));
    out << bytes;
  }
};

std::string id(int number) { return "id-" + std::to_string(100'000 + number); }

std::vector<metrics::Event> calls(int from, int to) {
  std::vector<metrics::Event> events;
  for (int i = from; i < to; ++i) {
    events.push_back(tool_call(id(i), "s", FakeClock::kStart - i * 1000));
    set_detail(events.back(), 300);
  }
  return events;
}

void append(LocalStore& store, std::vector<metrics::Event> events) { must(store.append(events)); }

void deliver(LocalStore& store, Entropy& entropy, std::int64_t most) {
  SqliteOutbox outbox(*must(store.database()), must(store.lane()), entropy);
  std::vector<sync::Outcome> outcomes;
  for (const sync::Waiting& row : must(outbox.peek({.records = most}, 0)))
    outcomes.push_back({row.place, sync::Fate::delivered, ""});
  must(outbox.settle(outcomes, {}));
}

void rest(LocalStore& store) {
  for (int steps = 0; store.tidy(/*busy=*/false); ++steps) REQUIRE(steps < 10'000);
}

std::int64_t number(LocalStore& store, const std::string& sql) {
  return must(must(store.database())->db().integer(sql));
}

}  // namespace

TEST_CASE("records of a store whose header is destroyed go on in a new one at once") {
  Machine it;
  {
    LocalStore store = it.store();
    append(store, calls(0, 50));
  }
  it.fold_log();
  it.overwrite(0, std::string(16, 'x'));
  const std::string damaged = it.content();
  LocalStore store = it.store();
  append(store, calls(50, 60));
  CHECK(store.spool().count() == 0);
  CHECK(store.trouble() == "");
  const auto moved = it.quarantine();
  REQUIRE(moved.size() == 1);
  CHECK(moved[0].why.find("not a database") != std::string::npos);
  std::ifstream kept(moved[0].dir + "/metrics.db", std::ios::binary);
  std::ostringstream text;
  text << kept.rdbuf();
  CHECK(text.str() == damaged);
  for (const std::string& path : {it.data + "/quarantine", moved[0].dir}) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
  }
  rest(store);
  CHECK(number(store, "SELECT count(*) FROM tool_usage") == 60);
  CHECK(it.quarantine()[0].salvaged.starts_with("50 records were brought over"));
}

TEST_CASE("a salvaged record waits where it waited, and what was delivered stays delivered") {
  Machine it;
  std::string device;
  {
    LocalStore store = it.store();
    append(store, calls(0, 40));
    deliver(store, it.entropy, 30);
    device = must(store.database())->device_id();
    SqliteOutbox outbox(*must(store.database()), must(store.lane()), it.entropy);
    const auto rows = must(outbox.peek({.records = 1}, 0));
    const sync::Outcome refused{rows[0].place, sync::Fate::refused, "too odd"};
    must(outbox.settle({&refused, 1}, it.clock.now()));
  }
  {
    it.options.destination = {};
    LocalStore store = it.store();
    append(store, calls(40, 45));  // nobody's
    it.options.destination = kAcme;
  }
  it.fold_log();
  const std::string whole = it.content();
  LocalStore store = it.store();
  Database* before = must(store.database());
  must(before->condemn("it is tried out"));
  CHECK(before->moved_to() != "");
  append(store, calls(100, 101));
  rest(store);
  CHECK(number(store, "SELECT count(*) FROM tool_usage") == 46);
  CHECK(number(store, "SELECT count(*) FROM outbox") == 10);
  CHECK(number(store, "SELECT count(*) FROM set_aside WHERE reason = 'too odd'") == 1);
  CHECK(number(store, "SELECT count(*) FROM tool_usage WHERE lane = 0") == 5);
  CHECK(must(store.database())->device_id() == device);
  // The numbers of the session go on.
  append(store, {tool_call("next", "s")});
  CHECK(number(store, "SELECT count(DISTINCT seq) FROM tool_usage") >= 46);
  const auto ledger = must(SqliteLedger(*must(store.database()), must(store.lane())).tallies({}));
  std::int64_t recorded = 0;
  for (const auto& [key, tally] : ledger) recorded += tally.count;
  CHECK(recorded == 42);

  SUBCASE("doing it again changes nothing") {
    fs::remove(it.quarantine()[0].dir + "/salvaged.txt");
    const std::string tables =
        "SELECT (SELECT count(*) FROM tool_usage) || ' ' || (SELECT count(*) FROM outbox) || ' ' "
        "|| (SELECT sum(count) FROM ledger)";
    const std::string once = it.sql(tables);
    LocalStore again = it.store();
    append(again, {});
    must(again.salvage());
    CHECK(it.sql(tables) == once);
    must(must(again.database())->db().exec("DELETE FROM meta WHERE name LIKE 'salvaged%'"));
  }
}

TEST_CASE("the ledger of records that are lost is kept, so that verify does not call them strangers") {
  Machine it;
  {
    LocalStore store = it.store();
    append(store, calls(0, 30));
    deliver(store, it.entropy, 30);
  }
  it.sql("DELETE FROM tool_usage WHERE id < '" + id(10) + "'; VACUUM");  // as if their pages were unreadable
  it.fold_log();
  LocalStore store = it.store();
  must(must(store.database())->condemn("it is tried out"));
  must(store.salvage());
  CHECK(number(store, "SELECT count(*) FROM tool_usage") == 20);
  CHECK(number(store, "SELECT sum(count) FROM ledger") == 30);
}

TEST_CASE("slices of a salvaged store count each record once: brought over, let go before, lost, or new") {
  Machine it;
  std::vector<metrics::Event> all = calls(0, 120);
  for (metrics::Event& event : all)  // as many values as need bins, and not
    if (event.integer(metrics::kTimestamp) % 2 == 0) value_of(event, "execution_time_ms") = 500.0;
  {
    LocalStore store = it.store();
    append(store, {all.begin(), all.begin() + 40});
    SqliteOutbox outbox(*must(store.database()), must(store.lane()), it.entropy, /*keep_delivered=*/false);
    std::vector<sync::Outcome> outcomes;
    for (const sync::Waiting& row : must(outbox.peek({.records = 30}, 0)))
      outcomes.push_back({row.place, sync::Fate::delivered, ""});
    must(outbox.settle(outcomes, {}));
    append(store, {all.begin() + 40, all.begin() + 100});
  }
  it.sql("DELETE FROM tool_usage WHERE id BETWEEN '" + id(50) + "' AND '" + id(59) + "'; VACUUM");  // lost
  it.fold_log();
  LocalStore store = it.store();
  must(must(store.database())->condemn("it is tried out"));
  append(store, {all.begin() + 95, all.end()});  // of which five are in both
  must(store.salvage());
  REQUIRE(number(store, "SELECT count(*) FROM tool_usage") == 120 - 30 - 10);
  metrics::Slicer expected;
  for (const metrics::Event& event : all) expected.add(event);
  std::map<metrics::SliceKey, metrics::Figures> kept;
  Database& database = *must(store.database());
  must(each_slice(database.db(), 0, INT64_MAX, {},
                  [&kept](const metrics::Slice& slice) { return kept.emplace(slice.key, slice.figures).second; }));
  CHECK(kept == expected.slices());
  CHECK(must(differing_hours(database)).empty());
}

TEST_CASE("a slice that cannot be read is made again from its records, and others are brought over") {
  Machine it;
  {
    LocalStore store = it.store();
    append(store, {tool_call("now"), tool_call("lost", "s", FakeClock::kStart + 7'200'000)});
    deliver(store, it.entropy, 2);
  }
  it.sql(
      "DELETE FROM tool_usage WHERE id = 'lost'; UPDATE slice SET durations = x'ff' WHERE hour = (SELECT min(hour) "
      "FROM slice); VACUUM");
  LocalStore store = it.store();
  append(store, {tool_call("next")});  // to that slice
  must(store.salvage());
  CHECK(it.quarantine().size() == 1);
  CHECK(number(store, "SELECT count(*) FROM tool_usage") == 2);
  CHECK(number(store, "SELECT group_concat(count) = '2,1' FROM (SELECT count FROM slice ORDER BY hour)") == 1);
  CHECK(must(differing_hours(*must(store.database()))).empty());
}

TEST_CASE("a line of the old ledger that cannot be true leaves nothing in the new one") {
  Machine it;
  {
    LocalStore store = it.store();
    append(store, calls(0, 30));
  }
  const std::string digest = it.sql("SELECT digest FROM ledger");
  it.sql("UPDATE ledger SET digest = '0123456789abcdef0123456789abcdef'");
  it.fold_log();
  LocalStore store = it.store();
  must(must(store.database())->condemn("it is tried out"));
  must(store.salvage());
  CHECK(it.sql("SELECT digest FROM ledger") == digest);
}

TEST_CASE("another process that has the damaged store open never writes to it again") {
  Machine it;
  LocalStore one = it.store(), other = it.store();
  append(one, calls(0, 5));
  append(other, calls(5, 10));
  must(must(one.database())->condemn("it is tried out"));
  append(other, calls(10, 15));
  append(one, calls(15, 20));
  CHECK(it.quarantine().size() == 1);
  CHECK(number(other, "SELECT count(*) FROM tool_usage") == 10);
  CHECK(one.spool().count() + other.spool().count() == 0);
  rest(one);
  rest(other);
  CHECK(number(other, "SELECT count(*) FROM tool_usage") == 20);
  CHECK(number(other, "SELECT sum(count) FROM ledger") == 20);
}

TEST_CASE("a log whose database is gone is kept, not thrown away") {
  Machine it;
  {
    LocalStore store = it.store();
    append(store, calls(0, 5));
  }
  REQUIRE(fs::file_size(it.file + "-wal") > 0);
  SUBCASE("removed") { fs::remove(it.file); }
  SUBCASE("emptied") { it.write(it.file, ""); }
  const auto size = fs::file_size(it.file + "-wal");
  LocalStore store = it.store();
  append(store, calls(5, 6));
  const auto moved = it.quarantine();
  REQUIRE(moved.size() == 1);
  CHECK(fs::file_size(moved[0].dir + "/metrics.db-wal") == size);
  rest(store);
  CHECK(it.quarantine()[0].salvaged != "");
  CHECK(number(store, "SELECT count(*) FROM tool_usage WHERE id = '" + id(5) + "'") == 1);
}

TEST_CASE("a move that was broken off is finished in the same place") {
  Machine it;
  {
    LocalStore store = it.store();
    append(store, calls(0, 5));
  }
  fs::create_directories(it.data + "/quarantine/2026-01-01T00-00-00.000Z");
  fs::rename(it.file, it.data + "/quarantine/2026-01-01T00-00-00.000Z/metrics.db");
  LocalStore store = it.store();
  append(store, calls(5, 6));
  rest(store);
  CHECK(it.quarantine().size() == 1);
  CHECK(number(store, "SELECT count(*) FROM tool_usage") == 6);
}

TEST_CASE("a store that is removed while it is open is noticed") {
  Machine it;
  LocalStore store = it.store();
  append(store, calls(0, 5));
  rest(store);
  fs::remove_all(it.data);
  it.clock.advance(2s);
  SUBCASE("when nobody waits") { rest(store); }
  SUBCASE("soon, when calls keep coming") { store.tidy(/*busy=*/true); }
  append(store, calls(5, 7));
  CHECK(it.sql("SELECT count(*) FROM tool_usage") == "2 ");
}

TEST_CASE("once after each start of the machine the file is looked through, and what is found is dealt with") {
  Machine it;
  {
    LocalStore store = it.store();
    append(store, calls(0, 300));
    rest(store);
    CHECK(number(store, "SELECT count(*) FROM meta WHERE name = 'checked_in_boot'") == 1);
    must(must(store.database())->db().exec("UPDATE meta SET value = 'before' WHERE name = 'checked_in_boot'"));
  }
  it.fold_log();
  // Every page that has a record of the middle, of the table and of its index: no new record touches them.
  const std::string text = it.content();
  REQUIRE(text.find(id(150)) != text.npos);
  for (auto at = text.find(id(150)); at != text.npos; at = text.find(id(150), at + 1)) {
    REQUIRE(at >= kPage);
    it.overwrite(at / kPage * kPage, std::string(64, '\0'));
  }
  LocalStore store = it.store();
  append(store, calls(900, 901));
  CHECK(it.quarantine().empty());
  rest(store);
  REQUIRE(it.quarantine().size() == 1);
  append(store, calls(901, 902));
  rest(store);
  const std::int64_t kept = number(store, "SELECT count(*) FROM tool_usage");
  CHECK(kept >= 302 - 10);  // what was on that page of the table is lost
  CHECK(kept < 302);
  CHECK(number(store, "SELECT count(*) FROM tool_usage WHERE id = '" + id(150) + "'") == 0);
  CHECK(number(store, "SELECT count(*) FROM tool_usage WHERE id >= '" + id(900) + "'") == 2);
  CHECK(number(store, "SELECT sum(count) FROM ledger") == 302);  // of the lost ones too
}

TEST_SUITE("slow") {
  TEST_CASE("whatever byte is wrong: recording goes on, nothing that is readable is lost, nothing comes up twice") {
    // One whole store, then one damaged copy of it for each seed.
    Machine original;
    {
      LocalStore store = original.store();
      append(store, calls(0, 400));
      deliver(store, original.entropy, 200);
    }
    original.fold_log();
    const std::string whole = original.content();
    const std::size_t pages = whole.size() / kPage;
    REQUIRE(pages > 30);

    int quarantined = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      CAPTURE(seed);
      Dice dice(seed);
      std::string damaged = whole;
      std::set<std::size_t> touched;
      for (std::size_t i = 1 + dice.below(4); i > 0; --i) {
        const std::size_t page = dice.one_in(5) ? 0 : dice.below(pages);
        touched.insert(page);
        const std::size_t at = page * kPage + (dice.one_in(2) ? dice.below(32) : dice.below(kPage));
        const std::size_t length = std::min(dice.one_in(2) ? 1 : dice.below(kPage), (page + 1) * kPage - at);
        for (std::size_t j = 0; j < length; ++j) damaged[at + j] = static_cast<char>(dice.next());
      }
      if (dice.one_in(10)) damaged.resize(dice.below(damaged.size()));
      for (std::size_t page = damaged.size() / kPage; page < pages; ++page) touched.insert(page);
      std::set<std::string> in_danger;
      for (const std::size_t page : touched) {
        const std::string_view bytes = std::string_view(whole).substr(page * kPage, kPage);
        for (auto at = bytes.find("id-1"); at != bytes.npos; at = bytes.find("id-1", at + 1))
          in_danger.emplace(bytes.substr(at, 9));
      }
      Machine it;
      fs::create_directories(it.data);
      it.write(it.file, damaged);
      LocalStore store = it.store();
      append(store, calls(1000, 1005));
      rest(store);
      append(store, calls(1005, 1010));
      rest(store);
      // Every acknowledged record is in the file or, for the time being, in the spool.
      const auto database = store.database();
      const std::int64_t fresh =
          database ? number(store, "SELECT count(*) FROM tool_usage WHERE id >= '" + id(1000) + "'") : 0;
      CHECK(fresh + store.spool().count() == 10);
      if (it.quarantine().empty()) continue;
      ++quarantined;
      CHECK(it.quarantine()[0].salvaged != "");
      REQUIRE(database.ok());
      CHECK(must(check_whole((*database)->db())) == "");
      const std::int64_t old = number(store, "SELECT count(*) FROM tool_usage WHERE id < '" + id(1000) + "'");
      CHECK(old <= 400);
      CHECK(old >= 400 - static_cast<std::int64_t>(in_danger.size()));
    }
    CHECK(quarantined > 150);
  }
}
