// `fortium-metrics hook`: one event of Claude Code, from standard input to the store.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "../claude/hook.h"
#include "../store/open_calls.h"
#include "commands.h"
#include "consent.h"
#include "fortium/base/log.h"
#include "local.h"

namespace fortium::app {

namespace {

using metrics::OpenCall;

constexpr Millis kLockWait{1'000};  // Claude Code gives all hooks of a session's end 1.5 s
// Whoever opens the store when nobody else has it open reads the whole log first (3 us a page); to move it takes a few
// milliseconds, once in some forty events.
constexpr int kMostFrames = 128;
constexpr std::int64_t kMostGone = 50;                    // sessions looked at when another starts
constexpr auto kForgetAfter = std::chrono::minutes(10);   // its goodbye: a second one comes within seconds
constexpr auto kGoneAfter = std::chrono::hours(24);       // without a word, where the process is not known
constexpr auto kSurelyGone = std::chrono::hours(7 * 24);  // its number may belong to another process by now

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

std::int64_t number_of(const std::optional<std::string>& text) {
  std::int64_t number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

bool is_gone(const OpenCall& session, WallTime now) {
  const Millis silent = now - session.seen;
  if (session.state == claude::kEnded) return silent > kForgetAfter;
  if (session.pid <= 0) return silent > kGoneAfter;
  return silent > kSurelyGone || (::kill(static_cast<pid_t>(session.pid), 0) != 0 && errno == ESRCH);
}

// The records of an event and what is open after it, in one transaction.
class WithChanges final : public metrics::EventStore {
 public:
  WithChanges(store::LocalStore& store, metrics::Changes changes) : store_(store), changes_(std::move(changes)) {}
  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events) override {
    return store_.append(events, changes_);
  }

 private:
  store::LocalStore& store_;
  const metrics::Changes changes_;
};

class Hook {
 public:
  Hook(const Settings& settings, const claude::HookEvent& event, const Environment& environment)
      : settings_(settings), event_(event), environment_(environment), local_(settings, kLockWait) {}

  Result<void> run() {
    const WallTime now = local_.clock().now();
    std::vector<OpenCall> open;
    std::string salt;
    // Where the file cannot be read now, the record still has its place in the spool.
    if (auto database = local_.store().database()) {
      if (auto found = store::open_calls_of((*database)->db(), event_.session_id())) open = std::move(*found);
      if (event_.fields.contains("tool_input"))
        if (auto made = store::salt_of(**database, local_.entropy())) salt = std::move(*made);
    }
    const claude::Moment moment{now, number_of(environment_("CLAUDE_PID")), privacy_of(settings_, std::move(salt))};
    FM_TRY_(keep(claude::what_happened(event_, moment, open)));
    if (event_.text("hook_event_name") == "SessionStart") close_gone(now);
    local_.store().tidy_log(kMostFrames);
    return {};
  }

 private:
  Result<void> keep(const claude::Happened& happened) {
    metrics::Stamp stamp = make_stamp("hook", settings_, environment_);
    stamp.session_id = event_.session_id();
    if (stamp.project.empty()) stamp.project = std::filesystem::path(event_.text("cwd")).filename();
    WithChanges store(local_.store(), happened.changes);
    metrics::Recorder recorder(store, local_.clock(), local_.entropy(), std::move(stamp));
    for (const claude::Record& record : happened.records) {
      const auto staged = recorder.stage(*metrics::find_kind(record.kind), record.fields, schema::Edge::record);
      if (const auto* wrong = std::get_if<metrics::Violations>(&staged)) log_debug("hook: " + schema::to_text(*wrong));
    }
    // The same id again, from another installation or an import: it was known before, which is no error.
    FM_TRY_(recorder.has_staged() ? recorder.commit() : store.append({}));
    return {};
  }

  // Sessions that ended without a word, a few at a time.
  void close_gone(WallTime now) {
    auto database = local_.store().database();
    if (!database) return;
    const auto sessions = store::silent_calls((*database)->db(), "user_session", now, kMostGone);
    if (!sessions) return;
    for (const OpenCall& session : *sessions) {
      if (session.session_id == event_.session_id() || !is_gone(session, now)) continue;
      const auto open = store::open_calls_of((*database)->db(), session.session_id);
      if (!open || !keep(claude::abandon(*open))) return;
    }
  }

  const Settings& settings_;
  const claude::HookEvent& event_;
  const Environment& environment_;
  Local local_;
};

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
    if (auto done = Hook(settings, *event, environment).run(); !done)
      tell_once_a_day(done.error().what, settings, environment);
  } catch (...) {
    // Nothing that goes wrong here may stop the person's work.
  }
  return kDone;
}

}  // namespace fortium::app
