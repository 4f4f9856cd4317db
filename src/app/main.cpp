#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "cli.h"
#include "commands.h"

int main(int argc, char** argv) {
  // A person's own command gets everything as it would be without us.
  if (argc > 1 && std::strcmp(argv[1], "statusline") == 0 && (argc == 2 || std::strcmp(argv[2], "--") == 0))
    return fortium::app::run_statusline({}, {argv + std::min(argc, 3), argv + argc});
  umask(077);                     // whatever this program makes is its owner's alone
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is an error of the write, not the end
  // What Claude Code starts at every session needs no reading of the command line.
  if (argc == 2 && std::strcmp(argv[1], "mcp") == 0)
    return fortium::app::run_mcp(fortium::app::load_settings({}, fortium::process_environment()));
  // Nor does what it starts at every tool call; and that needs no key.
  if (argc == 2 && std::strcmp(argv[1], "hook") == 0)
    return fortium::app::run_hook(fortium::app::load_settings({.find_key = false}, fortium::process_environment()));
  return fortium::app::run_cli(argc, argv);
}
