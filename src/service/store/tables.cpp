#include "tables.h"

#include "fortium/metrics/kind.h"
#include "fortium/schema/sql.h"

namespace fortium::service {

namespace {

using Type = Column::Type;

Type type_of(const schema::Field& field) {
  const std::string_view type = schema::column_type(field, schema::kSqlite);
  if (type == schema::kSqlite.integer) return Type::integer;
  return type == schema::kSqlite.real ? Type::real : Type::text;
}

Table with(std::string name, std::initializer_list<std::string_view> texts,
           std::initializer_list<std::string_view> integers) {
  Table table{std::move(name), {}};
  for (const std::string_view column : texts) table.columns.push_back({std::string(column), Type::text});
  for (const std::string_view column : integers) table.columns.push_back({std::string(column), Type::integer});
  return table;
}

std::vector<Table> make_tables() {
  std::vector<Table> tables;
  for (const metrics::Kind& kind : metrics::kinds()) {
    Table& table = tables.emplace_back(Table{std::string(kind.name), {}});
    for (const schema::Field& field : kind.shape) table.columns.push_back({std::string(field.name), type_of(field)});
  }
  tables.push_back(with("ledger", {"session_id", "day", "kind", "device_id", "digest"}, {"count", "last"}));
  tables.push_back(with("slice", {"kind", "name", "session_id", "user_id", "project", "source"},
                        {"hour", "count", "success", "error", "timeout", "cancelled", "timed", "total_us", "min_us",
                         "max_us", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens",
                         "priced", "cost_nano_usd", "minutes", "first", "last"}));
  tables.back().columns.push_back({"durations", Type::bytes});
  tables.push_back(with("thinned", {}, {"hour"}));
  tables.push_back(with("gone", {"kind", "id"}, {}));
  return tables;
}

}  // namespace

std::span<const Table> place_tables() {
  static const std::vector<Table> tables = make_tables();
  return tables;
}

std::string columns_of(const Table& table) {
  std::string out;
  for (const Column& column : table.columns) out += (out.empty() ? "" : ", ") + column.name;
  return out;
}

}  // namespace fortium::service
