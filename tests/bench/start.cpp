// From the spawn to the answer to `initialize`: what a person waits for each time a client starts the server.
#include "measure.h"
#include "session.h"

namespace bench {

namespace {

Seconds start_and_end(const Command& command) {
  Session session(command);
  session.finish();
  return session.start_time();
}

}  // namespace

Rows measure_start(const Bench& bench) {
  const TempDir dir = bench.scratch();
  start_and_end(bench.mcp(dir));  // makes the store; every later start finds one
  start_and_end(bench.floor(dir));
  Samples ours, floor;
  take_turns(
      bench.effort().rounds, [&] { ours.add(start_and_end(bench.mcp(dir))); },
      [&] { floor.add(start_and_end(bench.floor(dir))); });

  Samples first, first_floor;
  take_turns(
      bench.effort().rounds / 4 + 1,
      [&] {
        const TempDir fresh = bench.scratch();
        first.add(start_and_end(bench.mcp(fresh)));
      },
      [&] {
        const TempDir fresh = bench.scratch();
        first_floor.add(start_and_end(bench.floor(fresh)));
      });

  return {{.name = "start: spawn to initialize answered",
           .ours = ours.median(),
           .floor = floor.median(),
           .budget = ratio_at_most(2.5),
           .note = "median; the store exists"},
          {.name = "start: the very first, makes the store",
           .ours = first.median(),
           .floor = first_floor.median(),
           .note = "median; an empty folder each time"}};
}

}  // namespace bench
