// Copies, backups and recounts: the same whichever engine is on which side.
#include "service/store/transfer.h"

#include "fixture.h"
#include "fortium/base/files.h"
#include "service/store/backup_file.h"
#include "service/store/pg.h"
#include "service/store/recount.h"
#include "store/sqlite.h"

namespace fortium::service {

namespace {

constexpr std::int64_t kUnits = 1'000'000'000;

struct Sqlite : Fixture {
  Sqlite() : Fixture(kUnits, Engine::sqlite) {}
};
struct Postgres : Fixture {
  Postgres() : Fixture(kUnits, Engine::postgres) {}
};
template <class A, class B>
struct Way {
  using From = A;
  using To = B;
};

// A store with nothing in it.
struct Empty {
  Empty(const Clock& clock, Engine engine)
      : where(engine == Engine::postgres ? test::Postgres::of_program().new_database() : dir.path()),
        backend(must(open_backend(where, clock, entropy))) {}
  explicit Empty(const Fixture& like)
      : Empty(like.clock, is_database_url(like.where) ? Engine::postgres : Engine::sqlite) {}

  test::TempDir dir;
  SystemEntropy entropy;
  std::string where;
  Backend backend;
};

template <class To>
constexpr Engine engine_of() {
  return std::is_same_v<To, Postgres> ? Engine::postgres : Engine::sqlite;
}

Json some_tools(int from, int count) {
  Json all = Json::array();
  for (int n = from; n < from + count; ++n) {
    Json record = tool(id(n), "Tool'\"" + std::to_string(n % 3));
    record["timestamp"] = to_rfc3339(*parse_rfc3339("2025-11-20T05:00:00Z") + std::chrono::minutes(37 * n));
    record["session_id"] = "s" + std::to_string(n % 4);
    record["user_id"] = n % 5 == 0 ? "ann" : "Bób";
    record["execution_time_ms"] = n / 7.0;
    all.push_back(std::move(record));
  }
  return all;
}

void fill(Fixture& f) {
  f.results(some_tools(0, 700));
  REQUIRE(f.post({{"device_id", "laptop"},
                  {"model_usages", list(Json{{"id", id(1)},
                                             {"timestamp", "2026-01-02T01:00:00.000Z"},
                                             {"model", "m"},
                                             {"input_tokens", 5},
                                             {"output_tokens", 7},
                                             {"cost_usd", 0.1}})}})
              .status == 200);
  const Backend other = must(open_backend(f.where, f.clock, f.entropy));
  const auto records = must(other.depot->find(f.acme.place));
  CHECK(must(records->erase("ann")) == 140);
  CHECK(must(records->expire(*metrics::find_kind("tool_usage"), *parse_rfc3339("2025-11-22T00:00:00Z"))) > 0);
}

// What a service on this store answers to the key of `f`.
std::string answers(Fixture& f, Backend& backend) {
  SharedControl control(std::make_unique<Control>(*backend.sql, *backend.depot, f.clock, f.entropy));
  Service service(control, *backend.depot, *backend.answers, *backend.sessions, f.clock, {.units_per_minute = kUnits});
  std::string all;
  for (const char* target :
       {"/api/v1/metrics/ledger?from=2000-01-01&to=2026-12-31&ids=1",
        "/api/v1/metrics/tools?from=2025-11-01&to=2026-01-06", "/api/v1/metrics/sessions?from=2025-11-01&to=2026-01-06",
        "/api/v1/metrics/export?kind=tool_usage&from=2025-11-01&to=2026-01-06",
        "/api/v1/metrics/export?kind=model_usage&from=2025-11-01&to=2026-01-06"}) {
    const Response response = service.answer(f.request("GET", target, f.key));
    CHECK_MESSAGE(response.status == 200, response.body);
    all += response.body + "\n";
  }
  return all;
}

Recount recount_of(Backend& backend, const std::string& name) {
  const Tenant tenant = must(backend.control->tenant(name));
  return must(recount(*must(backend.depot->find(tenant.place))));
}

// Behind the service's back.
void change(Fixture& f, const std::string& sql_with_place) {
  std::string sql = sql_with_place;
  const bool postgres = is_database_url(f.where);
  for (std::size_t at = sql.find("{}"); at != sql.npos; at = sql.find("{}"))
    sql.replace(at, 2, postgres ? f.acme.place + "." : "");
  if (postgres)
    REQUIRE(must(Pg::open(f.where))->exec(sql).ok());
  else
    REQUIRE(must(store::Db::open(f.where + "/tenants/" + f.acme.place, store::Db::Mode::existing)).exec(sql).ok());
}

}  // namespace

TEST_SUITE_BEGIN("slow");  // they start a PostgreSQL

TEST_CASE_TEMPLATE("a copy has every row, and answers as before", W, Way<Sqlite, Sqlite>, Way<Sqlite, Postgres>,
                   Way<Postgres, Sqlite>, Way<Postgres, Postgres>) {
  typename W::From f;
  f.tenant("Other");
  fill(f);
  Backend from = must(open_backend(f.where, f.clock, f.entropy));
  Empty to(f.clock, engine_of<typename W::To>());
  const auto copied = must(copy_to(from, to.backend, ""));
  REQUIRE(copied.size() == 2);
  CHECK(copied[0].tenant == "Acme");
  CHECK(answers(f, to.backend) == answers(f, from));
  CHECK(recount_of(to.backend, "Acme").wrong == 0);
  // A session goes on with the next number, and what was let go stays known.
  const auto again = copy_to(from, to.backend, "");
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == Errc::conflict);
  CHECK(answers(f, to.backend) == answers(f, from));
}

TEST_CASE_TEMPLATE("a backup restores to either engine, or one organization of it", W, Way<Sqlite, Postgres>,
                   Way<Postgres, Sqlite>) {
  typename W::From f;
  f.tenant("Other");
  fill(f);
  Backend from = must(open_backend(f.where, f.clock, f.entropy));
  const std::string file = f.dir.file("all.backup");
  const auto saved = must(write_backup(from, file, ""));
  CHECK(saved.size() == 2);
  Empty to(f.clock, engine_of<typename W::To>());
  CHECK(must(read_backup(file, to.backend, "")).size() == 2);
  CHECK(answers(f, to.backend) == answers(f, from));

  Empty alone(f.clock, engine_of<typename W::To>());
  CHECK(must(read_backup(file, alone.backend, "Acme")).size() == 1);
  CHECK(must(alone.backend.control->tenants()).size() == 1);
  CHECK(answers(f, alone.backend) == answers(f, from));
  CHECK_FALSE(read_backup(file, alone.backend, "Nobody").ok());
}

TEST_CASE_TEMPLATE("one organization is copied with its keys, and no other", Case, Sqlite, Postgres) {
  Case f;
  const Tenant other = f.tenant("Other");
  f.issue(other, kRead);
  fill(f);
  Backend from = must(open_backend(f.where, f.clock, f.entropy));
  Empty to(f);
  CHECK(must(copy_to(from, to.backend, "acme")).size() == 1);
  CHECK(must(to.backend.control->tenants()).size() == 1);
  CHECK(must(to.backend.control->keys("")).size() == 1);
  CHECK(answers(f, to.backend) == answers(f, from));
}

TEST_CASE("a backup that is cut or changed restores nothing") {
  Sqlite f;
  fill(f);
  Backend from = must(open_backend(f.where, f.clock, f.entropy));
  const std::string file = f.dir.file("a.backup");
  REQUIRE(write_backup(from, file, "").ok());
  const std::string whole = must(read_file(file, 1 << 26));
  const auto refused = [&](const std::string& bytes) {
    REQUIRE(write_file(file, bytes).ok());
    Empty to(f);
    const auto done = read_backup(file, to.backend, "");
    REQUIRE_FALSE(done.ok());
    CHECK(must(to.backend.control->tenants()).empty());
    return done.error().code;
  };
  CHECK(refused(whole.substr(0, whole.size() / 2)) == Errc::corrupt);
  CHECK(refused("") == Errc::corrupt);
  CHECK(refused("no backup\n") == Errc::corrupt);
  // Well-formed, but one row is missing.
  std::string lines;
  REQUIRE(write_file(file, whole).ok());
  REQUIRE(read_backup_lines(file, [&](const Json& line) -> Result<void> {
            Json kept = line;
            if (line.value("table", "") == "gone") kept["rows"].erase(0);
            lines += dump_json(kept) + "\n";
            return {};
          }).ok());
  CHECK(refused(gzipped(lines)) == Errc::corrupt);
}

TEST_CASE_TEMPLATE("a recount finds what does not agree", Case, Sqlite, Postgres) {
  Case f;
  f.results(some_tools(0, 300));
  Backend backend = must(open_backend(f.where, f.clock, f.entropy));
  const Recount right = recount_of(backend, "Acme");
  CHECK(right.records == 300);
  CHECK(right.wrong == 0);
  change(f, "UPDATE {}slice SET count = count + 1 WHERE hour = (SELECT min(hour) FROM {}slice)");
  CHECK(recount_of(backend, "Acme").wrong > 0);
  change(f, "UPDATE {}slice SET count = count - 1 WHERE hour = (SELECT min(hour) FROM {}slice)");
  CHECK(recount_of(backend, "Acme").wrong == 0);
  change(f, "DELETE FROM {}tool_usage WHERE id = '" + id(5) + "'");
  const Recount less = recount_of(backend, "Acme");
  CHECK(less.records == 299);
  CHECK(less.wrong == 3);  // the slice, its day, and the sum of all days
}

TEST_SUITE_END();

}  // namespace fortium::service
