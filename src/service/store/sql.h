// The service's own small tables (who there is, what was answered) in one of two engines, behind one dialect.
//
// Statements are written so that both take them: parameters are $1, $2, …; columns are TEXT, BIGINT or DOUBLE
// PRECISION; times are milliseconds since 1970. What belongs to an organization has its id in a column called `tenant`.
// A statement that fails within write() ends all of it. An engine keeps a statement prepared under its text, so texts
// are constants. One instance belongs to one thread.
#pragma once

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/schema/check.h"

namespace fortium::service {

// What a statement gave: rows of integers, numbers, texts, and nothing for NULL.
struct Rows {
  std::vector<schema::Row> rows;
  std::int64_t changed = 0;  // by the statement

  bool empty() const { return rows.empty(); }
};

// A value for a parameter.
inline schema::Value value(std::string_view text) { return std::string(text); }
inline schema::Value value(std::int64_t number) { return number; }
inline schema::Value value(WallTime time) { return to_ms(time); }
template <class T>
schema::Value value(const std::optional<T>& maybe) {
  return maybe ? value(*maybe) : schema::Value();
}

// What stands in a column: its type must be right.
inline const std::string& text_at(const schema::Row& row, std::size_t column) {
  return std::get<std::string>(row[column]);
}
inline std::int64_t integer_at(const schema::Row& row, std::size_t column) {
  return std::get<std::int64_t>(row[column]);
}
inline WallTime time_at(const schema::Row& row, std::size_t column) { return from_ms(integer_at(row, column)); }
inline std::optional<WallTime> maybe_time_at(const schema::Row& row, std::size_t column) {
  return row[column].index() == 0 ? std::nullopt : std::optional(time_at(row, column));
}

// A table that `steps` made, and its columns in order.
struct SqlTable {
  std::string name;
  std::vector<std::string> columns;

  // Where a column is; beyond the last for one that is not there.
  std::size_t at(std::string_view column) const {
    return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), column) - columns.begin());
  }
  std::string list() const {
    std::string out;
    for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + column;
    return out;
  }
};

// Of rows that name a table and a column each.
inline std::vector<SqlTable> tables_of(const Rows& names) {
  std::vector<SqlTable> tables;
  for (const schema::Row& row : names.rows) {
    if (tables.empty() || tables.back().name != text_at(row, 0)) tables.push_back({text_at(row, 0), {}});
    tables.back().columns.push_back(text_at(row, 1));
  }
  return tables;
}

class Sql {
 public:
  virtual ~Sql() = default;
  virtual Result<Rows> run(std::string_view sql, std::span<const schema::Value> values) = 0;
  template <class... Args>
  Result<Rows> run(std::string_view sql, const Args&... args) {
    const std::initializer_list<schema::Value> values = {value(args)...};
    return run(sql, std::span(values.begin(), values.size()));
  }
  // Everything `work` does is one transaction, alone among the writers: committed when it returns ok, undone when not.
  // Within another one's work it is a part of that.
  Result<void> write(const std::function<Result<void>()>& work) {
    if (writing_) return work();
    const Writing now(writing_);
    return transaction(work);
  }
  virtual Result<std::vector<SqlTable>> tables() = 0;
  // What can wait: not on the path of an answer.
  virtual Result<void> tidy() { return {}; }

 protected:
  bool is_writing() const { return writing_; }

 private:
  class Writing {
   public:
    explicit Writing(bool& flag) : flag_(flag) { flag_ = true; }
    ~Writing() { flag_ = false; }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;

   private:
    bool& flag_;
  };
  virtual Result<void> transaction(const std::function<Result<void>()>& work) = 0;

  bool writing_ = false;
};

}  // namespace fortium::service
