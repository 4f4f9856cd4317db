#include "claude_code.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "run_program.h"

namespace fortium::app {

namespace {

namespace fs = std::filesystem;

constexpr Millis kVersionLimit{10'000};  // a cold start of the older, interpreted versions takes a second or two

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::vector<std::string> on_path(const Environment& environment, const std::string& program) {
  std::vector<std::string> found;
  const std::string path = environment("PATH").value_or("");
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find(':', at), path.size());
    const std::string dir = path.substr(at, end - at);
    if (dir.starts_with('/') && is_program(dir + "/" + program)) found.push_back(dir + "/" + program);
    at = end + 1;
  }
  return found;
}

}  // namespace

std::string_view name(Scope scope) {
  switch (scope) {
    case Scope::user: return "user";
    case Scope::project: return "project";
    case Scope::local: return "local";
  }
  return "user";
}

ClaudeFiles claude_files(Scope scope, const Environment& environment) {
  const std::string home = home_of(environment);
  const std::string moved = environment("CLAUDE_CONFIG_DIR").value_or("");
  const std::string state = (moved.empty() ? home : moved) + "/.claude.json";
  std::error_code error;
  const std::string here = fs::current_path(error);
  switch (scope) {
    case Scope::user: return {(moved.empty() ? home + "/.claude" : moved) + "/settings.json", state, {}, true};
    case Scope::project: return {here + "/.claude/settings.json", here + "/.mcp.json", {}, false};
    case Scope::local: return {here + "/.claude/settings.local.json", state, {"projects", here}, true};
  }
  return {};
}

std::optional<ClaudeCli> find_claude(const Environment& environment) {
  std::vector<std::string> places = on_path(environment, "claude");
  const std::string home = home_of(environment);
  for (const std::string& place : {home + "/.local/bin/claude", home + "/.claude/local/claude"})
    if (is_program(place)) places.push_back(place);
  if (places.empty()) return std::nullopt;
  ClaudeCli cli{places.front(), std::nullopt};
  if (const auto ran = run_program({cli.path, "--version"}, kVersionLimit); ran && ran->code == 0)
    cli.version = claude::read_version(ran->out);
  return cli;
}

std::string own_program(const Environment& environment) {
  std::error_code error;
  std::string self = fs::read_symlink("/proc/self/exe", error);
  for (const std::string& path : on_path(environment, std::string(claude::kName)))
    if (fs::equivalent(path, self, error)) return path;
  return self;
}

}  // namespace fortium::app
