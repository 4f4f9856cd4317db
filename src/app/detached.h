// Work that nobody waits for.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fortium::app {

// Runs `work` in a process that outlives this one, has no part in its streams, and ends after so many seconds at the
// latest. Not while the store is open, nor while other threads run: what they hold is copied.
template <class Work>
void detached(unsigned most_seconds, Work work) {
  const pid_t pid = ::fork();
  if (pid != 0) return;
  ::setsid();
  ::umask(077);
  ::alarm(most_seconds);
  const int nothing = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(nothing, fd);
  try {
    work();
  } catch (...) {
    // There is nobody to tell.
  }
  ::_exit(0);
}

}  // namespace fortium::app
