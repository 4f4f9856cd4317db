// Sql in an SQLite file, shared by its processes: `serve` and the commands beside it.
//
// The same rule as for the store of records: every write transaction and every checkpoint runs inside the write lock.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sql.h"
#include "store/database.h"

namespace fortium::service {

class SqliteSql final : public Sql {
 public:
  // `steps`: the SQL that brings the file from version i to i + 1. A file of a newer version is left untouched.
  static Result<std::unique_ptr<SqliteSql>> open(const std::string& path, store::Durability durability,
                                                 std::span<const std::string_view> steps);

  using Sql::run;
  Result<Rows> run(std::string_view sql, std::span<const schema::Value> values) override;
  Result<std::vector<SqlTable>> tables() override;
  // Moves a grown log into the file.
  Result<void> tidy() override;

 private:
  SqliteSql(store::Db db, store::WriteLock lock) : db_(std::move(db)), lock_(std::move(lock)) {}
  Result<void> prepare(store::Durability durability, std::span<const std::string_view> steps);
  Result<void> transaction(const std::function<Result<void>()>& work) override;

  store::Db db_;
  store::WriteLock lock_;
  std::map<std::string, store::Statement, std::less<>> prepared_;
};

}  // namespace fortium::service
