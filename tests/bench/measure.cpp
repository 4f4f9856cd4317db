#include "measure.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace bench {

namespace {

using Json = nlohmann::json;

constexpr auto kFloorFile = "floor.db";

Command command(const TempDir& dir, const std::string& program, std::vector<std::string> words,
                const Bench::Settings& settings) {
  Command command;
  command.argv = std::move(words);
  command.argv.insert(command.argv.begin(), program);
  command.environment = settings;
  command.environment.insert({{"HOME", dir.path()}, {"PATH", "/usr/bin:/bin"}});
  command.errors = dir.file("errors");
  return command;
}

void check_count(std::string_view who, std::int64_t kept, std::int64_t records) {
  if (kept == records) return;
  throw Failure{std::string(who) + " keeps " + std::to_string(kept) + " records, " + std::to_string(records) +
                " were acknowledged"};
}

}  // namespace

std::optional<double> Row::ratio() const {
  if (!ours || !floor || *floor == 0) return std::nullopt;
  return *ours / *floor;
}

std::optional<bool> Row::met() const {
  if (!budget) return std::nullopt;
  const std::optional<double> figure = budget->of == Budget::Of::ratio ? ratio() : ours;
  if (!figure) return std::nullopt;
  return budget->limit == Budget::Limit::at_most ? *figure <= budget->value : *figure >= budget->value;
}

Effort full_effort(int rounds) {
  Effort effort;
  effort.rounds = rounds;
  return effort;
}

Effort quick_effort() {
  return {.rounds = 2,
          .calls_a_round = 10,
          .lists_a_round = 5,
          .pipelined_a_round = 200,
          .calls_before = 200,
          .calls_after = 1'000,
          .backlog = 1'000,
          .traced_calls = 20,
          .idle = Seconds(0.1)};
}

Command Bench::ours(const TempDir& dir, std::vector<std::string> words, const Settings& settings) const {
  Settings all = settings;
  all["FORTIUM_DATA_DIR"] = dir.file("data");
  return command(dir, programs_.ours, std::move(words), all);
}

Command Bench::server(const TempDir& dir, std::vector<std::string> words, const Settings& settings) const {
  words.insert(words.end(), {"--data", dir.file("server")});
  return command(dir, programs_.server, std::move(words), settings);
}

Command Bench::floor(const TempDir& dir, std::vector<std::string> flags) const {
  flags.insert(flags.begin(), dir.file(kFloorFile));
  return command(dir, programs_.floor, std::move(flags), {});
}

Command Bench::echo(const TempDir& dir, const std::string& file) const {
  return command(dir, programs_.echo, {file}, {});
}

Command Bench::peak_of(Command command) const {
  command.argv.insert(command.argv.begin(), programs_.peak);
  return command;
}

void Bench::check_kept(const TempDir& dir, std::int64_t records) const {
  const std::string text = output_of(ours(dir, {"status", "--json"}));
  const Json status = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const Json total = status.is_object() ? status.value("/records/total"_json_pointer, Json()) : Json();
  if (!total.is_number_integer()) throw Failure{"status --json names no records.total: " + text.substr(0, 300)};
  check_count("the store", total.get<std::int64_t>(), records);
}

void Bench::check_floor_kept(const TempDir& dir, std::int64_t records) const {
  check_count("the floor", std::stoll(output_of(floor(dir, {"--count"}))), records);
}

double Samples::percentile(double percent) const {
  if (milliseconds_.empty()) throw Failure{"nothing was measured"};
  std::vector<double> sorted = milliseconds_;
  std::sort(sorted.begin(), sorted.end());
  const double rank = std::ceil(percent / 100 * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace bench
