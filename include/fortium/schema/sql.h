// A shape as a table. The only place that knows how a field type is stored. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "fortium/schema/field.h"

namespace fortium::schema {

// What differs between databases, as data.
struct Dialect {
  std::string_view integer;
  std::string_view real;
  std::string_view text;
  std::string_view table_suffix;  // after the closing parenthesis of CREATE TABLE
};

constexpr Dialect kSqlite{"INTEGER", "REAL", "TEXT", " WITHOUT ROWID, STRICT"};
// Rows lie in the order in which they came, with an index of their keys beside them.
constexpr Dialect kSqliteByArrival{"INTEGER", "REAL", "TEXT", " STRICT"};
// Texts are compared byte by byte, as in SQLite.
constexpr Dialect kPostgres{"BIGINT", "DOUBLE PRECISION", "TEXT COLLATE \"C\"", ""};

// The first field is the primary key. Columns are the fields, in order, under their own names; then `extra`, columns of
// the store's own, if there are any.
std::string create_table(std::string_view table, Shape shape, const Dialect& dialect, std::string_view extra);
// INSERT of all columns, and of the named `extra` ones after them; a row whose key is there already is left alone.
std::string insert_into(std::string_view table, Shape shape, std::string_view extra);
// The names of all columns in order: "id, timestamp, …".
std::string columns_of(Shape shape);
// Of what type a field is kept.
std::string_view column_type(const Field& field, const Dialect& dialect);
// SELECT of all columns in order, without a WHERE.
std::string select_from(std::string_view table, Shape shape);

}  // namespace fortium::schema
