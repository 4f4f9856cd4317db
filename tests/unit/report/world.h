// Records for answers: a reader over a list of them, and two weeks of made-up work, the same in every run.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "fortium/metrics/empty_reader.h"
#include "fortium/report/questions.h"
#include "fortium/report/render.h"
#include "support/dice.h"
#include "support/events.h"
#include "support/time_zone.h"

namespace fortium::test {

class ListReader final : public metrics::EmptyReader {
 public:
  explicit ListReader(std::vector<metrics::Event> events) : events_(std::move(events)) {}

  Result<void> slices(const metrics::Period& period, Millis phase, const metrics::Wanted&,
                      const std::function<bool(const metrics::Slice&)>& take) override {
    metrics::Slicer slicer(phase);
    for (const metrics::Event& event : events_)
      if (event.timestamp() >= period.since && event.timestamp() < period.until) slicer.add(event);
    for (const auto& [key, figures] : slicer.slices())
      if (!take({key, figures})) break;
    return {};
  }

 private:
  const std::vector<metrics::Event> events_;
};

constexpr WallTime kNow = from_ms(FakeClock::kStart);

struct Name {
  std::string_view kind, name;
};
// The last ones try to be more than names.
constexpr Name kNames[] = {{"tool_usage", "Bash"},
                           {"tool_usage", "Read"},
                           {"tool_usage", "Edit"},
                           {"tool_usage", "mcp__github__create_pull_request"},
                           {"command_execution", "/plan-product"},
                           {"command_execution", "/commit"},
                           {"agent_interaction", "code-reviewer"},
                           {"agent_interaction", "日本語エージェント"},
                           {"model_usage", "claude-opus-5-5"},
                           {"model_usage", "a-model-without-a-price"},
                           {"user_session", "update"},
                           {"tool_usage", "=HYPERLINK(\"http://x\",\"y\")"},
                           {"tool_usage", "<script>alert(1)</script>|`*_\\\"'&"},
                           {"command_execution", "/red\x1b[31m\xe2\x80\xaetxt"}};

inline metrics::Event made_up(Dice& dice, int number, std::int64_t at, const std::string& session) {
  const Name& what = dice.one_in(12) ? kNames[11 + dice.below(3)] : kNames[dice.below(11)];
  metrics::Event event = event_of(what.kind, "id" + std::to_string(number), session, at);
  event.row[metrics::kEnvelopeSize] = std::string(what.name);
  constexpr const char* kProjects[] = {"shop", "api", "docs | notes"};
  if (const std::size_t project = session.empty() ? 3 : static_cast<std::size_t>(session.back()) % 4; project < 3)
    event.row[metrics::kProject] = std::string(kProjects[project]);
  event.row[metrics::kSource] = std::string(dice.one_in(3) ? "import" : "hook");
  if (what.kind == "model_usage") {
    value_of(event, "input_tokens") = dice.between(1, 60);
    value_of(event, "output_tokens") = dice.between(1, 4'000);
    value_of(event, "cache_read_tokens") = dice.between(0, 150'000);
    value_of(event, "cache_creation_tokens") = dice.between(0, 5'000);
    if (what.name.starts_with("claude"))
      value_of(event, "cost_usd") = static_cast<double>(dice.between(1, 300'000)) / 1e6;
  } else if (what.kind != "user_session") {
    value_of(event, "status") = std::string(dice.one_in(9) ? metrics::kStatuses[1 + dice.below(3)] : "success");
    value_of(event, "execution_time_ms") = static_cast<double>(dice.between(1, 9'000'000)) / 1'000;
    if (dice.one_in(10)) value_of(event, "execution_time_ms") = schema::Value();
  }
  return event;
}

// `days` days of work up to kNow.
inline std::vector<metrics::Event> made_up_work(int days, std::uint64_t seed = 1) {
  constexpr std::int64_t kDayMs = 86'400'000;
  Dice dice(seed);
  std::vector<metrics::Event> out;
  for (int day = days; day > 0; --day)
    for (std::int64_t session = dice.between(0, 2); session > 0; --session) {
      std::string id = std::to_string(day) + "f1c2d3e-0000-4000-8000-00000000000" + std::to_string(dice.below(8));
      std::int64_t at = FakeClock::kStart - day * kDayMs + dice.between(0, kDayMs / 2);
      for (std::int64_t left = dice.between(3, 40); left > 0 && at < FakeClock::kStart; --left) {
        out.push_back(made_up(dice, static_cast<int>(out.size()), at, dice.one_in(30) ? "" : id));
        at += dice.between(500, 500'000);
      }
    }
  return out;
}

inline report::Asked asked_of(const report::Question& question, report::By by = report::By::day) {
  report::Asked asked{.zone = report::Zone::system(), .by = by, .explain = true};
  asked.period = default_period(question, by, asked.zone, kNow);
  return asked;
}

}  // namespace fortium::test
