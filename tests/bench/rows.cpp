// The least that a service can do with tool usages: a bare loop that inserts them, with the same durability.
//
//   bench_rows PATH|URL SECONDS [--in-order] [--mixed]
//
// PATH: an SQLite file that is made; URL: a PostgreSQL (postgresql://…). Nothing comes over a socket, no JSON is read,
// nothing is checked or added up, nothing is answered. One table with the columns that the records fill, its key, and
// the index by time that reports need; a hundred rows a transaction, whose commit waits for the disk: prepared
// statements with a log and defaults in SQLite, COPY in PostgreSQL. Prints rows a second.
#include <libpq-fe.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "backlog.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kInstallations = 8, kInBatch = 100;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_rows: %s\n", why.c_str());
  std::exit(1);
}

struct Row {
  std::string id, session, installation, person, tool;
  std::int64_t ms = 0, seq = 0;
  double duration = 0;
};

// Batches of installations in turn.
class Rows {
 public:
  explicit Rows(bench::Backlog::Order order) : rows_(kInBatch), mixed_(order.mixed) {
    std::random_device seed;
    for (int i = 0; i < kInstallations; ++i) backlogs_.emplace_back(order, i, seed());
  }
  const std::vector<Row>& next() {
    const std::size_t turn = turn_++ % backlogs_.size();
    const std::string of = std::to_string(mixed_ ? 0 : turn);
    bench::Backlog::Record record;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      backlogs_[turn].next(record);
      rows_[i] = {.id = std::string(record.id, bench::kIdBytes),
                  .session = "session-" + std::to_string(10'000 + record.session) + "-" + of,
                  .installation = "device-" + std::to_string(turn),
                  .person = "user-" + of,
                  .tool = "Tool" + std::to_string(i % 7),
                  .ms = record.time * 1000 + 678,
                  .seq = ++seq_,
                  .duration = static_cast<double>(i) + 0.25};
    }
    return rows_;
  }

 private:
  std::vector<bench::Backlog> backlogs_;
  std::vector<Row> rows_;
  const bool mixed_;
  std::size_t turn_ = 0;
  std::int64_t seq_ = 0;
};

class Table {
 public:
  virtual ~Table() = default;
  virtual void insert(const std::vector<Row>& rows) = 0;  // durable
};

class Sqlite final : public Table {
 public:
  explicit Sqlite(const std::string& path) {
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) give_up(sqlite3_errmsg(db_));
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE tool_usage (id TEXT PRIMARY KEY NOT NULL, timestamp INTEGER NOT NULL, recorded_at INTEGER,"
        "session_id TEXT, user_id TEXT, device_id TEXT, seq INTEGER, source TEXT, project TEXT, tool_name TEXT NOT "
        "NULL,"
        "execution_time_ms REAL, status TEXT NOT NULL) STRICT;"
        "CREATE INDEX tool_usage_by_time ON tool_usage (timestamp)");
    const char* sql = "INSERT INTO tool_usage VALUES (?, ?, ?, ?, ?, ?, ?, 'mcp', 'shop', ?, ?, 'success')";
    if (sqlite3_prepare_v2(db_, sql, -1, &insert_, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(db_));
  }
  ~Sqlite() override {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  void insert(const std::vector<Row>& rows) override {
    run("BEGIN IMMEDIATE");
    for (const Row& row : rows) {
      int at = 0;
      text(++at, row.id);
      sqlite3_bind_int64(insert_, ++at, row.ms);
      sqlite3_bind_int64(insert_, ++at, row.ms);
      for (const std::string* one : {&row.session, &row.person, &row.installation}) text(++at, *one);
      sqlite3_bind_int64(insert_, ++at, row.seq);
      text(++at, row.tool);
      sqlite3_bind_double(insert_, ++at, row.duration);
      if (sqlite3_step(insert_) != SQLITE_DONE) give_up(sqlite3_errmsg(db_));
      sqlite3_reset(insert_);
    }
    run("COMMIT");
  }

 private:
  void run(const char* sql) {
    if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(db_));
  }
  void text(int at, const std::string& value) {
    sqlite3_bind_text(insert_, at, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

class Postgres final : public Table {
 public:
  explicit Postgres(const std::string& url) : pg_(PQconnectdb(url.c_str())) {
    if (PQstatus(pg_) != CONNECTION_OK) give_up(PQerrorMessage(pg_));
    run("CREATE TABLE tool_usage (id TEXT COLLATE \"C\" PRIMARY KEY, timestamp BIGINT NOT NULL, recorded_at BIGINT,"
        "session_id TEXT, user_id TEXT, device_id TEXT, seq BIGINT, source TEXT, project TEXT, tool_name TEXT NOT NULL,"
        "execution_time_ms DOUBLE PRECISION, status TEXT NOT NULL);"
        "CREATE INDEX tool_usage_by_time ON tool_usage (timestamp); SET synchronous_commit = on");
  }
  ~Postgres() override { PQfinish(pg_); }
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  void insert(const std::vector<Row>& rows) override {
    std::string lines;
    for (const Row& row : rows) {
      const std::string ms = std::to_string(row.ms);
      for (const std::string& column :
           {row.id, ms, ms, row.session, row.person, row.installation, std::to_string(row.seq),
            std::string("mcp\tshop"), row.tool, std::to_string(row.duration)})
        lines += column + "\t";
      lines += "success\n";
    }
    expect(PQexec(pg_, "COPY tool_usage FROM STDIN"), PGRES_COPY_IN);
    if (PQputCopyData(pg_, lines.data(), static_cast<int>(lines.size())) != 1 || PQputCopyEnd(pg_, nullptr) != 1)
      give_up(PQerrorMessage(pg_));
    expect(PQgetResult(pg_), PGRES_COMMAND_OK);
    PQclear(PQgetResult(pg_));
  }

 private:
  void run(const char* sql) { expect(PQexec(pg_, sql), PGRES_COMMAND_OK); }
  void expect(PGresult* result, ExecStatusType wanted) {
    if (PQresultStatus(result) != wanted) give_up(PQerrorMessage(pg_));
    PQclear(result);
  }

  PGconn* pg_;
};

}  // namespace

int main(int argc, char** argv) {
  bench::Backlog::Order order;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--in-order")
      order.in_order = true;
    else if (word == "--mixed")
      order.mixed = true;
    else
      words.emplace_back(word);
  }
  if (words.size() != 2) {
    std::fputs("usage: bench_rows PATH|URL SECONDS [--in-order] [--mixed]\n", stderr);
    return 2;
  }
  std::unique_ptr<Table> table;
  if (words[0].starts_with("postgres"))
    table = std::make_unique<Postgres>(words[0]);
  else
    table = std::make_unique<Sqlite>(words[0]);
  Rows rows(order);
  std::int64_t count = 0;
  const auto begin = Clock::now(), end = begin + std::chrono::seconds(std::atoi(words[1].c_str()));
  for (; Clock::now() < end; count += kInBatch) table->insert(rows.next());
  std::printf("%.0f rows/s\n",
              static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - begin).count());
  return 0;
}
