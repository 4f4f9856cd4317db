// How often a call enters the kernel. Unlike a time, this figure is the same on every machine.
//
// Two conversations of different length are traced from start to end; what the longer one has more, divided by the
// calls it has more, is a call without the start, the end, and whatever happens once.
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "measure.h"
#include "session.h"

namespace bench {

namespace {

constexpr double kCallsBudget = 15;
constexpr int kShort = 20;  // calls of the shorter conversation

using Tally = std::map<std::string, double>;

// The table of strace -c: share, seconds, microseconds a call, calls, errors (may be blank), name.
Tally read_tally(const std::string& path) {
  Tally tally;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    double share = 0, seconds = 0, each = 0, calls = 0;
    std::string name;
    if (!(words >> share >> seconds >> each >> calls)) continue;  // the head and the rules
    for (std::string word; words >> word;) name = word;
    if (name != "total") tally[name] += calls;
  }
  if (tally.empty()) throw Failure{"strace counted nothing"};
  return tally;
}

Command traced(Command command, const std::string& strace, const std::string& to) {
  command.argv.insert(command.argv.begin(), {strace, "-f", "-c", "-o", to});
  return command;
}

Tally trace(const Command& command, const std::string& strace, const TempDir& dir, int calls) {
  const std::string to = dir.file("tally");
  Session session(traced(command, strace, to));
  for (int i = 0; i < calls; ++i) session.call();
  session.finish();
  return read_tally(to);
}

Tally calls_of_one(const Command& command, const std::string& strace, const TempDir& dir, int calls) {
  trace(command, strace, dir, /*calls=*/1);  // makes the store
  const Tally few = trace(command, strace, dir, kShort);
  Tally each = trace(command, strace, dir, kShort + calls);
  for (const auto& [name, count] : few) each[name] -= count;
  for (auto& [name, count] : each) count /= calls;
  return each;
}

double sum(const Tally& tally) {
  double all = 0;
  for (const auto& [name, count] : tally) all += count;
  return all;
}

double disk_waits(const Tally& tally) {
  double all = 0;
  for (const auto& [name, count] : tally)
    if (name == "fdatasync" || name == "fsync") all += count;
  return all;
}

std::string most_frequent(const Tally& tally) {
  std::multimap<double, std::string, std::greater<>> order;
  for (const auto& [name, count] : tally)
    if (count >= 0.1) order.emplace(count, name);
  std::string text;
  for (const auto& [count, name] : order) {
    char figure[32];
    std::snprintf(figure, sizeof figure, "%.1f ", count);
    text += (text.empty() ? "" : ", ") + (figure + name);
  }
  return text;
}

}  // namespace

Rows measure_system_calls(const Bench& bench) {
  Row row{.name = "system calls a call", .unit = Unit::count, .budget = at_most(kCallsBudget)};
  const TempDir dir = bench.scratch();
  const std::string strace = find_program("strace");
  if (strace.empty()) {
    row.note = "strace is not installed";
    return {row};
  }
  if (run(traced(bench.floor(dir), strace, dir.file("tally"))).status != 0) {
    row.note = "strace may not trace here";
    return {row};
  }
  const int calls = bench.effort().traced_calls;
  const Tally ours = calls_of_one(bench.mcp(dir), strace, dir, calls);
  const Tally floor = calls_of_one(bench.floor(dir), strace, dir, calls);
  bench.check_kept(dir, 1 + kShort + kShort + calls);
  row.ours = sum(ours);
  row.floor = sum(floor);
  row.note = most_frequent(ours);
  return {row,
          {.name = "of these, waits for the disk",
           .unit = Unit::count,
           .ours = disk_waits(ours),
           .floor = disk_waits(floor),
           .note = "fdatasync and fsync"}};
}

}  // namespace bench
