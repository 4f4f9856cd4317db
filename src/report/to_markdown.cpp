// Markdown that pastes into a pull request: tables as GitHub reads them. Texts from records are escaped.
#include <algorithm>
#include <cctype>

#include "forms.h"

namespace fortium::report {

namespace {

// Names as they are where Markdown sees nothing in them, else as code, where it sees nothing at all.
std::string escaped(std::string_view name) {
  std::string text = harmless(name);
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view(" -./:_(),").find(c) != std::string_view::npos;
  };
  if (std::ranges::all_of(text, plain) && !text.starts_with('_') && !text.ends_with('_')) return text;
  std::size_t longest = 0, run = 0;
  std::string out;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
    if (c == '|') out += '\\';
    out += c;
  }
  const std::string fence(longest + 1, '`');
  const std::string gap = longest > 0 ? " " : "";
  return fence + gap + out + gap + fence;
}

std::string cell_of(const Value& value, const Column& column, const Zone& zone) {
  const std::string text = read_by_people(value, column.unit, zone);
  return std::holds_alternative<std::string>(value) ? escaped(text) : text;
}

std::string line_of(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + cell + " |";
  return out + "\n";
}

std::string rule_of(const std::vector<bool>& right) {
  std::string out = "|";
  for (const bool one : right) out += one ? "---:|" : "---|";
  return out + "\n";
}

std::string rows_text(const Table& table, const Zone& zone) {
  if (table.rows.empty()) return std::string(kNothing).append("\n");
  std::vector<std::string> titles;
  std::vector<bool> right;
  for (const Column& column : table.columns) {
    titles.emplace_back(column.title);
    right.push_back(is_number(column.unit));
  }
  std::string out = line_of(titles) + rule_of(right);
  const auto cells = [&](const Row& row, bool totals) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string text = cell_of(row[i], table.columns[i], zone);
      if (totals) text = row[i].index() == 0 ? "" : "**" + text + "**";
      texts.push_back(std::move(text));
    }
    if (totals) texts[0] = "**total**";
    return texts;
  };
  for (const Row& row : table.rows) out += line_of(cells(row, /*totals=*/false));
  if (!table.totals.empty() && table.rows.size() > 1) out += line_of(cells(table.totals, /*totals=*/true));
  return out;
}

std::string card_text(const Table& card, const Zone& zone) {
  const bool compared = !card.before.empty();
  std::string out = compared ? line_of({"", "This period", "Before", "Change"}) + rule_of({false, true, true, true})
                             : line_of({"", ""}) + rule_of({false, true});
  for (const CardLine& line : card_lines(card, zone))
    out += compared ? line_of({line.title, "**" + line.now + "**", line.before, line.change})
                    : line_of({line.title, "**" + line.now + "**"});
  return out;
}

std::string heat_text(const Table& heat) {
  constexpr const char* kLevels[] = {"·", "░", "▒", "▓", "█"};
  const std::vector<HeatWeek> weeks = heat_weeks(heat);
  std::string out = "```text\n";
  for (std::size_t day = 0; day < 7; ++day) {
    std::string line;
    for (const HeatWeek& week : weeks) line += week.levels[day] < 0 ? " " : kLevels[week.levels[day]];
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out + "```\n";
}

}  // namespace

std::string to_markdown(const Report& report, const Look& /*look*/) {
  std::string out = "## " + std::string(report.title) + "\n\n" + period_text(report) + "\n";
  for (const auto& [what, name] : {std::pair{"project", &report.project}, {"source", &report.source}})
    if (!name->empty()) out += std::string("\nOnly ") + what + " " + escaped(*name) + ".\n";
  for (const Table& table : report.tables) {
    if (!is_shown(report, table)) continue;
    out += "\n";
    if (!table.title.empty()) out += "### " + std::string(table.title) + "\n\n";
    switch (table.layout) {
      case Layout::rows: out += rows_text(table, report.zone); break;
      case Layout::card: out += card_text(table, report.zone); break;
      case Layout::heat: out += heat_text(table); break;
    }
  }
  if (!report.notes.empty()) out += "\n";
  for (const std::string& note : report.notes) out += "- " + note + "\n";
  return out;
}

}  // namespace fortium::report
