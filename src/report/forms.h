// What renderers share. Private to report.
#pragma once

#include <string>
#include <string_view>

#include "fortium/report/render.h"
#include "fortium/report/words.h"

namespace fortium::report {

std::string to_table(const Report& report, const Look& look);
std::string to_csv(const Report& report, const Look& look);
std::string to_markdown(const Report& report, const Look& look);
std::string to_html(const Report& report, const Look& look);

constexpr std::string_view kNotKnown = "–";
// A value as people read it, kNotKnown where there is none. Texts are as they were recorded, so each form has to make
// them harmless in its own way.
std::string read_by_people(const Value& value, Unit unit, const Zone& zone);
// Bars, the higher the more, of a series.
std::string sparkline(const Series& series);
// "2026-01-02 14:05"
std::string local_text(WallTime time, const Zone& zone);
// "Tools · project shop", and "2026-01-02 14:05 – 2026-01-09 14:05 (Europe/Berlin)".
std::string heading_of(const Report& report);
std::string period_text(const Report& report);

constexpr bool is_number(Unit unit) { return unit != Unit::text && unit != Unit::id && unit != Unit::series; }
// Length of a bar as a part of the longest one.
double part_of(const Value& value, const Value& longest);
// The greatest number of a column; nothing if there is none above zero.
Value greatest(const Table& table, std::size_t column);

// A card as a table for people: its measures one below the other.
struct CardLine {
  std::string title, now, before, change;
};
std::vector<CardLine> card_lines(const Table& card, const Zone& zone);

// Days of a heat map, a week a column and Monday on top: 0 for no record, else 1 to 4 by quarters of the busiest day;
// -1 where the week has days outside the period.
struct HeatWeek {
  std::string monday;  // "2026-01-05"
  int levels[7];
  std::string days[7];
  std::int64_t counts[7];
};
std::vector<HeatWeek> heat_weeks(const Table& heat);

// A table after the first that has nothing to say is left out for people.
inline bool is_shown(const Report& report, const Table& table) {
  return &table == &report.tables.front() || table.layout == Layout::card || !table.rows.empty();
}

// Rows follow each other in time, as its first column says.
bool is_along_time(const Table& table);

}  // namespace fortium::report
