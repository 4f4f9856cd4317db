// RFC 4180: the first table, a header line and a line a row; machines' numbers and times. A card has a line a measure.
#include <iterator>

#include "forms.h"
#include "fortium/base/csv.h"
#include "fortium/base/json.h"

namespace fortium::report {

namespace {

struct Cell {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(const std::string& text) const {
    std::string out;
    append_csv_for_people(out, text);
    return out;
  }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const {
    std::string out;
    append_json_number(out, number);
    return out;
  }
  std::string operator()(WallTime time) const { return to_rfc3339(time); }
  std::string operator()(const Series& series) const {
    std::string out;
    for (const std::int64_t value : series) out += (out.empty() ? "" : " ") + std::to_string(value);
    return out;
  }
};

std::string cell(const Value& value) { return std::visit(Cell{}, value); }

}  // namespace

std::string to_csv(const Report& report, const Look& /*look*/) {
  const Table& table = report.tables.front();
  std::string out;
  if (table.layout == Layout::card) {
    out = "measure,value,before,change\r\n";
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      out += std::string(table.columns[i].name) + "," + cell(table.totals[i]) + "," + cell(table.before[i]) + "," +
             cell(change_of(table, i)) + "\r\n";
    return out;
  }
  const auto line = [&](const auto& cell_of) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) out += (i == 0 ? "" : ",") + cell_of(i);
    out += "\r\n";
  };
  line([&](std::size_t i) { return std::string(table.columns[i].name); });
  for (const Row& row : table.rows) line([&](std::size_t i) { return cell(row[i]); });
  return out;
}

}  // namespace fortium::report
