#include "pg_tables.h"

#include <algorithm>

#include "fortium/schema/sql.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

constexpr std::string_view kPlaceStart = "t_";
constexpr std::size_t kPlaceChars = 34;

// As in store/migrations.cpp, but for lanes: the service sends nothing on. Rows of ledger and slice are written again
// and again: room on their page keeps them there.
constexpr std::string_view kOwnTables = R"sql(
CREATE TABLE {}.meta (
  name TEXT COLLATE "C" PRIMARY KEY,
  value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE {}.ledger (
  session_id TEXT COLLATE "C" NOT NULL,
  day TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  device_id TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (session_id, day, kind, device_id)
) WITH (fillfactor = 70);
CREATE INDEX ledger_by_day ON {}.ledger (day);

CREATE TABLE {}.thinned (
  hour BIGINT PRIMARY KEY
);

CREATE TABLE {}.gone (
  kind TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (kind, id)
);

CREATE TABLE {}.slice (
  hour BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  success BIGINT NOT NULL,
  error BIGINT NOT NULL,
  timeout BIGINT NOT NULL,
  cancelled BIGINT NOT NULL,
  timed BIGINT NOT NULL,
  total_us BIGINT NOT NULL,
  min_us BIGINT NOT NULL,
  max_us BIGINT NOT NULL,
  durations BYTEA NOT NULL,
  input_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  cache_read_tokens BIGINT NOT NULL,
  cache_creation_tokens BIGINT NOT NULL,
  priced BIGINT NOT NULL,
  cost_nano_usd BIGINT NOT NULL,
  minutes BIGINT NOT NULL,
  first BIGINT NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (hour, kind, name, session_id, user_id, project, source)
) WITH (fillfactor = 70);
)sql";

std::string version_1(const std::string& place) {
  std::string sql(kOwnTables);
  for (std::size_t at = sql.find("{}"); at != sql.npos; at = sql.find("{}", at)) sql.replace(at, 2, place);
  for (const metrics::Kind& kind : metrics::kinds()) {
    const std::string name(kind.name), table = place + "." + name;
    sql += schema::create_table(table, kind.shape, schema::kPostgres, "");
    sql += "CREATE INDEX " + name + "_by_time ON " + table + " (timestamp);\n";
  }
  return sql;
}

// The role may change rows of its own schema, and nothing else anywhere.
std::string grants(const std::string& place) {
  return "GRANT " + place + " TO CURRENT_USER; GRANT USAGE ON SCHEMA " + place + " TO " + place +
         "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + place + " TO " + place + ";";
}

std::vector<PgQuery> begin_alone(const std::string& place) {
  return {
      {"BEGIN"},
      {"SELECT set_config('synchronous_commit', 'on', true), set_config('search_path', 'pg_catalog, pg_temp', true)"},
      {"SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", {param(place)}}};
}

Result<std::int64_t> count(Pg& pg, const std::string& sql, const std::string& place) {
  FM_TRY(const PgRows found, pg.run(sql, {param(place)}));
  return static_cast<std::int64_t>(found.size());
}

Error gone() { return {Errc::not_found, "the records of this organization are gone"}; }

}  // namespace

std::string pg_place_for(std::string_view tenant_id) {
  std::string place(kPlaceStart);
  std::ranges::copy_if(tenant_id, std::back_inserter(place), [](char c) { return c != '-'; });
  return place;
}

bool is_pg_place(std::string_view place) {
  return place.size() == kPlaceChars && place.starts_with(kPlaceStart) &&
         place.find_first_not_of("0123456789abcdef", kPlaceStart.size()) == place.npos;
}

Result<void> prepare_place(Pg& pg, const std::string& place, const std::string& device_id) {
  if (!is_pg_place(place)) return gone();
  return pg.transaction(begin_alone(place), [&]() -> Result<void> {
    // A role belongs to all databases of a cluster, so it may be there already.
    FM_TRY(const std::int64_t role, count(pg, "SELECT 1 FROM pg_roles WHERE rolname = $1", place));
    if (role == 0) FM_TRY_(pg.exec("CREATE ROLE " + place + " NOLOGIN"));
    FM_TRY(const std::int64_t there, count(pg, "SELECT 1 FROM pg_namespace WHERE nspname = $1", place));
    if (there == 0) {
      FM_TRY_(pg.exec("CREATE SCHEMA " + place + ";" + version_1(place)));
      FM_TRY_(pg.run("INSERT INTO " + place + ".meta (name, value) VALUES ('device_id', $1), ('version', $2)",
                     {param(device_id), param(std::to_string(kPlaceVersion))}));
    }
    return pg.exec(grants(place));
  });
}

Result<void> remove_place(Pg& pg, const std::string& place) {
  if (!is_pg_place(place)) return {};
  FM_TRY_(pg.transaction(begin_alone(place), [&] { return pg.exec("DROP SCHEMA IF EXISTS " + place + " CASCADE"); }));
  // Another database of the cluster may have a schema for it, too: then it stays.
  (void)pg.exec("DROP ROLE IF EXISTS " + place);
  return {};
}

Result<Place> look_at_place(Pg& pg, const std::string& place) {
  if (!is_pg_place(place)) return gone();
  std::vector<PgQuery> queries = begin_in(place, Work::read);
  queries.push_back({"SELECT name, value FROM " + place + ".meta"});
  queries.push_back({"COMMIT"});
  const auto all = pg.run(queries);
  if (!all) {
    pg.undo();
    return all.error().code == Errc::not_found ? gone() : all.error();
  }
  Place found;
  const PgRows& rows = (*all)[all->size() - 2];
  for (int row = 0; row < rows.size(); ++row) {
    if (rows.text(row, 0) == "device_id") found.device_id = rows.text(row, 1);
    if (rows.text(row, 0) == "version") found.version = std::atoll(std::string(rows.text(row, 1)).c_str());
  }
  return found;
}

std::vector<PgQuery> begin_in(const std::string& place, Work work) {
  const bool write = work == Work::write;
  // Writers go by keys only: without statistics yet, a plan made for a small table must do for a large one.
  const char* scans = write ? "off" : "on";
  return {{write ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
          {"SELECT set_config('role', $1, true), set_config('search_path', 'pg_catalog, pg_temp', true), "
           "set_config('synchronous_commit', 'on', true), set_config('statement_timeout', $2, true), "
           "set_config('lock_timeout', $3, true), set_config('enable_seqscan', $4, true), "
           "set_config('enable_hashjoin', $4, true), set_config('enable_mergejoin', $4, true), "
           "set_config('plan_cache_mode', $5, true)",
           {param(place), param(std::to_string(kStatementTime.count())), param(std::to_string(kLockTime.count())),
            param(std::string_view(scans)), param(std::string_view(write ? "force_generic_plan" : "auto"))}}};
}

}  // namespace fortium::service
