// Measures fortium-metrics against its floors and says which budgets are met. See README.md.
//
// A slow result is a result: the exit status is 0 unless something did not work, such as a wrong answer or a lost
// record. Times are for people to judge; they decide about no test.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "measure.h"
#include "table.h"

namespace {

using namespace bench;

constexpr std::chrono::minutes kLongestRun{20};
constexpr int kMostRounds = 1000;

struct Measure {
  std::string_view name;
  Rows (*take)(const Bench& bench);
};

constexpr Measure kMeasures[] = {
    {"start", measure_start},       {"hook", measure_hook},
    {"calls", measure_calls},       {"system-calls", measure_system_calls},
    {"slices", measure_slices},     {"tools-list", measure_tools_list},
    {"pipeline", measure_pipeline}, {"memory", measure_memory},
    {"drain", measure_drain},
};

constexpr std::string_view kUsage =
    R"(usage: bench_driver [options]
  --program PATH   fortium-metrics (default: ../bin/fortium-metrics, seen from this program)
  --server PATH    fortium-metrics-server (default: the one beside it; without one, drain is not measured)
  --only NAME      this measure; may be given again. One of:
                   start hook calls system-calls slices tools-list pipeline memory drain
  --rounds N       rounds of the interleaved measures, 1 to 1000 (default 40)
  --quick          a little of everything: shows that it runs, the figures mean nothing
  --one-core       the driver and all it starts share one processor: steadier times of calls one at a time
  --dir DIR        where stores are made, and removed (default: $TMPDIR, else /tmp); choose the disk with it
  --json           one JSON document instead of a table
Example: bench_driver --only calls --rounds 80
)";

struct Options {
  std::string program;
  std::string server;
  std::string dir;
  std::vector<std::string> only;
  int rounds = 40;
  bool quick = false;
  bool one_core = false;
  bool json = false;
  bool help = false;
};

struct UsageError {
  std::string what;
};

int read_rounds(std::string_view text) {
  int rounds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rounds);
  if (error != std::errc{} || end != text.data() + text.size() || rounds < 1 || rounds > kMostRounds)
    throw UsageError{"--rounds: must be a whole number from 1 to " + std::to_string(kMostRounds)};
  return rounds;
}

std::string read_measure(std::string_view name) {
  for (const Measure& measure : kMeasures)
    if (measure.name == name) return std::string(name);
  throw UsageError{"--only: no measure has the name " + std::string(name)};
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) throw UsageError{std::string(word) + " needs a value"};
      return argv[++i];
    };
    if (word == "--program")
      options.program = value();
    else if (word == "--server")
      options.server = value();
    else if (word == "--dir")
      options.dir = value();
    else if (word == "--only")
      options.only.push_back(read_measure(value()));
    else if (word == "--rounds")
      options.rounds = read_rounds(value());
    else if (word == "--quick")
      options.quick = true;
    else if (word == "--one-core")
      options.one_core = true;
    else if (word == "--json")
      options.json = true;
    else if (word == "--help" || word == "-h")
      options.help = true;
    else
      throw UsageError{"unknown option " + std::string(word)};
  }
  return options;
}

bool is_program(const std::filesystem::path& path) { return access(path.c_str(), X_OK) == 0; }

// The floors are beside this program; the product is where the build puts it, or where it was said to be.
Bench::Programs find_programs(const Options& options) {
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto chosen = [](const std::string& given, const std::filesystem::path& otherwise) {
    return given.empty() ? otherwise : std::filesystem::absolute(given);
  };
  const auto ours = chosen(options.program, here.parent_path() / "bin" / "fortium-metrics");
  const auto server = chosen(options.server, ours.parent_path() / "fortium-metrics-server");
  for (const auto& path : {ours, here / "bench_floor", here / "bench_echo", here / "bench_peak", here / "bench_record",
                           here / "bench_record_bare"})
    if (!is_program(path)) throw UsageError{path.string() + " is not a program"};
  if (!options.server.empty() && !is_program(server)) throw UsageError{server.string() + " is not a program"};
  return {ours,
          is_program(server) ? server.string() : "",
          here / "bench_floor",
          here / "bench_echo",
          here / "bench_peak",
          here / "bench_record",
          here / "bench_record_bare"};
}

std::string temp_folder(const Options& options) {
  const char* configured = std::getenv("TMPDIR");
  const std::string folder = !options.dir.empty() ? options.dir : configured != nullptr ? configured : "/tmp";
  return std::filesystem::absolute(folder);
}

bool wanted(const Options& options, std::string_view name) {
  return options.only.empty() || std::ranges::find(options.only, name) != options.only.end();
}

std::vector<Result> take_all(const Options& options, const Bench& bench) {
  std::vector<Result> results;
  for (const Measure& measure : kMeasures) {
    if (!wanted(options, measure.name)) continue;
    std::fprintf(stderr, "measuring %s ...\n", std::string(measure.name).c_str());
    Result result{.measure = std::string(measure.name), .rows = {}, .failure = {}};
    try {
      result.rows = measure.take(bench);
    } catch (const Failure& failure) {
      result.failure = failure.what;
    }
    results.push_back(std::move(result));
  }
  return results;
}

int run_bench(const Options& options) {
  const std::string folder = temp_folder(options);
  if (options.one_core) stay_on_one_core();
  const Machine machine = this_machine(folder);
  const Bench bench(find_programs(options), options.quick ? quick_effort() : full_effort(options.rounds), folder);
  stop_on_signals(kLongestRun);
  const std::vector<Result> results = take_all(options, bench);
  std::fputs((options.json ? as_json(machine, results, options.quick) : as_table(machine, results)).c_str(), stdout);
  if (options.quick) std::fputs("--quick: too little was measured to judge by\n", stderr);
  for (const Result& result : results)
    if (!result.failure.empty()) return 1;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = read_options(argc, argv);
    if (!options.help) return run_bench(options);
    std::fputs(kUsage.data(), stdout);
    return 0;
  } catch (const Failure& failure) {
    std::fprintf(stderr, "bench_driver: %s\n", failure.what.c_str());
    return 1;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "bench_driver: %s\n%s", error.what.c_str(), kUsage.data());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_driver: %s\n", error.what());
    return 1;
  }
}
