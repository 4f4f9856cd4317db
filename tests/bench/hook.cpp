// One event of Claude Code, from the spawn of the program to its end with a durable line: what every tool call waits
// for.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "measure.h"

namespace bench {

namespace {

constexpr int kAtOnce = 50;
constexpr double kMostTogether = 20;  // times that one alone takes
constexpr double kMostBytes = 4 << 20;

std::string event(int number) {
  return R"({"session_id":"08d94056-b607-48de-927a-93e87c92fc09","transcript_path":"/t.jsonl","cwd":"/w/shop",)"
         R"("prompt_id":"efb25d18-22c6-4b23-a6fb-41e3409349b6","permission_mode":"default",)"
         R"("hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{"command":"git status","description":"x"},)"
         R"("tool_response":{"stdout":"clean","stderr":"","interrupted":false,"isImage":false},"tool_use_id":"toolu_)" +
         std::to_string(number) + R"(","duration_ms":25})" + "\n";
}

std::string call(int number) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(number) + R"(,"method":"tools/call"})" + "\n";
}

// One that was started, and when.
class Run {
 public:
  Run(const Command& command, const std::string& input) : child_(command) {
    child_.send(input);
    child_.close_input();
  }
  Seconds finish() {
    if (child_.wait() != 0) throw child_.failure("did not end well");
    return Clock::now() - begin_;
  }

 private:
  const Clock::time_point begin_ = Clock::now();
  Child child_;
};

// All at once; how long each took.
template <class Begin>
void together(Begin&& begin, Samples& into) {
  std::vector<std::unique_ptr<Run>> crowd;
  for (int i = 0; i < kAtOnce; ++i) crowd.push_back(begin());
  for (const auto& run : crowd) into.add(run->finish());
}

double middle(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

// What one holds at most.
double peak_bytes(const Command& command, const std::string& input) {
  Child child(command);
  child.send(input);
  child.close_input();
  std::string said;
  while (child.read_more(said) > 0) continue;
  const double kibibytes = std::stod(said.substr(said.rfind('\n', said.size() - 2) + 1));  // behind the floor's answer
  if (child.wait() != 0) throw child.failure("did not end well");
  return kibibytes * 1024;
}

}  // namespace

Rows measure_hook(const Bench& bench) {
  const TempDir dir = bench.scratch();
  const Command ours = bench.ours(dir, {"hook"}), floor = bench.floor(dir, {"--leave-log"});
  int events = 0, calls = 0;
  const auto begin_hook = [&] { return std::make_unique<Run>(ours, event(events++)); };
  const auto begin_insert = [&] { return std::make_unique<Run>(floor, call(calls++)); };
  const auto hook = [&] { return begin_hook()->finish(); };
  const auto insert = [&] { return begin_insert()->finish(); };
  hook();  // makes the store
  insert();
  Samples alone, floor_alone, crowd, floor_crowd;
  take_turns(
      bench.effort().rounds * 5, [&] { alone.add(hook()); }, [&] { floor_alone.add(insert()); });
  take_turns(
      bench.effort().rounds / 4 + 1, [&] { together(begin_hook, crowd); },
      [&] { together(begin_insert, floor_crowd); });
  std::vector<double> ours_bytes, floor_bytes;
  take_turns(
      bench.effort().rounds, [&] { ours_bytes.push_back(peak_bytes(bench.peak_of(ours), event(events++))); },
      [&] { floor_bytes.push_back(peak_bytes(bench.peak_of(floor), call(calls++))); });
  bench.check_kept(dir, events);
  bench.check_floor_kept(dir, calls);
  return {{.name = "hook: spawn to end, a durable line",
           .ours = alone.median(),
           .floor = floor_alone.median(),
           .budget = ratio_at_most(2),
           .note = "median; the store exists"},
          {.name = "hook: 50 at once, p99",
           .ours = crowd.percentile(99),
           .floor = alone.median(),
           .budget = ratio_at_most(kMostTogether),
           .note = "against one alone; none lost"},
          {.name = "the same with the floor",
           .ours = floor_crowd.percentile(99),
           .floor = floor_alone.median(),
           .note = "the floor's own crowd against one floor alone"},
          {.name = "hook: 50 at once, p99, to the floor's",
           .ours = crowd.percentile(99),
           .floor = floor_crowd.percentile(99)},
          {.name = "hook: peak memory",
           .unit = Unit::bytes,
           .ours = middle(ours_bytes),
           .floor = middle(floor_bytes),
           .budget = at_most(kMostBytes),
           .note = "median"}};
}

}  // namespace bench
