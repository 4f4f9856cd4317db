// Claude Code on this machine: where its files are, which version it is, and how it is asked to change its own.
// The one definition for install, uninstall and doctor. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "../claude/events.h"
#include "../claude/settings_file.h"
#include "settings.h"

namespace fortium::app {

enum class Scope { user, project, local };
std::string_view name(Scope scope);

// Files that Claude Code reads in a scope, for the directory that we are in.
struct ClaudeFiles {
  std::string settings;  // hooks
  std::string servers;   // MCP servers
  claude::Above above;   // where in it
  bool own = false;      // Claude Code keeps its own state in it, and writes it while it runs
};
ClaudeFiles claude_files(Scope scope, const Environment& environment);

struct ClaudeCli {
  std::string path;
  std::optional<claude::Version> version;  // nothing: it did not say within 10 s
};
// First on PATH, then where its own installers put it.
std::optional<ClaudeCli> find_claude(const Environment& environment);

// This program, by the name that will lead to it after an update, too: the one on PATH if it is this file.
std::string own_program(const Environment& environment);

}  // namespace fortium::app
