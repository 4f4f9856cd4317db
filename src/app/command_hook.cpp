// `fortium-metrics hook`: one event of Claude Code, from standard input to the store.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "consent.h"
#include "detached.h"
#include "fortium/base/log.h"
#include "hook_event.h"
#include "import_tail.h"

namespace fortium::app {

namespace {

constexpr Millis kLockWait{1'000};  // Claude Code gives all hooks of a session's end 1.5 s
// Whoever opens the store when nobody else has it open reads the whole log first (3 us a page); to move it takes a few
// milliseconds, once in some forty events.
constexpr int kMostFrames = 128;
// What a hook reads of a transcript while Claude Code waits: some 50 ms. The rest is for a process of its own.
constexpr std::int64_t kMostInTime = 8 << 20;
constexpr unsigned kMostSeconds = 120;  // of that process

// The whole of standard input, made small while it is read. Its writer is never left with a closed pipe.
Result<claude::Condensed> read_input() {
  claude::Condenser condenser;
  char buffer[64 << 10];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return condenser.finish();
    condenser.feed({buffer, static_cast<std::size_t>(got)});
  }
}

bool ends_turn(const claude::HookEvent& event) {
  const std::string name = event.text("hook_event_name");
  return name == "Stop" || name == "StopFailure";
}

// The event, and the sessions of which no more is to come.
Result<std::vector<std::string>> record(const Settings& settings, const claude::HookEvent& event,
                                        const Environment& environment) {
  Local local(settings, kLockWait);
  // The end of a call may have been for a server that was not there. The transcript knows whether it was given up.
  const bool gives_up = ends_turn(event) || event.text("hook_event_name") == "SubagentStop";
  if (gives_up && has_open_tool(local, event)) import_tail(settings, {event.text("transcript_path")}, kMostInTime);
  FM_TRY_(record_event(local, event, environment));
  std::vector<std::string> over;
  if (event.text("hook_event_name") == "SessionStart") over = close_gone_sessions(local, event.session_id());
  local.store().tidy_log(kMostFrames);
  return over;
}

// Tokens and the like stand in the transcript only. What was recorded is recorded, whatever comes of this.
void read_on(const Settings& settings, const claude::HookEvent& event, const std::vector<std::string>& over,
             const Environment& environment) {
  if (!over.empty()) detached(kMostSeconds, [&] { import_tails(settings, over, environment); });
  const bool ends = event.text("hook_event_name") == "SessionEnd";
  if (!ends && !ends_turn(event)) return;
  const Tail tail{event.text("transcript_path"), ends};
  if (import_tail(settings, tail, kMostInTime) == TailRead::too_much)
    detached(kMostSeconds, [&] { import_tail(settings, tail); });
}

// At most one line a day: a mark that was made less than a day ago says that it was told. Where no mark can be made,
// nothing is said.
void tell_once_a_day(const std::string& what, const Settings& settings, const Environment& environment) {
  for (const std::string& dir : {settings.data_dir, environment("XDG_RUNTIME_DIR").value_or("")}) {
    if (dir.empty()) continue;
    const int fd = ::open((dir + "/fortium-metrics.told").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) continue;
    struct stat info {};
    const bool mine = ::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::fstat(fd, &info) == 0;
    const WallTime now = SystemClock().now();
    // A mark is empty until something was told.
    const bool told = info.st_size > 0 && now - from_ms(info.st_mtime * 1'000) < std::chrono::hours(24);
    if (mine && !told && ::pwrite(fd, "\n", 1, 0) == 1) std::cerr << "fortium-metrics: not recorded: " << what << "\n";
    ::close(fd);
    return;
  }
}

}  // namespace

int run_hook(const Settings& settings) {
  try {
    if (settings.flag("debug")) open_log({LogLevel::debug, settings.data_dir + "/log/fortium-metrics.log"});
    auto input = read_input();
    if (!input || settings.disabled) return kDone;
    const auto event = claude::read_event(std::move(*input));
    if (!event) return kDone;  // nothing that Claude Code says
    const Environment environment = process_environment();
    if (opted_out_here(environment) || opted_out(event->text("cwd"), environment)) return kDone;
    if (const auto over = record(settings, *event, environment))
      read_on(settings, *event, *over, environment);
    else
      tell_once_a_day(over.error().what, settings, environment);
  } catch (...) {
    // Nothing that goes wrong here may stop the person's work.
  }
  return kDone;
}

}  // namespace fortium::app
