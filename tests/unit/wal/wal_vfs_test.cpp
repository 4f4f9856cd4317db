// The layer that joins the frames of a commit into one write: the database is the same as without it, whatever happens.
#include "store/wal_vfs.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "support/dice.h"
#include "support/temp_dir.h"
#include "watched_vfs.h"

using namespace fortium;
using namespace fortium::test;
namespace fs = std::filesystem;

namespace {

// The layer under test, on top of the watched one.
const char* layer() {
  watch_logs();
  return store::wal_vfs();
}

class Connection {
 public:
  Connection(const std::string& path, const char* vfs, const char* synchronous = "NORMAL") {
    watch_logs();
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    REQUIRE(sqlite3_open_v2(path.c_str(), &handle_, kFlags, vfs) == SQLITE_OK);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    must("PRAGMA journal_mode = WAL");
    must(std::string("PRAGMA synchronous = ") + synchronous);
    must("PRAGMA wal_autocheckpoint = 0");
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { sqlite3_close_v2(handle_); }

  int run(const std::string& sql) { return sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr); }
  void must(const std::string& sql) {
    const int code = run(sql);
    if (code != SQLITE_OK) FAIL(sql.substr(0, 100) << ": " << sqlite3_errmsg(handle_));
  }
  // All rows and columns as text.
  std::string ask(const std::string& sql) {
    std::string out;
    const auto row = [](void* to, int count, char** values, char**) {
      for (int i = 0; i < count; ++i) *static_cast<std::string*>(to) += std::string(values[i] ? values[i] : "-") + " ";
      return 0;
    };
    if (sqlite3_exec(handle_, sql.c_str(), row, &out, nullptr) != SQLITE_OK)
      FAIL(sql.substr(0, 100) << ": " << sqlite3_errmsg(handle_));
    return out;
  }
  std::string content() {
    return ask("SELECT count(*), total(length(b)), total(n * length(b) % 1000003) FROM t") +
           ask("SELECT id, n, hex(substr(b, 1, 4)), length(b) FROM t ORDER BY id");
  }

 private:
  sqlite3* handle_ = nullptr;
};

constexpr const char* kTable = "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, n INTEGER, b BLOB)";

std::string blob(Dice& dice) {
  const std::size_t size = dice.one_in(4) ? dice.below(30'000) : dice.below(600);
  // Not random bytes: that would make two databases differ.
  return "CAST(printf('%.*c', " + std::to_string(size) + ", '" + dice.letters(1) + "') AS BLOB)";
}

std::string statement(Dice& dice) {
  const std::string id = std::to_string(dice.below(60));
  switch (dice.below(5)) {
    case 0: return "DELETE FROM t WHERE id = " + id;
    case 1: return "UPDATE t SET n = n + 1 WHERE id % 7 = " + std::to_string(dice.below(7));
    case 2: return "UPDATE t SET b = " + blob(dice) + " WHERE id = " + id;
    default:
      return "REPLACE INTO t (id, n, b) VALUES (" + id + ", " + std::to_string(dice.below(1000)) + ", " + blob(dice) +
             ")";
  }
}

// The files of a database as they are now, as a kill of the process leaves them. The shared memory is not copied: it is
// rebuilt from the log.
void copy_files(const std::string& from, const std::string& to) {
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    fs::remove(to + suffix, error);
    fs::copy_file(from + suffix, to + suffix, error);
  }
  std::error_code error;
  fs::remove(to + "-shm", error);
}

std::string content_after_kill(const std::string& path, const std::string& copy) {
  copy_files(path, copy);
  Connection survivor(copy, "unix");
  CHECK(survivor.ask("PRAGMA integrity_check") == "ok ");
  return survivor.content();
}

// The same random work on a database with the layer and on one without.
void same_work(std::uint64_t seed, const char* synchronous) {
  CAPTURE(seed);
  Dice dice(seed);
  TempDir dir;
  const std::string ours = dir.file("ours.db"), plain = dir.file("plain.db");
  auto with = std::make_unique<Connection>(ours, layer(), synchronous);
  auto without = std::make_unique<Connection>(plain, "unix", synchronous);
  const auto both = [&](const std::string& sql) {
    const int a = with->run(sql), b = without->run(sql);
    if (a != b) FAIL(sql.substr(0, 80) << " gives " << a << " and " << b);
  };
  const std::string cache = "PRAGMA cache_size = " + std::to_string(dice.one_in(2) ? 10 : 200);
  both(kTable);
  both(cache);  // a small cache makes large transactions spill
  std::string committed = with->content();
  const Connection reader_keeps_log_open(ours, dice.one_in(2) ? "unix" : layer());

  for (int step = 0; step < 30; ++step) {
    both("BEGIN IMMEDIATE");
    const std::size_t count = 1 + dice.below(dice.one_in(5) ? 120 : 6);
    for (std::size_t i = 0; i < count; ++i) {
      both(statement(dice));
      if (dice.one_in(15)) {
        both("SAVEPOINT s");
        for (std::size_t j = dice.below(10); j > 0; --j) both(statement(dice));
        if (dice.one_in(2)) both("ROLLBACK TO s");
        both("RELEASE s");
      }
      if (dice.one_in(40)) CHECK(content_after_kill(ours, dir.file("copy.db")) == committed);
      if (dice.one_in(20)) CHECK(with->content() == without->content());  // reads its own unfinished work
    }
    if (dice.one_in(4)) {
      both("ROLLBACK");
    } else {
      both("COMMIT");
      committed = without->content();
    }
    CHECK(content_after_kill(ours, dir.file("copy.db")) == committed);
    CHECK(with->content() == committed);
    if (dice.one_in(6)) both("PRAGMA wal_checkpoint(" + std::string(dice.one_in(2) ? "PASSIVE" : "TRUNCATE") + ")");
    if (dice.one_in(8)) {
      with.reset();
      without.reset();
      with = std::make_unique<Connection>(ours, layer(), synchronous);
      without = std::make_unique<Connection>(plain, "unix", synchronous);
      both(cache);
    }
  }
  Connection other(ours, "unix");
  CHECK(other.content() == committed);
  CHECK(other.ask("PRAGMA integrity_check") == "ok ");
}

std::size_t writes(const Watched& log) {
  return static_cast<std::size_t>(std::ranges::count(log.calls, false, &LogCall::sync));
}

}  // namespace

TEST_SUITE_BEGIN("slow");

TEST_CASE("the same work gives the same database, with and without the layer, at every moment") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    same_work(seed, "NORMAL");
    same_work(seed + 100, "FULL");
  }
}

TEST_SUITE_END();

TEST_CASE("a commit of many pages is one write") {
  TempDir dir;
  Connection db(dir.file("a.db"), layer());
  db.must(kTable);
  db.must("CREATE INDEX i ON t (n); CREATE TABLE u (x); CREATE TABLE v (x)");
  Watched& log = watch_logs();
  log.calls.clear();
  db.must("BEGIN; INSERT INTO t VALUES (1, 1, x'00'); INSERT INTO u VALUES (1); INSERT INTO v VALUES (1); COMMIT");
  REQUIRE(writes(log) == 1);
  CHECK(log.calls.front().size >= 4 * (24 + 4096));
}

TEST_CASE("one statement outside a transaction is one write, too") {
  TempDir dir;
  Connection db(dir.file("a.db"), layer());
  db.must(kTable);
  Watched& log = watch_logs();
  log.calls.clear();
  db.must("INSERT INTO t VALUES (1, 1, x'00')");
  CHECK(writes(log) == 1);
}

TEST_CASE("everything of a commit is written before it is synced, and synced before it returns") {
  TempDir dir;
  Watched& log = watch_logs();
  SUBCASE("FULL: one sync, after the last write") {
    Connection db(dir.file("a.db"), layer(), "FULL");
    db.must(kTable);
    log.calls.clear();
    db.must("INSERT INTO t VALUES (1, 1, zeroblob(20000))");
    REQUIRE(log.calls.size() >= 2);
    CHECK(log.calls.back().sync);
    CHECK(std::ranges::count(log.calls, true, &LogCall::sync) == 1);
  }
  SUBCASE("NORMAL: none") {
    Connection db(dir.file("a.db"), layer(), "NORMAL");
    db.must(kTable);
    log.calls.clear();
    db.must("INSERT INTO t VALUES (1, 1, zeroblob(20000))");
    CHECK(std::ranges::count(log.calls, true, &LogCall::sync) == 0);
    CHECK(writes(log) > 0);
  }
}

TEST_CASE("frames lie one after the other, without a hole; a log that grows has zeros ahead of them") {
  TempDir dir;
  Connection db(dir.file("a.db"), layer());
  db.must(kTable);
  Watched& log = watch_logs();
  log.calls.clear();
  for (int i = 0; i < 20; ++i)
    db.must("INSERT INTO t VALUES (" + std::to_string(i) + ", 1, zeroblob(" + std::to_string(i * 5000) + "))");
  std::int64_t frames_end = log.calls.front().offset, file_end = 0;
  int grown = 0;
  for (const LogCall& call : log.calls) {
    CHECK(call.offset == frames_end);
    if (call.zeros) {
      CHECK(call.offset >= file_end);  // never over what is there
      ++grown;
    } else {
      frames_end += call.size;
    }
    file_end = std::max(file_end, call.offset + call.size);
  }
  CHECK(grown > 3);
  CHECK(grown < 15);
}

TEST_CASE("a log that several grow in turns is whole after each commit, and grows no more often") {
  TempDir dir;
  const std::string path = dir.file("a.db");
  Connection one(path, layer()), two(path, layer());
  one.must(kTable);
  Watched& log = watch_logs();
  log.calls.clear();
  for (int i = 0; i < 40; ++i) {
    Connection& db = i % 2 == 0 ? one : two;
    db.must("INSERT INTO t VALUES (" + std::to_string(i) + ", 1, zeroblob(" + std::to_string(i * 1000) + "))");
    CHECK(content_after_kill(path, dir.file("copy.db")) == db.content());
  }
  CHECK(std::ranges::count(log.calls, true, &LogCall::zeros) < 20);
}

TEST_CASE("without room to grow ahead a commit works all the same") {
  TempDir dir;
  const std::string path = dir.file("a.db");
  Connection db(path, layer());
  db.must(kTable);
  Watched& log = watch_logs();
  log.refuse_zeros = true;
  for (int i = 0; i < 20; ++i) db.must("INSERT INTO t VALUES (" + std::to_string(i) + ", 1, zeroblob(20000))");
  log.refuse_zeros = false;
  CHECK(content_after_kill(path, dir.file("copy.db")) == db.content());
}

TEST_CASE("a transaction larger than the buffer is whole as well") {
  TempDir dir;
  const std::string path = dir.file("a.db");
  Connection db(path, layer(), "FULL");
  db.must(kTable);
  db.must("PRAGMA cache_size = 10");
  const std::string before = db.content();
  db.must("BEGIN");
  for (int i = 0; i < 100; ++i) db.must("INSERT INTO t VALUES (" + std::to_string(i) + ", 1, zeroblob(100000))");
  CHECK(content_after_kill(path, dir.file("copy.db")) == before);
  db.must("COMMIT");
  CHECK(content_after_kill(path, dir.file("copy.db")) == db.content());
}

TEST_CASE("a write that fails is told, costs only its own transaction, and the next one works") {
  for (int good = 0; good < 8; ++good) {
    CAPTURE(good);
    TempDir dir;
    const std::string path = dir.file("a.db");
    Connection db(path, layer(), "FULL");
    db.must(kTable);
    db.must("INSERT INTO t VALUES (1, 1, zeroblob(5000))");
    const std::string before = db.content();

    Watched& log = watch_logs();
    db.must("BEGIN");
    for (int i = 10; i < 30; ++i) db.must("INSERT INTO t VALUES (" + std::to_string(i) + ", 1, zeroblob(20000))");
    log.writes_until_failure = good;
    const int code = db.run("COMMIT");
    log.writes_until_failure = -1;
    if (code != SQLITE_OK) {
      (void)db.run("ROLLBACK");
      CHECK(db.content() == before);
      CHECK(content_after_kill(path, dir.file("copy.db")) == before);
    } else {
      CHECK(good > 0);  // it got by with fewer writes
    }
    db.must("REPLACE INTO t VALUES (2, 2, zeroblob(9000))");
    CHECK(content_after_kill(path, dir.file("copy.db")) == db.content());
    CHECK(db.ask("PRAGMA integrity_check") == "ok ");
  }
}

TEST_CASE("a failure in the middle of a transaction that spills is told, too") {
  TempDir dir;
  const std::string path = dir.file("a.db");
  Connection db(path, layer());
  db.must(kTable);
  db.must("INSERT INTO t VALUES (1, 1, zeroblob(5000))");
  const std::string before = db.content();
  db.must("PRAGMA cache_size = 10");
  Watched& log = watch_logs();
  db.must("BEGIN");
  log.writes_until_failure = 1;
  bool failed = false;
  for (int i = 10; i < 60 && !failed; ++i)
    failed = db.run("INSERT INTO t VALUES (" + std::to_string(i) + ", 1, zeroblob(100000))") != SQLITE_OK;
  if (!failed) failed = db.run("COMMIT") != SQLITE_OK;
  log.writes_until_failure = -1;
  CHECK(failed);
  (void)db.run("ROLLBACK");
  CHECK(db.content() == before);
  db.must("INSERT INTO t VALUES (2, 2, zeroblob(9000))");
  CHECK(content_after_kill(path, dir.file("copy.db")) == db.content());
}

TEST_CASE("other connections see every commit at once, whatever layer they use") {
  TempDir dir;
  const std::string path = dir.file("a.db");
  Connection writer(path, layer()), same(path, layer()), plain(path, "unix");
  writer.must(kTable);
  for (int i = 0; i < 20; ++i) {
    writer.must("INSERT INTO t VALUES (" + std::to_string(i) + ", 1, zeroblob(9000))");
    CHECK(same.ask("SELECT count(*) FROM t") == std::to_string(i + 1) + " ");
    CHECK(plain.ask("SELECT count(*) FROM t") == std::to_string(i + 1) + " ");
  }
  // And they may write in between.
  plain.must("DELETE FROM t WHERE id < 5");
  same.must("DELETE FROM t WHERE id < 10");
  writer.must("DELETE FROM t WHERE id < 15");
  CHECK(plain.content() == writer.content());
  CHECK(plain.ask("PRAGMA integrity_check") == "ok ");
}
