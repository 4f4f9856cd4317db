#include "sqlite_sql.h"

#include <algorithm>

#include "service/limits.h"

namespace fortium::service {

namespace {

constexpr Millis kLockWait{5'000};

// SQLite takes $1 for a name; its numbers are ?1.
std::string numbered(std::string_view sql) {
  std::string out(sql);
  std::ranges::replace(out, '$', '?');
  return out;
}

}  // namespace

Result<std::unique_ptr<SqliteSql>> SqliteSql::open(const std::string& path, store::Durability durability,
                                                   std::span<const std::string_view> steps) {
  FM_TRY(store::WriteLock lock, store::WriteLock::open(path + ".lock"));
  FM_TRY_(lock.take(kLockWait));
  auto db = store::Db::open(path, store::Db::Mode::create);
  if (!db) {
    lock.give_back();
    return std::move(db).error();
  }
  std::unique_ptr<SqliteSql> sql(new SqliteSql(std::move(*db), std::move(lock)));
  Result<void> prepared = sql->prepare(durability, steps);
  sql->lock_.give_back();
  if (!prepared) return std::move(prepared).error();
  return sql;
}

Result<void> SqliteSql::prepare(store::Durability durability, std::span<const std::string_view> steps) {
  FM_TRY_(db_.exec("PRAGMA trusted_schema = OFF"));
  FM_TRY(const std::int64_t version, db_.integer("PRAGMA user_version"));
  const auto ours = static_cast<std::int64_t>(steps.size());
  if (version > ours)
    return Error{Errc::corrupt, "the service's store has version " + std::to_string(version) +
                                    ", this program knows up to " + std::to_string(ours) +
                                    ": update fortium-metrics-server"};
  if (version == 0) FM_TRY_(db_.exec("PRAGMA journal_mode = WAL"));
  FM_TRY_(
      db_.exec(durability == store::Durability::full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  if (version == ours) return {};
  std::string sql = "BEGIN IMMEDIATE;";
  for (auto step = static_cast<std::size_t>(version); step < steps.size(); ++step) sql += steps[step];
  sql += "PRAGMA user_version = " + std::to_string(ours) + "; COMMIT;";
  Result<void> done = db_.exec(sql);
  if (!done) (void)db_.exec("ROLLBACK");
  return done;
}

Result<Rows> SqliteSql::run(std::string_view sql, std::span<const schema::Value> values) {
  auto at = prepared_.find(sql);
  if (at == prepared_.end()) {
    FM_TRY(store::Statement made, db_.prepare(numbered(sql)));
    at = prepared_.emplace(std::string(sql), std::move(made)).first;
  }
  store::Statement& statement = at->second;
  const schema::Row row_of_values(values.begin(), values.end());
  statement.bind_row(row_of_values);
  Rows out;
  while (true) {
    auto more = statement.step();
    if (!more) {
      statement.reset();
      return std::move(more).error();
    }
    if (!*more) break;
    schema::Row& row = out.rows.emplace_back();
    for (int column = 0; column < statement.columns(); ++column) row.push_back(statement.value(column));
  }
  out.changed = db_.changes();
  return out;
}

Result<void> SqliteSql::transaction(const std::function<Result<void>()>& work) {
  FM_TRY_(lock_.take(kLockWait));
  Result<void> done = db_.exec("BEGIN IMMEDIATE");
  if (done) {
    done = work();
    if (done) done = db_.exec("COMMIT");
    if (!done) (void)db_.exec("ROLLBACK");  // fails where SQLite has rolled back by itself
  }
  lock_.give_back();
  return done;
}

Result<std::vector<SqlTable>> SqliteSql::tables() {
  FM_TRY(const Rows names, run("SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c "
                               "WHERE t.type = 'table' ORDER BY t.name, c.cid"));
  return tables_of(names);
}

Result<void> SqliteSql::tidy() {
  if (db_.wal_frames() <= kTidyFrames) return {};
  FM_TRY_(lock_.take(kLockWait));
  Result<void> done = db_.checkpoint();
  lock_.give_back();
  return done;
}

}  // namespace fortium::service
