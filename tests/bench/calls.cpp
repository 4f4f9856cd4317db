// One call at a time, each answered after its record is durable: what a tool call waits for.
#include "measure.h"
#include "session.h"

namespace bench {

namespace {

constexpr double kNormalTail = 0.5;  // ms at p99.9 when no call waits for the disk

constexpr int kTurn = 10;  // calls in a row: short, for a disk changes its mood within a second

struct Latencies {
  Samples ours;
  Samples floor;
};

Latencies time_calls(const Bench& bench, const Bench::Settings& settings, std::vector<std::string> flags,
                     Era era = Era::session) {
  const TempDir dir = bench.scratch();
  Session ours(bench.mcp(dir, settings));
  Session floor(bench.floor(dir, std::move(flags)));
  ours.call();  // the first opens what is opened late
  floor.call();
  Latencies times;
  take_turns(
      bench.effort().rounds * bench.effort().calls_a_round / kTurn,
      [&] {
        for (int i = 0; i < kTurn; ++i) times.ours.add(ours.call(era));
      },
      [&] {
        for (int i = 0; i < kTurn; ++i) times.floor.add(floor.call(era));
      });
  ours.finish();
  floor.finish();
  bench.check_kept(dir, ours.calls());
  bench.check_floor_kept(dir, floor.calls());
  return times;
}

Row row(std::string name, const Latencies& times, double percent, std::optional<Budget> budget) {
  return {.name = std::move(name),
          .ours = times.ours.percentile(percent),
          .floor = times.floor.percentile(percent),
          .budget = budget,
          .note = "of " + std::to_string(times.ours.size()) + " calls"};
}

}  // namespace

Rows measure_calls(const Bench& bench) {
  const Latencies full = time_calls(bench, {}, {});
  const Latencies stateless = time_calls(bench, {}, {}, Era::stateless);
  const Latencies normal = time_calls(bench, {{"FORTIUM_DURABILITY", "normal"}}, {"--normal"});
  return {row("call, durable: p50", full, 50, ratio_at_most(1.3)),
          row("call, durable: p99", full, 99, ratio_at_most(1.5)),
          row("call, durable: p99.9", full, 99.9, std::nullopt),
          row("call, durable, 2026-07-28: p50", stateless, 50, ratio_at_most(1.3)),
          row("call, durable, 2026-07-28: p99", stateless, 99, ratio_at_most(1.5)),
          row("call, durability=normal: p50", normal, 50, std::nullopt),
          row("call, durability=normal: p99", normal, 99, std::nullopt),
          row("call, durability=normal: p99.9", normal, 99.9, at_most(kNormalTail))};
}

}  // namespace bench
