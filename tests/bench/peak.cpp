// Runs another program with our input, and says how many KiB it held at most. Small and static, because the peak that
// the system reports starts at the size of whoever started the program.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstdio>

extern char** environ;

int main(int argc, char** argv) {
  pid_t child = 0;
  if (argc < 2 || posix_spawn(&child, argv[1], nullptr, nullptr, argv + 1, environ) != 0) {
    std::fputs("usage: bench_peak PROGRAM [WORD…]\n", stderr);
    return 2;
  }
  int status = 0;
  rusage used{};
  if (wait4(child, &status, 0, &used) != child || !WIFEXITED(status)) return 1;
  std::printf("%ld\n", used.ru_maxrss);
  return WEXITSTATUS(status);
}
