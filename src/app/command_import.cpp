// `fortium-metrics import`: the history that is there already, each thing once.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "explain.h"
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
          {"lines", counts.lines},           {"replays", counts.replays},
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
  if (counts.replays > 0)
    std::cout << with_thousands(counts.replays) << " requests were told again in a side chain: counted once\n";
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

void print(const Explained& all) {
  std::cout << "of " << with_thousands(all.lines) << " lines in " << with_thousands(all.files)
            << " files, of all imports so far:\n";
  Table table;
  table.column("counted once");
  table.column("times", Table::Align::right);
  table.row({"lines that repeat the usage of their message", with_thousands(all.merged)});
  table.row({"requests told again in a side chain", with_thousands(all.replays)});
  table.row({"requests told before by another file", with_thousands(all.copies)});
  table.row({"failed requests and retries, no usage", with_thousands(all.api_errors)});
  std::cout << table.text();
  if (all.forked > 0)
    std::cout << with_thousands(all.forked) << " sessions share their begin with another: not compared\n";
  if (all.sessions == 0) return;
  std::cout << "Claude Code's own totals of " << with_thousands(all.sessions)
            << " sessions: " << with_thousands(all.equal) << " equal, " << with_thousands(all.more)
            << " higher (requests that leave no message, or are counted in another session), "
            << with_thousands(all.fewer) << " lower; " << with_thousands(all.client_tokens) << " tokens there, "
            << with_thousands(all.tokens) << " here\n";
}

// What there is in the store, if there is one.
Result<Explained> explain(const Settings& settings) {
  if (!std::filesystem::exists(settings.data_dir + "/metrics.db")) return Explained{};
  Local local(settings);
  FM_TRY(store::Database* const database, local.store().database());
  return explain_imports(*database);
}

}  // namespace

int run_import(const Settings& settings, const ImportCommand& command) {
  tell_problems(settings);  // recording goes on with the defaults
  auto sources = find_sources(command, process_environment());
  if (!sources) return fail(sources.error().code == Errc::invalid ? kUsage : kFailed, sources.error().what);
  Importing importing(settings, {.dry = command.dry_run, .fold = true});
  const auto start = SystemClock().steady();
  if (auto done = importing.run(*sources); !done)
    return done.error().code == Errc::invalid ? fail(kConfiguration, done.error().what) : fail_store(done.error());
  const double duration_ms = std::chrono::duration<double, std::milli>(SystemClock().steady() - start).count();
  Json document = to_json(importing, duration_ms);
  if (!command.json) print(importing, duration_ms);
  if (command.explain) {
    const auto explained = explain(settings);
    if (!explained) return fail_store(explained.error());
    document["explained"] = to_json(*explained);
    if (!command.json) print(*explained);
  }
  if (command.json) std::cout << dump_json(document) << "\n";
  return kDone;
}

}  // namespace fortium::app
