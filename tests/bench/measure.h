// What a measure is given, and what it gives back.
//
// A measure starts the product and its floor itself, takes turns with them, checks what they did, and returns rows.
// A row is a figure and what it is held against. A budget that is not met is a result, not a failure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "process.h"

namespace bench {

enum class Unit { milliseconds, per_second, bytes, count, percent };

struct Budget {
  enum class Of { ratio, figure };
  enum class Limit { at_most, at_least };
  Of of = Of::ratio;
  Limit limit = Limit::at_most;
  double value = 0;
};

constexpr Budget ratio_at_most(double value) { return {Budget::Of::ratio, Budget::Limit::at_most, value}; }
constexpr Budget at_most(double value) { return {Budget::Of::figure, Budget::Limit::at_most, value}; }
constexpr Budget at_least(double value) { return {Budget::Of::figure, Budget::Limit::at_least, value}; }

struct Row {
  std::string name;
  Unit unit = Unit::milliseconds;
  std::optional<double> ours = {};  // absent: not measured, `note` says why
  std::optional<double> floor = {};
  std::optional<Budget> budget = {};
  std::string note = {};

  std::optional<double> ratio() const;  // ours to floor
  std::optional<bool> met() const;      // absent without a budget or a figure
};
using Rows = std::vector<Row>;

// How much of each. `quick` is for a test that the benchmark still runs; its figures mean nothing.
struct Effort {
  int rounds = 40;
  int calls_a_round = 250;  // 40 rounds give the ten calls beyond p99.9
  int lists_a_round = 50;
  std::int64_t pipelined_a_round = 6'400;
  std::int64_t calls_before = 10'000;  // memory is looked at after these
  std::int64_t calls_after = 100'000;  // and after these, counted from the start
  std::int64_t backlog = 100'000;      // records that wait for the drain
  int traced_calls = 1'000;            // enough for a checkpoint or two
  Seconds idle{2.0};
};
Effort full_effort(int rounds);
Effort quick_effort();

class Bench {
 public:
  struct Programs {
    std::string ours;
    std::string server;  // may be empty
    std::string floor;
    std::string echo;
    std::string peak;
    std::string record;
    std::string bare;  // the same without slices
  };
  Bench(Programs programs, Effort effort, std::string temp_parent)
      : programs_(std::move(programs)), effort_(effort), temp_parent_(std::move(temp_parent)) {}

  using Settings = std::map<std::string, std::string>;

  const Programs& programs() const { return programs_; }
  const Effort& effort() const { return effort_; }
  // A folder of its own for one measure: data, logs and home of all that is started in it.
  TempDir scratch() const { return TempDir(temp_parent_); }

  // `fortium-metrics` with these words, data in `dir`/data; nothing of the caller's environment or home reaches it.
  Command ours(const TempDir& dir, std::vector<std::string> words, const Settings& settings = {}) const;
  Command mcp(const TempDir& dir, const Settings& settings = {}) const { return ours(dir, {"mcp"}, settings); }
  Command server(const TempDir& dir, std::vector<std::string> words, const Settings& settings = {}) const;
  Command floor(const TempDir& dir, std::vector<std::string> flags = {}) const;
  Command echo(const TempDir& dir, const std::string& file) const;
  // Runs that, and writes how many KiB it held at most.
  Command peak_of(Command command) const;

  // Fails when other than `records` are kept: what was acknowledged was lost, or made up.
  void check_kept(const TempDir& dir, std::int64_t records) const;
  void check_floor_kept(const TempDir& dir, std::int64_t records) const;

 private:
  Programs programs_;
  Effort effort_;
  std::string temp_parent_;
};

// Both do their turn in each round, and take turns in being first: what disturbs the machine disturbs both.
template <class Ours, class Floor>
void take_turns(int rounds, Ours ours, Floor floor) {
  for (int round = 0; round < rounds; ++round) {
    if (round % 2 == 0) ours();
    floor();
    if (round % 2 != 0) ours();
  }
}

// Times of one kind, in milliseconds.
class Samples {
 public:
  void add(Seconds time) { milliseconds_.push_back(time.count() * 1000); }
  double percentile(double percent) const;  // the nearest that was really seen
  double median() const { return percentile(50); }
  std::size_t size() const { return milliseconds_.size(); }

 private:
  std::vector<double> milliseconds_;
};

Rows measure_start(const Bench& bench);
Rows measure_hook(const Bench& bench);
Rows measure_calls(const Bench& bench);
Rows measure_slices(const Bench& bench);
Rows measure_system_calls(const Bench& bench);
Rows measure_tools_list(const Bench& bench);
Rows measure_pipeline(const Bench& bench);
Rows measure_memory(const Bench& bench);
Rows measure_drain(const Bench& bench);

}  // namespace bench
