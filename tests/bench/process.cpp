#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace bench {

namespace {

constexpr std::chrono::seconds kPatience{30};        // for one answer or one end; a drain answers at its end
constexpr std::chrono::seconds kDrainPatience{300};  // as long as `sync --timeout` is told
constexpr std::chrono::milliseconds kSample{5};      // between two looks at a process's memory

volatile sig_atomic_t stop_signal = 0;  // a signal handler has no other place to write to

void on_signal(int signal) { stop_signal = signal; }

void check_stop() {
  if (stop_signal == SIGALRM) throw Failure{"the whole run took too long"};
  if (stop_signal != 0) throw Failure{"stopped by a signal"};
}

std::string reason() { return std::strerror(errno); }

// Two connected sockets: what the client hands to a server as stdin and stdout, too.
void connect_pair(int (&ends)[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw Failure{"socketpair: " + reason()};
}

// A receive that gives up by itself needs no second system call inside the measured time.
void limit_wait(int socket, std::chrono::microseconds patience) {
  const timeval limit{.tv_sec = patience.count() / 1'000'000, .tv_usec = patience.count() % 1'000'000};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void close_fd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

bool becomes_readable(int fd, std::chrono::milliseconds patience) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  const int ready = poll(&entry, 1, static_cast<int>(patience.count()));
  check_stop();
  return ready > 0;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

// posix_spawn shares this program's memory until exec, so a start does not depend on how big this program is.
pid_t spawn(const Command& command, int input, int output) {
  std::vector<std::string> words = command.argv;
  std::vector<std::string> settings;
  for (const auto& [name, value] : command.environment) settings.push_back(name + "=" + value);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND;
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, command.errors.c_str(), kAppend, 0600);
  pid_t pid = -1;
  const int failed =
      posix_spawn(&pid, words[0].c_str(), &actions, nullptr, pointers(words).data(), pointers(settings).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw Failure{words[0] + ": " + std::strerror(failed)};
  return pid;
}

std::string last_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) last = line;
  return last;
}

}  // namespace

void stop_on_signals(std::chrono::seconds longest) {
  struct sigaction action = {};
  action.sa_handler = on_signal;  // without SA_RESTART: a wait in progress ends
  for (const int signal : {SIGINT, SIGTERM, SIGALRM}) sigaction(signal, &action, nullptr);
  alarm(static_cast<unsigned>(longest.count()));
}

void stay_on_one_core() {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &processors);
  if (sched_setaffinity(0, sizeof processors, &processors) != 0) throw Failure{"sched_setaffinity: " + reason()};
}

void pause_for(Seconds time) {
  poll(nullptr, 0, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()));
  check_stop();
}

TempDir::TempDir(const std::string& parent) : path_(parent + "/fortium-bench-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) throw Failure{parent + ": " + reason()};
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Child::Child(const Command& command) : name_(command.argv[0]), errors_(command.errors) {
  int to[2];
  int from[2];
  connect_pair(to);
  connect_pair(from);
  to_ = to[0];
  from_ = from[0];
  limit_wait(to_, kPatience);
  limit_wait(from_, kPatience);
  try {
    pid_ = spawn(command, to[1], from[1]);
  } catch (const Failure&) {
    for (int fd : {to[0], to[1], from[0], from[1]}) close(fd);
    throw;
  }
  close(to[1]);
  close(from[1]);
}

Child::~Child() { end(); }

void Child::end() {
  close_fd(to_);
  close_fd(from_);
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_ = -1;
  close_fd(handle_);
}

Failure Child::failure(const std::string& what) const {
  const std::string said = last_line_of(errors_);
  return {name_ + " " + what + (said.empty() ? "" : "; it said: " + said)};
}

void Child::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(to_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    check_stop();
    if (put < 0) throw failure("takes no input: " + reason());
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::size_t Child::read_more(std::string& to) {
  char chunk[64 * 1024];
  const ssize_t got = recv(from_, chunk, sizeof chunk, 0);
  check_stop();
  if (got < 0) throw failure("does not answer: " + reason());
  to.append(chunk, static_cast<std::size_t>(got));
  return static_cast<std::size_t>(got);
}

bool Child::read_for(std::chrono::milliseconds time, std::string& to) {
  if (!becomes_readable(from_, time)) return false;
  return read_more(to) == 0;
}

std::string Child::read_line() {
  std::size_t end = input_.find('\n');
  while (end == std::string::npos) {
    const std::size_t before = input_.size();
    if (read_more(input_) == 0) throw failure("ended instead of answering");
    end = input_.find('\n', before);
  }
  std::string line = input_.substr(0, end);
  input_.erase(0, end + 1);
  return line;
}

void Child::close_input() { close_fd(to_); }

bool Child::running() const {
  siginfo_t info = {};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

int Child::wait() {
  // By number: the C library's declaration of 2.36 cannot be linked from C++.
  if (handle_ < 0) handle_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (handle_ < 0) throw failure("cannot be watched: " + reason());
  if (!becomes_readable(handle_, kPatience)) throw failure("does not end");
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Child::ask_to_end() { kill(pid_, SIGTERM); }

Seconds Child::cpu_time() const {
  clockid_t clock = 0;
  timespec time = {};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) throw failure("has no clock");
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

double Child::memory_field(std::string_view name) const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string word; status >> word;) {
    if (word != name) continue;
    double kibibytes = 0;
    status >> kibibytes;
    return kibibytes * 1024;
  }
  return 0;
}

double Child::resident_bytes() const { return memory_field("VmRSS:"); }
double Child::peak_resident_bytes() const { return memory_field("VmHWM:"); }

Finished run(const Command& command) {
  Finished finished;
  const auto begin = Clock::now();
  Child child(command);
  child.close_input();
  // The peak that wait4 reports starts at the size of the program that spawned; this one starts at exec.
  while (!child.read_for(kSample, finished.output)) {
    if (Clock::now() - begin > kDrainPatience) throw child.failure("does not end");
    finished.peak_bytes = std::max(finished.peak_bytes, child.peak_resident_bytes());
  }
  finished.status = child.wait();
  finished.time = Clock::now() - begin;
  finished.errors = last_line_of(command.errors);
  return finished;
}

std::string output_of(const Command& command) {
  Finished finished = run(command);
  if (finished.status == 0) return std::move(finished.output);
  std::string words;
  for (const std::string& word : command.argv) words += word + " ";
  throw Failure{words + "ended with " + std::to_string(finished.status) + ": " + finished.errors};
}

std::string find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + std::string(name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

}  // namespace bench
