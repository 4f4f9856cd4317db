// Many calls in flight, as when a client runs tools in parallel or a script catches up: group commit decides.
#include "measure.h"
#include "session.h"

namespace bench {

namespace {

constexpr double kCallsPerSecond = 40'000;

}  // namespace

Rows measure_pipeline(const Bench& bench) {
  const TempDir dir = bench.scratch();
  Session ours(bench.mcp(dir));
  Session floor(bench.floor(dir, {"--group"}));
  const std::int64_t calls = bench.effort().pipelined_a_round;
  Samples our_times, floor_times;
  take_turns(
      bench.effort().rounds / 4 + 1, [&] { our_times.add(ours.pipeline(calls)); },
      [&] { floor_times.add(floor.pipeline(calls)); });
  ours.finish();
  floor.finish();
  bench.check_kept(dir, ours.calls());
  bench.check_floor_kept(dir, floor.calls());

  const auto rate = [&](const Samples& times) { return static_cast<double>(calls) * 1000 / times.median(); };
  return {{.name = "calls a second, " + std::to_string(Session::kInFlight) + " in flight",
           .unit = Unit::per_second,
           .ours = rate(our_times),
           .floor = rate(floor_times),
           .budget = at_least(kCallsPerSecond),
           .note = "median of " + std::to_string(our_times.size()) + " rounds of " + std::to_string(calls) + " calls"}};
}

}  // namespace bench
