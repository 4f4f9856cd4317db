// Transcripts in a directory, and a store that keeps the first record of an id: what an import brings, without SQLite.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "claude/importer.h"
#include "support/temp_dir.h"
#include "support/transcript_lines.h"

namespace fortium::test {

class ImportWorld {
 public:
  void append(const std::string& name, std::initializer_list<std::string> lines) {
    const std::string path = dir.file(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::app);
    for (const std::string& line : lines) file << line;
  }
  // As at a time when the files were not written to for so long.
  void import(Millis quiet = Millis(0)) {
    const auto sessions = claude::find_transcripts({dir.path()}, [](const std::string&, std::string) {});
    const auto now = SystemClock().now() + quiet;
    claude::Importer importer(
        prices, {}, now,
        [this](const std::string& path) {
          const auto at = progress.find(path);
          return at == progress.end() ? nullptr : &at->second;
        },
        [this](const std::string& folder) { return !off.empty() && folder == off; });
    read_bytes = 0;
    merged = 0;
    const auto done = importer.run(sessions, [this](claude::Lot& lot) -> Result<void> {
      read_bytes += lot.read_bytes;
      merged += lot.counts.merged;
      errors += lot.counts.api_errors;
      metrics::Event event;
      for (std::size_t place = 0; place < lot.records.size(); ++place) {
        lot.records.read(place, event);
        std::string wire;
        metrics::append_wire(wire, event);
        const std::string id(event.id());
        records.try_emplace(id, *parse_json(wire));
        kinds[id] = event.kind->name;
      }
      for (const auto& [path, one] : lot.progress) progress[path] = one;
      for (const claude::SkippedLine& one : lot.skipped) skipped.push_back(one.why);
      return {};
    });
    REQUIRE_MESSAGE(done.ok(), (done.ok() ? "" : done.error().what));
  }
  std::vector<Json> of(const std::string& kind) const {
    std::vector<Json> found;
    for (const auto& [id, record] : records)
      if (kinds.at(id) == kind) found.push_back(record);
    return found;
  }
  std::int64_t sum(const char* field) const {
    std::int64_t total = 0;
    for (const Json& one : of("model_usage")) total += one[field].get<std::int64_t>();
    return total;
  }

  TempDir dir;
  std::string off;  // a project that nothing is wanted of
  claude::Prices prices = *claude::Prices::built_in();
  std::map<std::string, claude::Progress> progress;
  std::map<std::string, Json> records;  // by id
  std::map<std::string, std::string> kinds;
  std::vector<std::string> skipped;
  std::int64_t read_bytes = 0, merged = 0, errors = 0;
};

}  // namespace fortium::test
