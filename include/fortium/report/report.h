// The answer to a question, as a value: titled, typed tables of what was recorded in a period. Renderers turn it into
// text; nothing here knows terminals, SQL or command lines. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fortium/metrics/report.h"
#include "fortium/report/zone.h"

namespace fortium::report {

// What a number in a column means, and so how people read it. Machines get numbers as they are: shares and changes as
// fractions (0.25 is 25 %), durations in milliseconds, costs in US dollars, times as RFC 3339 in UTC.
enum class Unit {
  text,
  id,        // text that is known by its first characters
  count,     // whole number
  share,     // 0 to 1
  change,    // against before: 0.25 is a quarter more
  duration,  // ms
  tokens,    // whole number, shortened for people
  usd,
  time,
  series,  // whole numbers, in order of time
};

struct Column {
  std::string_view name;   // "tokens.input": a dot nests in JSON; all three live as long as the program
  std::string_view title;  // for people
  Unit unit = Unit::text;
  int rank = 0;  // the highest are left out first where there is no room; 0 stays
  std::string_view doc;
};

using Series = std::vector<std::int64_t>;
// std::monostate: not known, or does not apply. Never zero in disguise.
using Value = std::variant<std::monostate, std::string, std::int64_t, double, WallTime, Series>;
using Row = std::vector<Value>;

enum class Layout {
  rows,
  card,  // no rows: what stands in totals and before, one below the other
  heat,  // a row a day: day, count
};

struct Table {
  std::string_view name;   // member in JSON, of all tables but the first
  std::string_view title;  // for people
  Layout layout = Layout::rows;
  std::vector<Column> columns;
  std::vector<Row> rows;  // as wide as columns
  Row totals = {};        // as wide as columns, or empty; of all rows there are, also of those that a limit left out
  Row before = {};        // totals of the period before, likewise
  std::string_view chart = {};  // column that is drawn as bars
};

struct Report {
  std::string_view question;  // "tools"
  std::string_view title;     // "Tools"
  metrics::Period period;
  metrics::Period before;  // what it is compared with
  Zone zone;
  std::string project, source;  // filters; empty: all
  std::vector<Table> tables;    // the first is the answer, others add to it
  std::vector<std::string> notes;
};

constexpr std::string_view kNothing = "nothing was recorded in this period";

// By how much a number grew, as a fraction; nothing where there was nothing before, or it is no number.
Value change_of(const Value& now, const Value& before);
// The same for a total of a table; nothing for shares, where a change of a change would confuse.
Value change_of(const Table& table, std::size_t column);
// Place of a column by its name; the number of columns, if there is none.
std::size_t place_of(const Table& table, std::string_view column);

}  // namespace fortium::report
