#include "pg_sql.h"

#include "service/limits.h"

namespace fortium::service {

namespace {

Rows rows_of(const PgRows& from) {
  Rows out;
  for (int row = 0; row < from.size(); ++row) {
    schema::Row& values = out.rows.emplace_back();
    for (int column = 0; column < from.columns(); ++column) values.push_back(from.value(row, column));
  }
  out.changed = from.changed();
  return out;
}

// Texts are ordered and compared byte by byte, as in SQLite, whatever the language of the database.
std::string by_bytes(std::string_view step) {
  std::string out(step);
  constexpr std::string_view kText = " TEXT", kCollate = " COLLATE \"C\"";
  for (std::size_t at = out.find(kText); at != out.npos; at = out.find(kText, at + kText.size()))
    out.insert(at + kText.size(), kCollate);
  return out;
}

}  // namespace

Result<std::unique_ptr<PgSql>> PgSql::open(const std::string& url, std::string schema, store::Durability durability,
                                           std::span<const std::string_view> steps) {
  std::unique_ptr<PgSql> sql(new PgSql(url, std::move(schema), durability));
  FM_TRY_(sql->migrate(steps));
  return sql;
}

Result<void> PgSql::connect() {
  if (pg_ && pg_->healthy()) return {};
  pg_.reset();
  FM_TRY(pg_, Pg::open(url_));
  return {};
}

std::vector<PgQuery> PgSql::begin(bool alone) const {
  std::vector<PgQuery> queries = {
      {"BEGIN"},
      {"SELECT set_config('search_path', $1, true), set_config('synchronous_commit', $2, true), "
       "set_config('statement_timeout', $3, true)",
       {param(schema_ + ", pg_temp"), param(durability_ == store::Durability::full ? "on" : "off"),
        param(std::to_string(kStatementTime.count()))}}};
  if (alone) queries.push_back({"SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", {param(schema_)}});
  return queries;
}

Result<void> PgSql::migrate(std::span<const std::string_view> steps) {
  const auto ours = static_cast<std::int64_t>(steps.size());
  return write([&]() -> Result<void> {
    FM_TRY_(pg_->exec("CREATE SCHEMA IF NOT EXISTS " + schema_ +
                      "; CREATE TABLE IF NOT EXISTS schema_version (one BIGINT PRIMARY KEY, version BIGINT NOT NULL)"));
    FM_TRY(const Rows found, run("SELECT version FROM schema_version"));
    const std::int64_t version = found.empty() ? 0 : integer_at(found.rows.front(), 0);
    if (version > ours)
      return Error{Errc::corrupt, "the service's store has version " + std::to_string(version) +
                                      ", this program knows up to " + std::to_string(ours) +
                                      ": update fortium-metrics-server"};
    for (std::int64_t step = version; step < ours; ++step)
      FM_TRY_(pg_->exec(by_bytes(steps[static_cast<std::size_t>(step)])));
    FM_TRY_(
        run("INSERT INTO schema_version (one, version) VALUES (1, $1) "
            "ON CONFLICT (one) DO UPDATE SET version = excluded.version",
            ours));
    return {};
  });
}

namespace {

// These tables are made when the program starts: without one of them nothing works, and nobody's record is not found.
Error named(Error error) {
  if (error.code == Errc::not_found) error.code = Errc::corrupt;
  return error;
}

}  // namespace

Result<Rows> PgSql::run(std::string_view sql, std::span<const schema::Value> values) {
  PgQuery query{std::string(sql)};
  for (const schema::Value& one : values) query.params.push_back(value_param(one));
  if (is_writing()) {
    const auto rows = pg_->run({&query, 1});
    if (!rows) return named(rows.error());
    return rows_of(rows->front());
  }
  FM_TRY_(connect());
  std::vector<PgQuery> queries = begin(/*alone=*/false);
  queries.push_back(std::move(query));
  queries.push_back({"COMMIT"});
  const auto rows = pg_->run(queries);
  if (rows) return rows_of((*rows)[rows->size() - 2]);
  pg_->undo();
  return named(rows.error());
}

Result<void> PgSql::transaction(const std::function<Result<void>()>& work) {
  FM_TRY_(connect());
  return pg_->transaction(begin(/*alone=*/true), work);
}

Result<std::vector<SqlTable>> PgSql::tables() {
  FM_TRY(const Rows names,
         run("SELECT t.relname::text, c.attname::text FROM pg_class t JOIN pg_attribute c "
             "ON c.attrelid = t.oid WHERE t.relkind = 'r' AND t.relnamespace = $1::text::regnamespace "
             "AND t.relname <> 'schema_version' AND c.attnum > 0 AND NOT c.attisdropped "
             "ORDER BY t.relname, c.attnum",
             schema_));
  return tables_of(names);
}

}  // namespace fortium::service
