// PostgreSQL with C++ lifetimes: a connection, its statements, their rows. The only header of the house that stands for
// libpq.
//
// Values go both ways in binary, so nothing is quoted and nothing is escaped. A statement stays prepared under its text
// and the types of its values. Several statements that are sent together take one round trip. Errors carry PostgreSQL's
// SQLSTATE mapped to Errc, never a bound value and never the password. A connection belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"
#include "fortium/schema/check.h"

struct pg_conn;
struct pg_result;

namespace fortium::service {

// Whether a place of a store is named by the URL of a database.
bool is_database_url(std::string_view where);
// "postgresql://user:password@host/db" without its password, for people; nothing of it, if it is malformed.
std::string without_password(std::string_view url);

// What PostgreSQL calls the types that we use.
enum class PgType : std::uint32_t { unknown = 0, bytes = 17, integer = 20, text = 25, real = 701 };

// A value of a statement.
struct PgParam {
  std::uint32_t type = 0;
  std::optional<std::string> bytes;  // absent: NULL
};
PgParam param(std::string_view text);
PgParam param(std::int64_t number);
PgParam param(double number);
PgParam value_param(const schema::Value& value);
PgParam bytes_param(std::string_view bytes);

// Values of one type as one parameter, for unnest().
class PgArray {
 public:
  explicit PgArray(PgType type) : type_(type) {}
  PgArray& add(std::string_view text);
  PgArray& add(std::int64_t number);
  PgArray& add(double number);
  PgArray& add_value(const schema::Value& value);
  PgParam param() const;

 private:
  void append(std::string_view bytes);

  PgType type_;
  std::string elements_;
  std::int32_t count_ = 0;
  bool any_null_ = false;
};

// The rows that a statement gave. A column is read as what it is: text and bytea as text, bigint as integer.
class PgRows {
 public:
  PgRows() = default;
  explicit PgRows(pg_result* result) : result_(result) {}

  int size() const;
  int columns() const;
  std::int64_t changed() const;  // by the statement
  bool is_null(int row, int column) const;
  std::string_view text(int row, int column) const;
  std::int64_t integer(int row, int column) const;  // 0 for NULL
  double real(int row, int column) const;
  schema::Value value(int row, int column) const;

 private:
  struct Free {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Free> result_;
};

struct PgQuery {
  std::string sql;
  std::vector<PgParam> params = {};
  bool once = false;  // not kept prepared
};

class Pg {
 public:
  // unavailable: nobody answers there; unauthorized; invalid: the URL is malformed, or the database is not in UTF-8.
  static Result<std::unique_ptr<Pg>> open(const std::string& url);
  ~Pg();
  Pg(const Pg&) = delete;
  Pg& operator=(const Pg&) = delete;

  // In one round trip, in order. What follows one that fails is not run, and its error is the result.
  Result<std::vector<PgRows>> run(std::span<const PgQuery> queries);
  Result<PgRows> run(std::string sql, std::vector<PgParam> params = {});
  // Statements without values and rows, separated by semicolons; one transaction, if they begin none.
  Result<void> exec(const std::string& sql);
  // The rows of a SELECT, a page at a time, until `take` says no. Within a transaction.
  Result<bool> each(const std::string& select, std::vector<PgParam> params,
                    const std::function<Result<bool>(const PgRows& rows, int row)>& take);

  // Everything `work` does is one transaction: committed when it returns ok, undone when not. `begin`: what is run
  // first, in one round trip, BEGIN as the first of it.
  Result<void> transaction(std::span<const PgQuery> begin, const std::function<Result<void>()>& work);

  // After an error within a transaction that was begun by hand.
  void undo();

  // Usable, as far as can be told without asking.
  bool healthy();
  bool in_transaction() const;
  // Asked every few milliseconds while something runs; `no` ends that with `cancelled`. Must not use the connection.
  void watch(std::function<bool()> go_on) { go_on_ = std::move(go_on); }

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  using Connection = std::unique_ptr<pg_conn, Close>;
  explicit Pg(Connection connection) : connection_(std::move(connection)) {}

  Result<void> send(const PgQuery& query);
  Result<std::string> prepared(const PgQuery& query);
  Result<PgRows> next();
  Result<pg_result*> wait_for_result();
  Result<void> wait_for_input();
  void cancel();
  Error error_of(const pg_result* result);
  Error broken();

  Connection connection_;
  std::map<std::string, std::string, std::less<>> prepared_;  // text and types, name
  std::vector<std::string> preparing_;                        // in the round trip at work
  std::size_t names_ = 0;                                     // given to statements and cursors
  std::function<bool()> go_on_;
  bool cancelled_ = false;
  bool broken_ = false;
};

}  // namespace fortium::service
