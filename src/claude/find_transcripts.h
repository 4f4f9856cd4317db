// Where transcripts are, and in which order they are read. Functions; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fortium/base/result.h"

namespace fortium::claude {

struct TranscriptFile {
  std::string path;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ms = 0;
  bool main = true;  // false: of a subagent
};

// A session: its own transcript first, then those of its subagents.
struct SessionFiles {
  std::string first_time;  // of the first line that has one: sessions are read oldest first, forks after their parents
  std::vector<TranscriptFile> files;
};

// The folders in which Claude Code keeps them: each of CLAUDE_CONFIG_DIR (separated by commas), else ~/.claude, and
// ~/.config/claude, with "/projects" behind; those that exist, each once.
std::vector<std::string> transcript_roots(const std::string& home, const std::string& config_dirs);

// A session's own, in every root that has one; nothing for what is no name of a file.
std::vector<std::string> transcripts_of(const std::vector<std::string>& roots, const std::string& session);

// All transcripts below these paths (folders, or files by name), each once. A folder that cannot be read is left out,
// and told.
std::vector<SessionFiles> find_transcripts(const std::vector<std::string>& paths,
                                           const std::function<void(const std::string& path, std::string why)>& tell);

}  // namespace fortium::claude
