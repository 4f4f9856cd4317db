#include "forms.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

namespace fortium::report {

namespace {

std::string render_json(const Report& report, const Look& /*look*/) { return dump_json(to_json(report)) + "\n"; }

constexpr Form kForms[] = {
    {"table", "for the terminal", false, to_table},
    {"json", "one JSON document", true, render_json},
    {"csv", "comma-separated values (RFC 4180)", true, to_csv},
    {"markdown", "for a pull request or a chat", false, to_markdown},
    {"html", "one page with charts, complete in itself", false, to_html},
};

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string people_usd(double usd) {
  if (usd < 1'000 || usd > 1e15) return format(usd > 0 && usd < 0.01 ? "$%.4f" : "$%.2f", usd);
  const std::int64_t cents = std::llround(usd * 100);
  return "$" + with_thousands(cents / 100) + format(".%02.0f", static_cast<double>(cents % 100));
}

std::string people_real(double value, Unit unit) {
  switch (unit) {
    case Unit::share: return format("%.1f %%", 100 * value);
    case Unit::change: return std::fabs(value) < 0.005 ? "0 %" : format("%+.0f %%", 100 * value);
    case Unit::duration: return value == 0 ? "0 s" : human_ms(value);
    case Unit::usd: return people_usd(value);
    case Unit::text:
    case Unit::id:
    case Unit::count:
    case Unit::tokens:
    case Unit::time:
    case Unit::series: break;
  }
  return format("%g", value);
}

std::optional<double> number_in(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return std::nullopt;
}

}  // namespace

std::span<const Form> forms() { return kForms; }

const Form* find_form(std::string_view name) {
  const auto* const at = std::ranges::find(kForms, name, &Form::name);
  return at != std::end(kForms) ? at : nullptr;
}

std::string read_by_people(const Value& value, Unit unit, const Zone& zone) {
  struct Reading {
    Unit unit;
    const Zone& zone;
    std::string operator()(std::monostate) const { return std::string(kNotKnown); }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(std::int64_t number) const {
      return unit == Unit::tokens ? human_tokens(number) : with_thousands(number);
    }
    std::string operator()(double number) const { return people_real(number, unit); }
    std::string operator()(WallTime time) const { return local_text(time, zone); }
    std::string operator()(const Series& series) const { return sparkline(series); }
  };
  return std::visit(Reading{unit, zone}, value);
}

std::string sparkline(const Series& series) {
  constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::int64_t kSteps = std::size(kBars) - 1;
  const std::int64_t most = series.empty() ? 0 : std::ranges::max(series);
  std::string out;
  // Nothing is the lowest bar, and only nothing.
  for (const std::int64_t value : series)
    out += kBars[value <= 0 ? 0 : std::max<std::int64_t>(1, (value * kSteps + most - 1) / most)];
  return out;
}

std::string local_text(WallTime time, const Zone& zone) {
  const LocalTime local = zone.local(time);
  char clock[16];
  std::snprintf(clock, sizeof clock, " %02d:%02d", local.hour, local.minute);
  return day_text(local.day) + clock;
}

std::string heading_of(const Report& report) {
  std::string out(report.title);
  if (!report.project.empty()) out += " · project " + report.project;
  if (!report.source.empty()) out += " · source " + report.source;
  return out;
}

std::string period_text(const Report& report) {
  return local_text(report.period.since, report.zone) + " – " + local_text(report.period.until, report.zone) + " (" +
         report.zone.name() + ")";
}

double part_of(const Value& value, const Value& longest) {
  const auto number = number_in(value), whole = number_in(longest);
  return number && whole && *whole > 0 ? std::clamp(*number / *whole, 0.0, 1.0) : 0;
}

Value greatest(const Table& table, std::size_t column) {
  Value out;
  for (const Row& row : table.rows)
    if (const auto number = number_in(row[column]); number && *number > number_in(out).value_or(0)) out = row[column];
  return out;
}

bool is_along_time(const Table& table) {
  const std::string_view first = table.columns.front().name;
  return first == "day" || first == "week" || first == "month" || first == "hour";
}

std::vector<CardLine> card_lines(const Table& card, const Zone& zone) {
  std::vector<CardLine> out;
  for (std::size_t i = 0; i < card.columns.size(); ++i) {
    const Unit unit = card.columns[i].unit;
    CardLine line{std::string(card.columns[i].title), read_by_people(card.totals[i], unit, zone), "", ""};
    if (!card.before.empty()) {
      line.before = read_by_people(card.before[i], unit, zone);
      line.change = read_by_people(change_of(card, i), Unit::change, zone);
    }
    out.push_back(std::move(line));
  }
  return out;
}

std::vector<HeatWeek> heat_weeks(const Table& heat) {
  constexpr std::int64_t kLevels = 4;
  const auto most = number_in(greatest(heat, 1)).value_or(0);
  std::vector<HeatWeek> out;
  for (const Row& row : heat.rows) {
    const auto& day = std::get<std::string>(row[0]);
    const auto count = std::get<std::int64_t>(row[1]);
    const auto time = parse_rfc3339(day + "T00:00:00Z");
    if (!time) continue;
    const auto date = std::chrono::floor<std::chrono::days>(*time);
    const std::string monday = day_text(monday_of(date));
    if (out.empty() || out.back().monday != monday) out.push_back({monday, {-1, -1, -1, -1, -1, -1, -1}, {}, {}});
    const auto place = static_cast<std::size_t>((date - monday_of(date)).count());
    out.back().levels[place] =
        count <= 0 ? 0 : static_cast<int>(std::ceil(static_cast<double>(kLevels * count) / most));
    out.back().days[place] = day;
    out.back().counts[place] = count;
  }
  return out;
}

}  // namespace fortium::report
