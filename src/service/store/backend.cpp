#include "backend.h"

#include "fortium/base/files.h"
#include "pg_records.h"
#include "pg_sql.h"
#include "service/limits.h"
#include "sqlite_records.h"
#include "sqlite_sql.h"

namespace fortium::service {

namespace {

using store::Durability;

constexpr auto kControlSchema = "fortium_control";
constexpr auto kAnswersSchema = "fortium_answers";
constexpr auto kSessionsSchema = "fortium_sessions";

Result<void> open_postgres(const std::string& url, const Clock& clock, Backend& backend, std::unique_ptr<Sql>& answers,
                           std::unique_ptr<Sql>& sessions) {
  FM_TRY(backend.sql, PgSql::open(url, kControlSchema, Durability::full, Control::steps()));
  FM_TRY(answers, PgSql::open(url, kAnswersSchema, Durability::normal, Answers::steps()));
  FM_TRY(sessions, PgSql::open(url, kSessionsSchema, Durability::normal, McpSessions::steps()));
  backend.depot = std::make_unique<PgDepot>(url, clock, kMostDbConnections);
  return {};
}

Result<void> open_sqlite(const std::string& dir, const Clock& clock, Backend& backend, std::unique_ptr<Sql>& answers,
                         std::unique_ptr<Sql>& sessions) {
  FM_TRY_(make_private_dir(dir));
  FM_TRY(backend.depot, SqliteDepot::open(dir + "/tenants", clock, kMostOpenTenants));
  FM_TRY(backend.sql, SqliteSql::open(dir + "/control.db", Durability::full, Control::steps()));
  FM_TRY(answers, SqliteSql::open(dir + "/answers.db", Durability::normal, Answers::steps()));
  FM_TRY(sessions, SqliteSql::open(dir + "/sessions.db", Durability::normal, McpSessions::steps()));
  return {};
}

}  // namespace

Result<Backend> open_backend(const std::string& where, const Clock& clock, Entropy& entropy) {
  Backend backend;
  std::unique_ptr<Sql> answers, sessions;
  FM_TRY_(is_database_url(where) ? open_postgres(where, clock, backend, answers, sessions)
                                 : open_sqlite(where, clock, backend, answers, sessions));
  backend.answers = std::make_unique<Answers>(std::move(answers));
  backend.sessions = std::make_unique<McpSessions>(std::move(sessions));
  backend.control = std::make_unique<Control>(*backend.sql, *backend.depot, clock, entropy);
  return backend;
}

}  // namespace fortium::service
