// What `import` is to read: the documented places, or the paths that were given, each with what it holds.
#pragma once

#include <string>
#include <vector>

#include "commands.h"

namespace fortium::app {

struct ImportSources {
  std::vector<std::string> transcripts;  // folders and files of Claude Code
  std::vector<std::string> legacy;       // folders and files of the documented predecessors
  std::vector<std::string> records;      // JSON lines as `export` writes them
  std::vector<std::string> tables;       // CSV as `export` writes them
};

// invalid: an option or a path that makes no sense. not_found: a path that is not there.
Result<ImportSources> find_sources(const ImportCommand& command, const Environment& environment);

}  // namespace fortium::app
