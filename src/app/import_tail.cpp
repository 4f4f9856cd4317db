#include "import_tail.h"

#include <filesystem>

#include "../claude/find_transcripts.h"
#include "fortium/base/log.h"
#include "importing.h"

namespace fortium::app {

namespace {

constexpr Millis kLockWait{1'000};  // Claude Code gives all hooks of a session's end 1.5 s

// A file that is not there says nothing, and neither does a session without subagents.
std::vector<std::string> files_of(const std::string& transcript) {
  const std::filesystem::path own = transcript;
  std::vector<std::string> files;
  if (!own.is_absolute() || own.extension() != ".jsonl") return files;
  for (const std::filesystem::path& path : {own, own.parent_path() / own.stem() / "subagents"}) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) files.push_back(path.string());
  }
  return files;
}

TailRead import_all(const Settings& settings, const std::vector<std::string>& files, bool over,
                    std::int64_t most_bytes) {
  if (files.empty()) return TailRead::done;
  Importing importing(
      settings,
      {.most_bytes = most_bytes, .at_least = over ? claude::Rest::still : claude::Rest::busy, .lock_wait = kLockWait});
  const auto done = importing.run({.transcripts = files});
  if (!done) log_debug("import: " + done.error().what);
  return !done ? TailRead::failed : importing.refused() ? TailRead::too_much : TailRead::done;
}

}  // namespace

TailRead import_tail(const Settings& settings, const Tail& tail, std::int64_t most_bytes) {
  return import_all(settings, files_of(tail.transcript), tail.over, most_bytes);
}

void import_tails(const Settings& settings, const std::vector<std::string>& sessions, const Environment& environment) {
  const auto roots = claude::transcript_roots(home_of(environment), environment("CLAUDE_CONFIG_DIR").value_or(""));
  std::vector<std::string> files;
  for (const std::string& session : sessions)
    for (const std::string& own : claude::transcripts_of(roots, session))
      for (std::string& file : files_of(own)) files.push_back(std::move(file));
  import_all(settings, files, /*over=*/true, INT64_MAX);
}

}  // namespace fortium::app
