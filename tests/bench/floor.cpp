// The least that a durable recorder can do: a line in, one committed row, a line out.
//
// No JSON is parsed, nothing is checked, there is one table without an index and no queue. What is left is what no
// recorder on SQLite can save: the read, the write-ahead log, the sync, the write. Static, so that its start is that of
// a process and a database, without a loader. The distance between this and the product is what the product costs.
#include <sqlite3.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "lines.h"

namespace {

using namespace std::string_view_literals;

// A tool_usage record as it is kept, so that as many bytes go to the log.
constexpr std::string_view kRow =
    R"({"id":"01890a5d-ac96-774b-bcce-b302099a8057","timestamp":"2026-01-02T03:04:05.678Z",)"
    R"("recorded_at":"2026-01-02T03:04:05.679Z","session_id":"3f2a9a4e-0d58-4e0b-9a55-0f6f5a1f7c11",)"
    R"("user_id":"someone","device_id":"8d0c1f9e-5b7a-4c3d-9e21-6a4b7c8d9e0f","seq":1234,"source":"mcp",)"
    R"("tool_name":"Read","execution_time_ms":12.5,"status":"success",)"
    R"("context":{"framework":"none","language":"c++"}})"sv;

constexpr std::string_view kWelcome = R"("result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},)"
                                      R"("serverInfo":{"name":"floor","version":"1"}}})"sv;
constexpr std::string_view kRecorded =
    R"("result":{"content":[{"type":"text","text":"{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\"}"}],)"
    R"("isError":false}})"sv;

struct Options {
  const char* path = nullptr;
  bool normal = false;  // synchronous=NORMAL: the log is not synced at commit
  bool group = false;   // one transaction for all lines that wait
  bool leave = false;   // the log stays as it is at the end, as other programs may go on with it
  bool count = false;   // print the number of rows and end
};

// The digits behind "id":, or nothing for a notification, which is not answered.
std::string_view id_of(std::string_view line) {
  constexpr auto kKey = R"("id":)"sv;
  const std::size_t at = line.find(kKey);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + kKey.size());
  return line.substr(0, line.find_first_not_of("0123456789"));
}

class Table {
 public:
  explicit Table(const Options& options) {
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    constexpr int kBusyMs = 5'000;  // where many write at once, each has its turn
    ok_ = sqlite3_open_v2(options.path, &db_, kFlags, nullptr) == SQLITE_OK &&
          sqlite3_busy_timeout(db_, kBusyMs) == SQLITE_OK && run("PRAGMA journal_mode = WAL") &&
          run(options.normal ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL") &&
          run("CREATE TABLE IF NOT EXISTS record (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT") &&
          prepare("INSERT INTO record (body) VALUES (?)", &insert_) && prepare("BEGIN IMMEDIATE", &begin_) &&
          prepare("COMMIT", &commit_) && (!options.leave || leave_log()) &&
          sqlite3_bind_text(insert_, 1, kRow.data(), static_cast<int>(kRow.size()), SQLITE_STATIC) == SQLITE_OK;
  }
  ~Table() {
    for (sqlite3_stmt* statement : {insert_, begin_, commit_}) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  bool ok() const { return ok_; }
  const char* why() const { return sqlite3_errmsg(db_); }
  bool insert() { return step(insert_); }  // its own transaction when none is open
  bool begin() { return step(begin_); }
  bool commit() { return step(commit_); }

  long long rows() {
    sqlite3_stmt* count = nullptr;
    long long rows = -1;
    if (prepare("SELECT count(*) FROM record", &count) && sqlite3_step(count) == SQLITE_ROW)
      rows = sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    return rows;
  }

 private:
  bool run(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }
  bool prepare(const char* sql, sqlite3_stmt** statement) {
    return sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, nullptr) == SQLITE_OK;
  }
  bool leave_log() { return sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr) == SQLITE_OK; }
  static bool step(sqlite3_stmt* statement) {
    const bool done = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && done;
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  bool ok_ = false;
};

void append_reply(std::string& out, std::string_view id, std::string_view result) {
  out += R"({"jsonrpc":"2.0","id":)"sv;
  out += id;
  out += ',';
  out += result;
  out += '\n';
}

// Commits and answers the lines that are here: each alone, or all together.
bool serve_waiting(bench::Lines& lines, Table& table, bool group, std::string& out) {
  bool open = false;
  std::string_view line;
  while (lines.next(line)) {
    const std::string_view id = id_of(line);
    if (id.empty()) continue;
    if (line.find("\"initialize\""sv) != std::string_view::npos) {
      append_reply(out, id, kWelcome);
    } else {
      if (group && !open && !(open = table.begin())) return false;
      if (!table.insert()) return false;
      append_reply(out, id, kRecorded);
    }
    if (group) continue;
    if (!bench::write_all(out)) return false;
    out.clear();
  }
  if (open && !table.commit()) return false;
  const bool written = bench::write_all(out);
  out.clear();
  return written;
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--normal"sv)
      options.normal = true;
    else if (word == "--group"sv)
      options.group = true;
    else if (word == "--leave-log"sv)
      options.leave = true;
    else if (word == "--count"sv)
      options.count = true;
    else
      options.path = argv[i];
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  if (options.path == nullptr) {
    std::fputs("usage: bench_floor DATABASE [--normal] [--group] [--leave-log] [--count]\n", stderr);
    return 2;
  }
  Table table(options);
  if (!table.ok()) {
    std::fprintf(stderr, "%s: %s\n", options.path, table.why());
    return 1;
  }
  if (options.count) return std::printf("%lld\n", table.rows()) > 0 ? 0 : 1;

  bench::Lines lines;
  std::string out;
  while (lines.fill()) {
    if (serve_waiting(lines, table, options.group, out)) continue;
    std::fprintf(stderr, "cannot record or answer: %s\n", table.why());
    return 1;
  }
  return 0;
}
