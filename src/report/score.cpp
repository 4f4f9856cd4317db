#include "score.h"

#include <algorithm>
#include <cmath>

namespace fortium::report {

namespace {

struct Input {
  std::string_view name, what;
  double weight;
  Value value;  // 0 to 1
};

Value speed_of(const Groups& now, const Groups& before) {
  double at_means_before = 0, taken = 0;
  for (const auto& [group, tally] : now) {
    const auto was = before.find(group);
    if (was == before.end() || tally.outcomes.timed < kFew || was->second.outcomes.timed < kFew) continue;
    taken += static_cast<double>(tally.outcomes.total_us);
    at_means_before += static_cast<double>(tally.outcomes.timed) * (static_cast<double>(was->second.outcomes.total_us) /
                                                                    static_cast<double>(was->second.outcomes.timed));
  }
  return taken > 0 ? Value(std::min(1.0, at_means_before / taken)) : Value();
}

std::vector<Input> inputs_of(const Tally& all, const Groups& now, const Groups& before) {
  return {{"success", "share that ended in success", 40,
           ratio(all.outcomes.count - all.outcomes.errors(), all.outcomes.count)},
          {"focus", "active time in stretches of 25 minutes or more", 30,
           ratio(all.time.focused().count(), all.time.total().count())},
          {"speed", "durations against the period before", 30, speed_of(now, before)}};
}

double weight_of(const std::vector<Input>& inputs) {
  double known = 0;
  for (const Input& input : inputs) known += input.value.index() != 0 ? input.weight : 0;
  return known;
}

}  // namespace

Value score_of(const Tally& all, const Groups& now, const Groups& before) {
  const std::vector<Input> inputs = inputs_of(all, now, before);
  const double known = weight_of(inputs);
  if (known == 0) return {};
  double sum = 0;
  for (const Input& input : inputs)
    if (const auto* value = std::get_if<double>(&input.value)) sum += input.weight * *value;
  return static_cast<std::int64_t>(std::floor(100 * sum / known + 0.5));
}

void add_score(Report& report, const Tally& all, const Groups& now, const Groups& before) {
  Table table{.name = "score", .title = "How the score comes about"};
  table.columns = {{"input", "Input", Unit::text, 0, "What goes in."},
                   {"value", "Value", Unit::share, 0, "From 0 to 1."},
                   {"weight", "Weight", Unit::count, 0, "Of 100, where all three are known."},
                   {"points", "Points", Unit::count, 0, "What it adds to the score."},
                   {"meaning", "Meaning", Unit::text, 1, "How it is computed."}};
  const std::vector<Input> inputs = inputs_of(all, now, before);
  const double known = weight_of(inputs);
  for (const Input& input : inputs) {
    const auto* value = std::get_if<double>(&input.value);
    table.rows.push_back({std::string(input.name), input.value, static_cast<std::int64_t>(input.weight),
                          value != nullptr
                              ? Value(static_cast<std::int64_t>(std::floor(100 * input.weight * *value / known + 0.5)))
                              : Value(),
                          std::string(input.what)});
  }
  report.tables.push_back(std::move(table));
  report.notes.emplace_back(
      "score: 100 x the mean of success (weight 40), focus (30) and speed (30), of those that are known; speed is the "
      "time "
      "that the calls would have taken at the mean durations of the period before, of the time they took, at most 1, "
      "for "
      "what was timed at least 5 times in both");
}

}  // namespace fortium::report
