#include "fortium/schema/sql.h"

namespace fortium::schema {

namespace {

std::string_view type_of(const Type& type, const Dialect& dialect) {
  struct Pick {
    const Dialect& dialect;
    std::string_view operator()(const Text&) const { return dialect.text; }
    std::string_view operator()(const Integer&) const { return dialect.integer; }
    std::string_view operator()(const Number&) const { return dialect.real; }
    std::string_view operator()(const Boolean&) const { return dialect.integer; }
    std::string_view operator()(const OneOf&) const { return dialect.text; }
    std::string_view operator()(const Timestamp&) const { return dialect.integer; }
    std::string_view operator()(const Object&) const { return dialect.text; }
    std::string_view operator()(const List&) const { return dialect.text; }
  };
  return std::visit(Pick{dialect}, type);
}

}  // namespace

std::string columns_of(Shape shape) {
  std::string out;
  for (const Field& field : shape) out += (out.empty() ? "" : ", ") + std::string(field.name);
  return out;
}

std::string_view column_type(const Field& field, const Dialect& dialect) { return type_of(field.type, dialect); }

std::string create_table(std::string_view table, Shape shape, const Dialect& dialect, std::string_view extra) {
  std::string sql = "CREATE TABLE " + std::string(table) + " (\n";
  for (const Field& field : shape) {
    const bool key = &field == &shape.front();
    sql += "  " + std::string(field.name) + " " + std::string(column_type(field, dialect));
    if (key) sql += " PRIMARY KEY";
    if (key || (field.need == Need::required && field.given == Given::caller)) sql += " NOT NULL";
    sql += &field == &shape.back() && extra.empty() ? "\n" : ",\n";
  }
  if (!extra.empty()) sql += "  " + std::string(extra) + "\n";
  return sql + ")" + std::string(dialect.table_suffix) + ";\n";
}

std::string insert_into(std::string_view table, Shape shape, std::string_view extra) {
  std::string marks;
  for (std::size_t i = 0; i < shape.size(); ++i) marks += i == 0 ? "?" : ", ?";
  return "INSERT INTO " + std::string(table) + " (" + columns_of(shape) + ", " + std::string(extra) + ") VALUES (" +
         marks + ", ?) ON CONFLICT DO NOTHING";
}

std::string select_from(std::string_view table, Shape shape) {
  return "SELECT " + columns_of(shape) + " FROM " + std::string(table);
}

}  // namespace fortium::schema
