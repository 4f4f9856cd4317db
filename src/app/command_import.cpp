// `fortium-metrics import`: the history that is there already, each thing once.
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "import_sources.h"
#include "importing.h"
#include "terminal.h"

namespace fortium::app {

namespace {

Json to_json(const Importing& importing, double duration_ms) {
  const ImportCounts& counts = importing.counts();
  Json imported = Json::object(), unpriced = Json::object(), skipped = Json::array();
  for (const auto& [kind, count] : counts.imported) imported[kind] = count;
  for (const auto& [model, count] : counts.unpriced) unpriced[model] = count;
  for (const SkippedPart& one : counts.skipped)
    skipped.push_back({{"file", one.file}, {"line", one.line}, {"why", one.why}});
  return {{"files", counts.files},           {"read_bytes", counts.read_bytes},
          {"imported", std::move(imported)}, {"duplicates", counts.duplicates},
          {"merged", counts.merged},         {"api_errors", counts.api_errors},
          {"unpriced", std::move(unpriced)}, {"skipped_count", counts.skipped_count},
          {"skipped", std::move(skipped)},   {"dry_run", importing.dry()},
          {"duration_ms", duration_ms}};
}

void print(const Importing& importing, double duration_ms) {
  const ImportCounts& counts = importing.counts();
  std::cout << (importing.dry() ? "would import, from " : "imported, from ") << with_thousands(counts.files)
            << " files with " << human_bytes(counts.read_bytes) << " that are new:\n";
  Table table;
  table.column("kind");
  table.column("records", Table::Align::right);
  for (const metrics::Kind& kind : metrics::kinds())
    if (const auto at = counts.imported.find(std::string(kind.name)); at != counts.imported.end())
      table.row({std::string(kind.title), with_thousands(at->second)});
  if (counts.imported.empty())
    std::cout << "nothing\n";
  else
    std::cout << table.text();
  if (counts.duplicates > 0) std::cout << with_thousands(counts.duplicates) << " were known before\n";
  if (counts.merged > 0)
    std::cout << with_thousands(counts.merged) << " lines repeated the usage of a message: counted once\n";
  if (counts.api_errors > 0)
    std::cout << with_thousands(counts.api_errors) << " requests failed: errors, and no usage\n";
  for (const auto& [model, count] : counts.unpriced)
    std::cout << "no price for " << model << ": the tokens of " << with_thousands(count)
              << " requests count, their cost is unknown\n";
  if (counts.skipped_count > 0) std::cout << with_thousands(counts.skipped_count) << " skipped:\n";
  for (const SkippedPart& one : counts.skipped)
    std::cout << "  " << one.file << (one.line > 0 ? ":" + std::to_string(one.line) : "") << ": " << one.why << "\n";
  if (counts.skipped_count > static_cast<std::int64_t>(counts.skipped.size())) std::cout << "  …\n";
  std::cout << "took " << human_ms(duration_ms) << "\n";
}

}  // namespace

int run_import(const Settings& settings, const ImportCommand& command) {
  tell_problems(settings);  // recording goes on with the defaults
  auto sources = find_sources(command, process_environment());
  if (!sources) return fail(sources.error().code == Errc::invalid ? kUsage : kFailed, sources.error().what);
  Importing importing(settings, {.dry = command.dry_run});
  const auto start = SystemClock().steady();
  if (auto done = importing.run(*sources); !done)
    return done.error().code == Errc::invalid ? fail(kConfiguration, done.error().what) : fail_store(done.error());
  const double duration_ms = std::chrono::duration<double, std::milli>(SystemClock().steady() - start).count();
  if (command.json)
    std::cout << dump_json(to_json(importing, duration_ms)) << "\n";
  else
    print(importing, duration_ms);
  return kDone;
}

}  // namespace fortium::app
