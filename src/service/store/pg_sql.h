// Sql in PostgreSQL: tables in a schema of their own, shared by all instances of the service.
//
// Each statement outside of write() is a transaction of its own, sent in one round trip, and nothing is set for longer
// than a transaction: a pooler between us and the database changes nothing. A connection that was lost is opened again
// at the next call.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "pg.h"
#include "sql.h"
#include "store/database.h"

namespace fortium::service {

class PgSql final : public Sql {
 public:
  // `schema` is made where it is missing. `steps`: the SQL that brings it from version i to i + 1; several instances
  // may try at once. corrupt: it is of a newer version, and left untouched.
  static Result<std::unique_ptr<PgSql>> open(const std::string& url, std::string schema, store::Durability durability,
                                             std::span<const std::string_view> steps);

  using Sql::run;
  Result<Rows> run(std::string_view sql, std::span<const schema::Value> values) override;
  Result<std::vector<SqlTable>> tables() override;

 private:
  PgSql(std::string url, std::string schema, store::Durability durability)
      : url_(std::move(url)), schema_(std::move(schema)), durability_(durability) {}
  Result<void> migrate(std::span<const std::string_view> steps);
  Result<void> connect();
  Result<void> transaction(const std::function<Result<void>()>& work) override;
  std::vector<PgQuery> begin(bool alone) const;

  const std::string url_, schema_;
  const store::Durability durability_;
  std::unique_ptr<Pg> pg_;
};

}  // namespace fortium::service
