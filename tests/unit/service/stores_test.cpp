// What a service promises of its store, told once for both engines; and what only happens where several instances share
// a PostgreSQL that may die.
#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "fixture.h"
#include "fortium/base/hash.h"
#include "service/store/pg_pool.h"
#include "service/store/pg_tables.h"
#include "support/dice.h"

namespace fortium::service {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kUnits = 1'000'000'000;
const std::string kAll = "?from=2025-12-01&to=2026-01-06";

struct Sqlite : Fixture {
  Sqlite() : Fixture(kUnits, Engine::sqlite) {}
};
struct Postgres : Fixture {
  Postgres() : Fixture(kUnits, Engine::postgres) {}
};

// Another instance of the service on the same store.
class Instance {
 public:
  explicit Instance(Fixture& first)
      : backend_(must(open_backend(first.where, first.clock, entropy_))),
        control_(std::move(backend_.control)),
        service(control_, *backend_.depot, *backend_.answers, *backend_.sessions, first.clock,
                {.units_per_minute = kUnits}) {}

 private:
  SystemEntropy entropy_;
  Backend backend_;
  SharedControl control_;

 public:
  Service service;
};

Json numbered_tools(int from, int count) {
  Json all = Json::array();
  for (int n = from; n < from + count; ++n) {
    Json record = tool(id(n), "Tool" + std::to_string(n % 7));
    record["session_id"] = "s" + std::to_string(n % 5);
    all.push_back(std::move(record));
  }
  return all;
}

// As a client does that must not lose a record: again, until it is told that all are there.
bool deliver(Fixture& f, Service& service, const Json& tools) {
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < give_up) {
    Request post = f.request("POST", "/api/v1/metrics/batch", f.key);
    post.headers.emplace_back("Content-Type", "application/json");
    post.body = dump_json(batch(tools));
    const Response response = service.answer(post);
    if (response.status != 200) {
      std::this_thread::sleep_for(5ms);
      continue;
    }
    const Json answer = Json::parse(response.body);
    return std::ranges::all_of(answer["results"], [](const Json& line) {
      return line["status"] == "accepted" || line["status"] == "duplicate";
    });
  }
  return false;
}

// What the ledger should say of the records 0 to before `count`.
void check_ledger(Fixture& f, int count) {
  LedgerDigest digest;
  for (int n = 0; n < count; ++n) digest.add(id(n));
  const Json days = body_of(f.get("/api/v1/metrics/ledger?from=2000-01-01&to=2026-12-31"))["days"];
  REQUIRE(days.size() == 1);
  CHECK(days[0]["count"] == count);
  CHECK(days[0]["digest"] == digest.hex());
  CHECK(body_of(f.get("/api/v1/metrics/summary" + kAll))["totals"]["tools"] == count);
}

std::vector<metrics::Event> events_of(Fixture& f, const Tenant& tenant) {
  const Backend other = must(open_backend(f.where, f.clock, f.entropy));
  std::vector<metrics::Event> all;
  REQUIRE(must(other.depot->find(tenant.place))
              ->each_record(*metrics::find_kind("tool_usage"), {from_ms(0), f.clock.now() + std::chrono::days(2)},
                            std::nullopt,
                            [&](const metrics::Event& event) {
                              all.push_back(event);
                              return true;
                            })
              .ok());
  return all;
}

// Several threads deliver batches that overlap, taking turns with the instances, while something happens.
void deliver_from_all_sides(Fixture& f, std::span<Service* const> services, int records,
                            const std::function<void(std::atomic<bool>& busy)>& meanwhile) {
  constexpr int kThreads = 4, kBatch = 20;
  std::atomic<bool> busy = true;
  std::atomic<int> refused = 0, at_work = kThreads;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (int from = 0; from + kBatch <= records; from += kBatch / 2) {
          Service& service = *services[static_cast<std::size_t>(from / kBatch + t) % services.size()];
          if (!deliver(f, service, numbered_tools(from, kBatch))) ++refused;
        }
        if (--at_work == 0) busy = false;
      });
    meanwhile(busy);  // here, as PostgreSQL ends with the thread that has started it
  }
  CHECK(refused == 0);
}

const std::string kNasty[] = {
    "'; DROP TABLE tool_usage; --",
    "\" OR \"\"=\"",
    "$1 ?1 %s {} \\ \\\\ E'\\x41'",
    "Ünïcödé 漢字 🦀 \xE2\x80\xAE rtl",
    "null",
    "{\"a\":[1,2]}",
    "{NULL,\"x\"}",
    std::string(255, 'q'),
};

}  // namespace

TEST_SUITE_BEGIN("slow");  // they start a PostgreSQL

TEST_CASE_TEMPLATE("a record counts once, however often and beside whatever it comes", Case, Sqlite, Postgres) {
  Case f;
  CHECK(f.results(list(tool(id(1)), tool(id(2)), tool(id(1))))[2]["status"] == "duplicate");
  const Json again = f.results(list(tool(id(1)), tool(id(3)), tool(id(2), "Other"), tool(id(3), "Other")));
  CHECK(again[0]["status"] == "duplicate");
  CHECK(again[1]["status"] == "accepted");
  CHECK(again[2]["code"] == "id_conflict");
  CHECK(again[3]["code"] == "id_conflict");
  CHECK(f.count() == 3);
  CHECK(body_of(f.get("/api/v1/metrics/summary" + kAll))["totals"]["tools"] == 3);
}

TEST_CASE_TEMPLATE("records of a session are numbered in the order in which they came, duplicates not", Case, Sqlite,
                   Postgres) {
  Case f;
  for (int from = 0; from < 40; from += 10) f.results(numbered_tools(std::max(0, from - 5), 15));
  std::map<std::string, std::set<std::int64_t>> numbers;
  for (const metrics::Event& event : events_of(f, f.acme))
    CHECK(numbers[std::string(event.text(metrics::kSessionId))].insert(event.integer(metrics::kSeq)).second);
  CHECK(numbers.size() == 5);
  for (const auto& [session, given] : numbers) {
    CHECK(*given.begin() == 1);
    CHECK(*given.rbegin() == static_cast<std::int64_t>(given.size()));
  }
}

TEST_CASE_TEMPLATE("any text comes back as it was sent", Case, Sqlite, Postgres) {
  Case f;
  Json sent = Json::array();
  std::set<std::string> names;
  for (int n = 0; n < static_cast<int>(std::size(kNasty)); ++n) {
    const std::string& text = kNasty[n];
    names.insert(text);
    Json record = tool(id(n), text);
    for (const char* field : {"session_id", "user_id", "project"}) record[field] = text.substr(0, 100);
    record["metadata"] = {{text.substr(0, 40), text}};
    sent.push_back(record);
    CHECK(f.tenant("org " + text.substr(0, 200)).name == "org " + text.substr(0, 200));
  }
  for (const Json& line : f.results(sent)) CHECK(line["status"] == "accepted");
  for (const Json& line : f.results(sent)) CHECK(line["status"] == "duplicate");
  std::set<std::string> told;
  const Json tools = body_of(f.get("/api/v1/metrics/tools" + kAll));
  for (const Json& row : tools["data"]) told.insert(row["tool"]);
  for (const std::string& name : names) CHECK_MESSAGE(told.contains(name), name);
  CHECK(told.size() == names.size());
  for (const metrics::Event& event : events_of(f, f.acme)) {
    const std::string_view name = event.text_of("tool_name").substr(0, 100);
    CHECK(event.text(metrics::kSessionId) == name);
    CHECK(event.text(metrics::kUserId) == name);
  }
}

TEST_CASE_TEMPLATE("what one organization has, another does not", Case, Sqlite, Postgres) {
  Case f;
  const Tenant other = f.tenant("Other");
  const std::string key = f.issue(other, kIngest | kRead);
  f.results(list(tool(id(1)), tool(id(2))));
  CHECK(f.count(key) == 0);
  // The same id is another record there.
  CHECK(body_of(f.post(batch(list(tool(id(1), "Theirs"))), key))["results"][0]["status"] == "accepted");
  CHECK(f.count() == 2);
  CHECK(f.count(key) == 1);
  REQUIRE(f.control().remove_tenant(other).ok());
  CHECK(f.count() == 2);
}

TEST_CASE("both engines give the same answers to all questions") {
  Sqlite one;
  Postgres two;
  test::Dice dice(7);
  for (int block = 0; block < 6; ++block) {
    Json tools = Json::array(), commands = Json::array(), models = Json::array(), agents = Json::array();
    for (int i = 0; i < 60; ++i) {
      const int n = block * 1'000 + i;
      const WallTime time = from_ms(to_ms(one.clock.now()) - static_cast<std::int64_t>(dice.below(30 * 86'400'000ULL)));
      Json record = {{"id", id(n)},
                     {"timestamp", to_rfc3339(time)},
                     {"session_id", "s" + std::to_string(dice.below(9))},
                     {"user_id", "u" + std::to_string(dice.below(4))},
                     {"project", dice.below(2) == 0 ? "shop" : "Ärger"},
                     {"execution_time_ms", static_cast<double>(dice.below(10'000'000)) / 1'000},
                     {"status", dice.below(5) == 0 ? "error" : "success"}};
      Json model = {{"id", id(n)},
                    {"timestamp", record["timestamp"]},
                    {"session_id", record["session_id"]},
                    {"model", "m" + std::to_string(dice.below(3))},
                    {"input_tokens", dice.below(100'000)},
                    {"output_tokens", dice.below(10'000)},
                    {"cost_usd", static_cast<double>(dice.below(1'000)) / 777}};
      models.push_back(model);
      record["tool_name"] = "Tool" + std::to_string(dice.below(5));
      tools.push_back(record);
      record.erase("tool_name");
      record["command_name"] = "/c" + std::to_string(dice.below(5));
      commands.push_back(record);
      record.erase("command_name");
      record["agent_name"] = "a" + std::to_string(dice.below(3));
      record["interaction_type"] = "task";
      agents.push_back(record);
    }
    const Json all = {{"device_id", "laptop"},
                      {"tool_usages", tools},
                      {"command_executions", commands},
                      {"agent_interactions", agents},
                      {"model_usages", models}};
    const Json results = body_of(one.post(all))["results"];
    CHECK(results == body_of(two.post(all))["results"]);
    for (const Json& line : results) CHECK_MESSAGE(line["status"] == "accepted", dump_json(line));
  }
  const std::string period = "?from=2025-12-03T05:17:00Z&to=2026-01-01T11:00:00Z";
  for (const char* path :
       {"metrics/summary", "metrics/sessions", "metrics/tools", "metrics/commands", "metrics/agents", "metrics/models",
        "metrics/projects", "metrics/errors", "metrics/days", "metrics/hours", "dashboard/summary", "dashboard/charts"})
    for (const std::string& more : {std::string(), std::string("&user_id=u1"), std::string("&project=%C3%84rger"),
                                    std::string("&session_id=s3"), std::string("&limit=3")}) {
      const std::string target = "/api/v1/" + std::string(path) + period + more;
      const Response here = one.get(target), there = two.get(target);
      CHECK_MESSAGE(here.status == there.status, target);
      CHECK_MESSAGE(here.body == there.body, target);
    }
  for (const char* kind : {"tool_usage", "model_usage", "command_execution", "agent_interaction"}) {
    const std::string target = "/api/v1/metrics/export" + period + "&kind=" + kind;
    CHECK(one.get(target).body == two.get(target).body);
    CHECK(one.get(target).body.size() > 1'000);
  }
  const std::string ledger = "/api/v1/metrics/ledger?from=2000-01-01&to=2026-12-31&ids=1";
  CHECK(one.get(ledger).body == two.get(ledger).body);
}

TEST_CASE_TEMPLATE("two instances on one store count everything once", Case, Sqlite, Postgres) {
  Case f;
  Instance other(f);
  Service* const both[] = {&f.service, &other.service};
  constexpr int kRecords = 200;
  deliver_from_all_sides(f, both, kRecords, [](std::atomic<bool>&) {});
  check_ledger(f, kRecords);
}

TEST_CASE_TEMPLATE("a key made at one instance is known at the other, and a revoked one is not for long", Case, Sqlite,
                   Postgres) {
  Case f;
  Instance other(f);
  const Issued issued = must(f.control().create_key(f.acme, kRead, std::nullopt));
  const Request ask = f.request("GET", "/api/v1/metrics/summary", issued.text.reveal());
  CHECK(other.service.answer(ask).status == 200);
  REQUIRE(f.control().revoke_key(issued.key).ok());
  f.clock.advance(kCredentialLife);
  CHECK(other.service.answer(ask).status == 401);
}

TEST_CASE_TEMPLATE("an organization that another instance has removed is gone here, too", Case, Sqlite, Postgres) {
  Case f;
  f.results(list(tool(id(1))));
  {
    const Backend other = must(open_backend(f.where, f.clock, f.entropy));
    REQUIRE(other.control->remove_tenant(f.acme).ok());
  }
  f.clock.advance(kCredentialLife);
  CHECK(f.post(batch(list(tool(id(2))))).status == 401);
}

TEST_CASE("in PostgreSQL, the role of one organization can reach nothing of another or of the service") {
  Postgres f;
  const Tenant other = f.tenant("Other");
  const auto pg = must(Pg::open(f.where));
  const auto as_acme = [&](const std::string& sql) {
    std::vector<PgQuery> queries = begin_in(f.acme.place, Work::write);
    queries.push_back({sql});
    const auto done = pg->run(queries);
    pg->undo();
    return done ? std::string() : std::string(name(done.error().code));
  };
  CHECK(as_acme("SELECT * FROM " + f.acme.place + ".tool_usage") == "");
  for (const std::string& sql :
       {"SELECT * FROM " + other.place + ".tool_usage", "DELETE FROM " + other.place + ".ledger",
        std::string("SELECT * FROM fortium_control.keys"), std::string("SELECT * FROM fortium_answers.answers"),
        "DROP TABLE " + f.acme.place + ".tool_usage", "CREATE TABLE " + f.acme.place + ".mine (x int)"})
    CHECK_MESSAGE(as_acme(sql) == "unauthorized", sql);
}

TEST_CASE("in PostgreSQL, connections that are ended in the middle of a transaction cost no record") {
  Postgres f;
  Instance other(f);
  Service* const both[] = {&f.service, &other.service};
  const std::string super = test::Postgres::of_program().as_superuser(f.where);
  std::atomic<int> ended = 0;
  constexpr int kRecords = 300;
  deliver_from_all_sides(f, both, kRecords, [&](std::atomic<bool>& busy) {
    const auto pg = Pg::open(super);
    while (pg && busy) {
      const auto done = (*pg)->run(
          "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
          "WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()");
      if (done) ended += static_cast<int>(done->integer(0, 0));
      std::this_thread::sleep_for(7ms);
    }
  });
  CHECK(ended > 0);
  check_ledger(f, kRecords);
}

TEST_CASE("in PostgreSQL, its sudden end and its return cost no record") {
  Postgres f;
  Instance other(f);
  Service* const both[] = {&f.service, &other.service};
  constexpr int kRecords = 300;
  deliver_from_all_sides(f, both, kRecords, [](std::atomic<bool>& busy) {
    for (int times = 0; times < 3 && busy; ++times) {
      std::this_thread::sleep_for(20ms);
      test::Postgres::of_program().kill();
      test::Postgres::of_program().start();
    }
  });
  check_ledger(f, kRecords);
}

TEST_CASE("in PostgreSQL, who comes after its return does not see that it was gone") {
  Postgres f;
  for (int times = 1; times <= 3; ++times) {
    CHECK(f.results(list(tool(id(times))))[0]["status"] == "accepted");
    test::Postgres::of_program().kill();
    test::Postgres::of_program().start();
    CHECK(f.count() == times);
  }
}

TEST_CASE("who finds all connections in use is told so, and the others go on") {
  Postgres f;
  PgPool pool(f.where, f.clock, 1);
  {
    auto held = must(pool.take());
    const auto second = pool.take();
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == Errc::busy);
    CHECK(held->run("SELECT 1").ok());
  }
  CHECK(pool.take().ok());
}

TEST_CASE("a connection is not kept beyond its life, nor one that was left in a transaction") {
  Postgres f;
  PgPool pool(f.where, f.clock, 1);
  const auto backend = [](PgPool::Lease& lease) { return must(lease->run("SELECT pg_backend_pid()")).integer(0, 0); };
  std::int64_t first = 0;
  {
    auto lease = must(pool.take());
    first = backend(lease);
  }
  {
    auto lease = must(pool.take());
    CHECK(backend(lease) == first);
    REQUIRE(lease->run("BEGIN").ok());
  }
  auto second = std::optional(must(pool.take()));
  const std::int64_t next = backend(*second);
  CHECK(next != first);
  second.reset();
  f.clock.advance(kDbConnectionLife + 1ms);
  auto third = must(pool.take());
  CHECK(backend(third) != next);
}

TEST_SUITE_END();

}  // namespace fortium::service
