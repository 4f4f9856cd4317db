// One event of Claude Code, from the spawn of the program to its end with a durable row: what every tool call waits
// for.
#include <memory>

#include "measure.h"

namespace bench {

namespace {

constexpr int kAtOnce = 50;
constexpr double kMostTogether = 20;  // times that one alone takes

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

}  // namespace

Rows measure_hook(const Bench& bench) {
  const TempDir dir = bench.scratch();
  const Command ours = bench.ours(dir, {"hook"}), floor = bench.floor(dir, {"--leave-log"});
  int events = 0, calls = 0;
  const auto hook = [&] { return Run(ours, event(events++)).finish(); };
  const auto insert = [&] { return Run(floor, call(calls++)).finish(); };
  hook();  // makes the store
  insert();
  Samples alone, floor_alone, together;
  take_turns(
      bench.effort().rounds * 5, [&] { alone.add(hook()); }, [&] { floor_alone.add(insert()); });
  for (int round = 0; round < bench.effort().rounds / 4 + 1; ++round) {
    std::vector<std::unique_ptr<Run>> crowd;
    for (int i = 0; i < kAtOnce; ++i) crowd.push_back(std::make_unique<Run>(ours, event(events++)));
    for (const auto& run : crowd) together.add(run->finish());
  }
  bench.check_kept(dir, events);
  bench.check_floor_kept(dir, calls);
  return {{.name = "hook: spawn to end, a durable row",
           .ours = alone.median(),
           .floor = floor_alone.median(),
           .budget = ratio_at_most(2),
           .note = "median; the store exists"},
          {.name = "hook: 50 at once, p99",
           .ours = together.percentile(99),
           .floor = alone.median(),
           .budget = ratio_at_most(kMostTogether),
           .note = "against one alone; none lost"}};
}

}  // namespace bench
