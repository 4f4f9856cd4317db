// Tables for a terminal, as wide as it is: what matters least is left out first, then texts are shortened.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "forms.h"

namespace fortium::report {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastText = 8, kGoodText = 24;  // columns of a text: at the least, and before others go
constexpr std::size_t kLeastBar = 8, kMostBar = 24;
constexpr std::string_view kBars = "(bars)";
constexpr std::size_t kIdChars = 8;
constexpr double kPoor = 0.9;  // success below this is pointed out

// SGR parameters.
constexpr std::string_view kBold = "1", kDim = "2", kRed = "31", kGreen = "32", kCyan = "36";

class Painter {
 public:
  explicit Painter(const Look& look) : look_(look) {}
  std::string operator()(std::string_view sgr, const std::string& text) const {
    if (!look_.colour || sgr.empty() || text.empty()) return text;
    return "\033[" + std::string(sgr) + "m" + text + "\033[0m";
  }

 private:
  const Look& look_;
};

struct Cell {
  std::string text;
  std::string_view sgr = {};
};

struct Shown {
  Column column;
  std::string title;
  std::vector<Cell> cells;
  std::size_t width = 0;
  bool right = false, flexible = false;
};

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

std::string_view colour_of(const Value& value, const Column& column) {
  if (column.name == "success_rate")
    if (const auto* share = std::get_if<double>(&value)) return *share < kPoor ? kRed : std::string_view();
  if (const auto* word = std::get_if<std::string>(&value); word != nullptr && column.name == "trend")
    return *word == "improving" ? kGreen : *word == "degrading" ? kRed : kDim;
  if (column.unit == Unit::series) return kCyan;
  return {};
}

Cell cell_of(const Value& value, const Column& column, const Zone& zone) {
  std::string text = harmless(read_by_people(value, column.unit, zone));
  if (column.unit == Unit::id && width_of(text) > kIdChars)
    text = shortened(text, kIdChars + 1), text.resize(text.size() - std::string_view("…").size());
  return {std::move(text), colour_of(value, column)};
}

std::size_t width_of_all(const std::vector<Shown>& columns) {
  std::size_t width = 0;
  for (const Shown& column : columns) width += column.width + (width > 0 ? kGap : 0);
  return width;
}

// Makes texts narrower, the widest first, until all fits or none is wider than `least`.
void shorten(std::vector<Shown>& columns, std::size_t width, std::size_t least) {
  while (width_of_all(columns) > width) {
    Shown* widest = nullptr;
    for (Shown& column : columns)
      if (column.flexible && column.width > least && (widest == nullptr || column.width > widest->width))
        widest = &column;
    if (widest == nullptr) return;
    --widest->width;
  }
}

void fit(std::vector<Shown>& columns, std::size_t width) {
  shorten(columns, width, kGoodText);
  while (width_of_all(columns) > width) {
    const auto least = std::ranges::max_element(columns, {}, [](const Shown& one) { return one.column.rank; });
    if (least->column.rank == 0) break;
    columns.erase(least);
  }
  shorten(columns, width, kLeastText);
  shorten(columns, width, 1);
}

std::string padded(const Shown& column, const Cell& cell, const Painter& paint) {
  const std::string text = shortened(cell.text, column.width);
  const std::string gap(column.width - std::min(column.width, width_of(text)), ' ');
  return column.right ? gap + paint(cell.sgr, text) : paint(cell.sgr, text) + gap;
}

std::string lines_of(const std::vector<Shown>& columns, const Painter& paint) {
  std::string out;
  const auto line = [&](const auto& cell_at) {
    std::string text;
    for (std::size_t i = 0; i < columns.size(); ++i)
      text += (i == 0 ? "" : std::string(kGap, ' ')) + padded(columns[i], cell_at(columns[i]), paint);
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line([](const Shown& column) { return Cell{column.title, kDim}; });
  for (std::size_t row = 0; row < columns.front().cells.size(); ++row)
    line([row](const Shown& column) { return column.cells[row]; });
  return out;
}

// A bar in eighths of a column; without Unicode, in whole ones.
std::string bar(double part, std::size_t width, bool unicode) {
  constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  auto eighths = static_cast<std::size_t>(std::lround(part * static_cast<double>(width) * 8));
  if (!unicode) eighths = (eighths + 4) / 8 * 8;
  if (part > 0) eighths = std::max<std::size_t>(eighths, unicode ? 1 : 8);
  std::string out;
  for (; eighths >= 8; eighths -= 8) out += "█";
  return out + kEighths[eighths];
}

// A place for bars, which gives way to what matters more, and grows into what is left.
void add_bars(std::vector<Shown>& columns, const Table& table) {
  if (std::ranges::none_of(columns, [&](const Shown& one) { return one.column.name == table.chart; })) return;
  const int rank = is_along_time(table) ? 2 : 5;
  columns.push_back({.column = {kBars, "", Unit::text, rank}, .width = kLeastBar});
}

void draw_bars(std::vector<Shown>& columns, const Table& table, const Look& look) {
  Shown& bars = columns.back();
  if (bars.column.name != kBars) return;
  bars.width = std::min(kMostBar, bars.width + look.width - std::min(look.width, width_of_all(columns)));
  const std::size_t charted = place_of(table, table.chart);
  const Value longest = greatest(table, charted);
  for (const Row& row : table.rows)
    bars.cells.push_back({bar(part_of(row[charted], longest), bars.width, look.unicode), kCyan});
  bars.cells.resize(columns.front().cells.size());  // none of the totals
}

std::string rows_text(const Table& table, const Report& report, const Look& look, const Painter& paint) {
  if (table.rows.empty()) return std::string(kNothing).append("\n");
  std::vector<Shown> columns;
  const bool totals = !table.totals.empty() && table.rows.size() > 1;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    Shown shown{.column = column,
                .title = upper(column.title),
                .right = is_number(column.unit),
                .flexible = column.unit == Unit::text};
    for (const Row& row : table.rows) shown.cells.push_back(cell_of(row[i], column, report.zone));
    if (totals) {
      Cell cell = i == 0 ? Cell{"total"} : cell_of(table.totals[i], column, report.zone);
      if (i > 0 && table.totals[i].index() == 0) cell.text.clear();
      cell.sgr = kBold;
      shown.cells.push_back(std::move(cell));
    }
    shown.width = width_of(shown.title);
    for (const Cell& cell : shown.cells) shown.width = std::max(shown.width, width_of(cell.text));
    // A column without a word says nothing.
    const bool blank = std::ranges::all_of(table.rows, [i](const Row& row) { return row[i].index() == 0; });
    const bool lonely = column.unit == Unit::series && std::get<Series>(table.rows.front()[i]).size() < 2;
    if (column.rank == 0 || (!blank && !lonely)) columns.push_back(std::move(shown));
  }
  add_bars(columns, table);
  fit(columns, look.width);
  draw_bars(columns, table, look);
  return lines_of(columns, paint);
}

std::string card_text(const Table& card, const Report& report, const Look& look, const Painter& paint) {
  const bool compared = !card.before.empty();
  std::vector<Shown> columns(compared ? 4 : 2);
  constexpr const char* kTitles[] = {"", "THIS PERIOD", "BEFORE", "CHANGE"};
  for (const CardLine& line : card_lines(card, report.zone)) {
    const std::string* parts[] = {&line.title, &line.now, &line.before, &line.change};
    for (std::size_t i = 0; i < columns.size(); ++i)
      columns[i].cells.push_back({*parts[i], i == 1 ? kBold : i > 1 ? kDim : ""});
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Shown& column = columns[i];
    column.title = compared ? kTitles[i] : "";
    column.column.rank = static_cast<int>(i);
    column.right = i > 0;
    column.width = width_of(column.title);
    for (const Cell& cell : column.cells) column.width = std::max(column.width, width_of(cell.text));
  }
  columns[0].column.rank = columns[1].column.rank = 0;
  fit(columns, look.width);
  std::string out = lines_of(columns, paint);
  return compared ? out : out.substr(out.find('\n') + 1);
}

std::string heat_text(const Table& heat, const Look& look, const Painter& paint) {
  constexpr const char* kDays[] = {"Mon ", "    ", "Wed ", "    ", "Fri ", "    ", "Sun "};
  constexpr const char* kLevels[] = {".", "░", "▒", "▓", "█"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::size_t kLabel = 4, kMonthName = 3;
  std::vector<HeatWeek> weeks = heat_weeks(heat);
  if (weeks.size() > look.width - kLabel)
    weeks.erase(weeks.begin(), weeks.end() - static_cast<std::ptrdiff_t>(look.width - kLabel));
  std::string months(kLabel, ' ');
  for (std::size_t i = 0; i < weeks.size(); ++i) {
    const std::string month = weeks[i].monday.substr(5, 2);
    if (months.size() > kLabel + i || (i > 0 && weeks[i - 1].monday.substr(5, 2) == month)) continue;
    if (i + kMonthName > weeks.size()) break;
    if (i == 0 && weeks[std::min(weeks.size() - 1, kMonthName)].monday.substr(5, 2) != month) continue;
    months.resize(kLabel + i, ' ');
    if (months.size() > kLabel && months.back() != ' ') continue;
    months += kMonths[std::stoi(month) - 1];
  }
  std::string out = paint(kDim, months) + "\n";
  for (std::size_t day = 0; day < 7; ++day) {
    std::string line = kDays[day];
    for (const HeatWeek& week : weeks) {
      const int level = week.levels[day];
      line += level < 0 ? " " : paint(level == 0 ? kDim : kGreen, kLevels[level]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out + paint(kDim, shortened("    . none  ░ ▒ ▓ █ up to each quarter of the busiest day", look.width)) + "\n";
}

// Words, broken so that no line is wider.
std::string wrapped(const std::string& text, std::size_t width, const std::string& indent) {
  std::string out, line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
      out += line + "\n";
      line = indent + word;
    } else {
      line += (line.empty() ? "" : " ") + word;
    }
    at = end + 1;
  }
  return out + line;
}

}  // namespace

std::string to_table(const Report& report, const Look& asked) {
  Look look = asked;
  look.width = std::max(look.width, kLeastWidth);
  const Painter paint(look);
  std::string out = paint(kBold, shortened(harmless(heading_of(report)), look.width)) + "\n" +
                    paint(kDim, shortened(harmless(period_text(report)), look.width)) + "\n";
  for (const Table& table : report.tables) {
    if (!is_shown(report, table)) continue;
    out += "\n";
    if (!table.title.empty()) out += paint(kBold, std::string(table.title)) + "\n";
    switch (table.layout) {
      case Layout::rows: out += rows_text(table, report, look, paint); break;
      case Layout::card: out += card_text(table, report, look, paint); break;
      case Layout::heat: out += heat_text(table, look, paint); break;
    }
  }
  if (!report.notes.empty()) out += "\n";
  for (const std::string& note : report.notes) out += paint(kDim, wrapped(harmless(note), look.width, "  ")) + "\n";
  return look.unicode ? out : to_ascii(out);
}

}  // namespace fortium::report
