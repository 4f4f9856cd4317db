// What a server that runs all day holds and burns: resident memory early and late, and processor time at rest.
#include <algorithm>

#include "measure.h"
#include "session.h"

namespace bench {

namespace {

constexpr double kResident = 10 * 1024 * 1024;
constexpr std::int64_t kBlock = 10'000;  // calls this program holds the answers of
constexpr Seconds kSettle{0.5};          // work begun by the last call may end before rest begins

struct Held {
  double before = 0;
  double after = 0;
  double idle_percent = 0;
};

void call_until(Session& session, std::int64_t calls) {
  while (session.calls() < calls) session.pipeline(std::min(kBlock, calls - session.calls()));
}

Held watch(Session& session, const Effort& effort) {
  Held held;
  call_until(session, effort.calls_before);
  held.before = session.process().resident_bytes();
  call_until(session, effort.calls_after);
  held.after = session.process().resident_bytes();
  pause_for(kSettle);
  const Seconds busy = session.process().cpu_time();
  const auto begin = Clock::now();
  pause_for(effort.idle);
  held.idle_percent = (session.process().cpu_time() - busy) / (Clock::now() - begin) * 100;
  session.finish();
  return held;
}

}  // namespace

Rows measure_memory(const Bench& bench) {
  const TempDir dir = bench.scratch();
  Session our_session(bench.mcp(dir));
  const Held ours = watch(our_session, bench.effort());
  Session floor_session(bench.floor(dir, {"--group"}));
  const Held floor = watch(floor_session, bench.effort());
  bench.check_kept(dir, our_session.calls());
  bench.check_floor_kept(dir, floor_session.calls());

  const auto after = [](std::int64_t calls) { return "resident after " + std::to_string(calls) + " calls"; };
  return {{.name = after(bench.effort().calls_before),
           .unit = Unit::bytes,
           .ours = ours.before,
           .floor = floor.before,
           .budget = at_most(kResident)},
          {.name = after(bench.effort().calls_after),
           .unit = Unit::bytes,
           .ours = ours.after,
           .floor = floor.after,
           .budget = at_most(kResident)},
          {.name = "growth between them",
           .unit = Unit::bytes,
           .ours = ours.after - ours.before,
           .floor = floor.after - floor.before},
          {.name = "processor at rest",
           .unit = Unit::percent,
           .ours = ours.idle_percent,
           .floor = floor.idle_percent,
           .note = "of one core"}};
}

}  // namespace bench
