#include <sys/stat.h>

#include <csignal>
#include <cstdlib>

#include "cli.h"

int main(int argc, char** argv) {
  setenv("TZ", "UTC", 1);         // days are those of UTC, wherever the service runs
  umask(077);                     // every file of the store is its owner's
  std::signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error code, not the end
  std::signal(SIGXFSZ, SIG_IGN);  // so is a limit on the size of files
  return fortium::service::run_command_line(argc, argv);
}
