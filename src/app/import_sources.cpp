#include "import_sources.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "../claude/find_transcripts.h"
#include "../legacy/read_folder.h"

namespace fortium::app {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSniffed = 4'096;

enum class Holds { transcripts, legacy, records, tables };

std::string head_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(kSniffed, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  return head;
}

// Told by its name and its first bytes.
Holds file_holds(const fs::path& path) {
  if (path.extension() == ".csv") return Holds::tables;
  if (path.extension() != ".jsonl") return Holds::legacy;
  const std::string head = head_of(path);
  const std::string line = head.substr(0, head.find('\n'));
  if (line.find("\"sessionId\"") != line.npos) return Holds::transcripts;
  return line.starts_with("{\"kind\":") ? Holds::records : Holds::legacy;
}

// The folders of the predecessors are known by what the documentation says lies in them.
Holds folder_holds(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    for (const char* known : {"tool-metrics.jsonl", "session-history.jsonl", "session-metrics.jsonl",
                              "productivity-indicators.json", ".agent-os", ".ai-mesh"})
      if (name == known) return Holds::legacy;
    if (name.starts_with("agent_invocations_")) return Holds::legacy;
  }
  return Holds::transcripts;
}

std::vector<std::string>& part(ImportSources& sources, Holds holds) {
  switch (holds) {
    case Holds::transcripts: return sources.transcripts;
    case Holds::legacy: return sources.legacy;
    case Holds::records: return sources.records;
    case Holds::tables: return sources.tables;
  }
  return sources.transcripts;
}

}  // namespace

Result<ImportSources> find_sources(const ImportCommand& command, const Environment& environment) {
  const std::string& from = command.from;
  ImportSources sources;
  if (command.paths.empty()) {
    if (from == "csv" || from == "jsonl") return Error{Errc::invalid, "--from " + from + ": name the files to read"};
    const std::string home = home_of(environment);
    if (from != "legacy")
      sources.transcripts = claude::transcript_roots(home, environment("CLAUDE_CONFIG_DIR").value_or(""));
    const std::string here = project_dir_of(environment);
    if (from != "claude") sources.legacy = legacy::metric_folders(home, here == home ? "" : here);
    return sources;
  }
  for (const std::string& path : command.paths) {
    std::error_code error;
    if (!fs::exists(path, error)) return Error{Errc::not_found, path + ": no such file or folder"};
    Holds holds = fs::is_directory(path, error) ? folder_holds(path) : file_holds(path);
    if (from == "claude") holds = Holds::transcripts;
    if (from == "legacy") holds = Holds::legacy;
    if (from == "csv") holds = Holds::tables;
    if (from == "jsonl") holds = Holds::records;
    std::vector<std::string> homes;  // of predecessors, whose folders are below the one that was given
    if (holds == Holds::legacy && fs::is_directory(path, error)) homes = legacy::metric_folders(path, "");
    if (homes.empty()) homes.push_back(path);
    std::ranges::copy(homes, std::back_inserter(part(sources, holds)));
  }
  return sources;
}

}  // namespace fortium::app
