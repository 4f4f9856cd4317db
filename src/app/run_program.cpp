#include "run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace fortium::app {

namespace {

constexpr std::size_t kMostOutput = 64 << 10;

[[noreturn]] void become(const std::vector<std::string>& words, int out) {
  ::setpgid(0, 0);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

Result<Ran> run_program(const std::vector<std::string>& words, Millis limit) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error{Errc::unavailable, std::string("no pipe: ") + std::strerror(errno)};
  const pid_t pid = ::fork();
  if (pid == 0) become(words, ends[1]);
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return Error{Errc::unavailable, "cannot start " + words[0] + ": " + std::strerror(errno)};
  }
  const SystemClock clock;
  const SteadyTime end = clock.steady() + limit;
  Ran ran;
  bool ended = false;
  while (!ended && clock.steady() < end) {
    const auto left = std::chrono::ceil<Millis>(end - clock.steady()).count();
    pollfd ready{.fd = ends[0], .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) <= 0) continue;
    char buffer[4096];
    const ssize_t n = ::read(ends[0], buffer, sizeof buffer);
    ended = n == 0 || (n < 0 && errno != EINTR);
    if (n > 0) ran.out.append(buffer, std::min(static_cast<std::size_t>(n), kMostOutput - ran.out.size()));
  }
  ::close(ends[0]);
  if (!ended) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (!ended)
    return Error{Errc::unavailable, words[0] + " was not done within " + std::to_string(limit.count() / 1000) + " s"};
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

}  // namespace fortium::app
