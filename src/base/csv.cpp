#include "fortium/base/csv.h"

namespace fortium {

void append_csv(std::string& out, std::string_view cell) {
  if (cell.find_first_of(",\"\r\n") == cell.npos) {
    out += cell;
    return;
  }
  out += '"';
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_csv_for_people(std::string& out, std::string_view cell) {
  const bool formula = !cell.empty() && std::string_view("=+-@\t\r\n").find(cell.front()) != std::string_view::npos;
  append_csv(out, formula ? "'" + std::string(cell) : std::string(cell));
}

}  // namespace fortium
