// What it costs a record that reports are made of what is kept with it: the same store, with slices and without.
#include <sstream>

#include "measure.h"

namespace bench {

namespace {

constexpr double kMost = 1.2;

// Adds how long each call took; fails where there are slices, or none, against what is said.
void add_calls(const Bench& bench, const std::string& program, bool with_slices, Samples& into) {
  const TempDir dir = bench.scratch();
  std::istringstream said(
      output_of({{program, dir.file("data"), std::to_string(bench.effort().calls_a_round)}, {}, dir.file("errors")}));
  for (int i = 0; i < bench.effort().calls_a_round; ++i) {
    double milliseconds = 0;
    said >> milliseconds;
    into.add(Seconds(milliseconds / 1'000));
  }
  long long slices = 0;
  if (!(said >> slices) || (slices > 0) != with_slices) throw Failure{program + " kept other slices than it should"};
}

}  // namespace

Rows measure_slices(const Bench& bench) {
  Samples with, without;
  take_turns(
      bench.effort().rounds, [&] { add_calls(bench, bench.programs().record, true, with); },
      [&] { add_calls(bench, bench.programs().bare, false, without); });
  Rows rows;
  for (const int percent : {50, 90})
    rows.push_back({.name = "record, durable, with slices: p" + std::to_string(percent),
                    .ours = with.percentile(percent),
                    .floor = without.percentile(percent),
                    .budget = ratio_at_most(kMost),
                    .note = "against the same store without slices"});
  return rows;
}

}  // namespace bench
