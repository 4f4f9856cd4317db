#include "measures.h"

#include <algorithm>
#include <optional>

namespace fortium::report {

std::size_t place_of(const Table& table, std::string_view column) {
  return static_cast<std::size_t>(std::ranges::find(table.columns, column, &Column::name) - table.columns.begin());
}

Value change_of(const Value& now, const Value& before) {
  const auto number = [](const Value& value) -> std::optional<double> {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
    if (const auto* real = std::get_if<double>(&value)) return *real;
    return std::nullopt;
  };
  const auto to = number(now), from = number(before);
  return to && from && *from > 0 ? Value(*to / *from - 1) : Value();
}

Value change_of(const Table& table, std::size_t column) {
  if (table.columns[column].unit == Unit::share) return {};
  return change_of(table.totals[column], table.before[column]);
}

Value trend(const Seen& seen) {
  const metrics::Figures &now = seen.it.outcomes, &before = seen.before.outcomes;
  if (now.timed < kFew || before.timed < kFew || before.total_us == 0) return {};
  const auto mean = [](const metrics::Figures& of) {
    return static_cast<double>(of.total_us) / static_cast<double>(of.timed);
  };
  return std::string(name(metrics::trend_of(mean(now), mean(before))));
}

Value series(const Seen& seen) {
  const std::size_t parts = std::min(seen.days.size(), kMostParts);
  Series out(parts);
  for (std::size_t i = 0; i < seen.days.size(); ++i)
    if (const auto at = seen.it.by_day.find(seen.days[i]); at != seen.it.by_day.end())
      out[i * parts / seen.days.size()] += at->second;
  return out;
}

}  // namespace fortium::report
