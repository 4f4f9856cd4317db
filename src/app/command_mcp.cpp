// `fortium-metrics mcp`: the loop that Claude Code talks to.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "../rpc/fd_channel.h"
#include "alert_watch.h"
#include "background.h"
#include "commands.h"
#include "consent.h"
#include "fortium/base/log.h"
#include "fortium/mcp/server.h"
#include "hook_event.h"
#include "hook_tool.h"
#include "local_tools.h"
#include "mailbox.h"
#include "report_rows.h"
#include "status.h"

namespace fortium::app {

namespace {

constexpr Millis kIdleAfter{200};  // no line for so long: time for house-keeping
constexpr auto kLookForGone = std::chrono::hours(1);
constexpr Millis kGraceAtEnd{200};    // for a request in flight when the input ended
constexpr Millis kGraceAtSignal{20};  // when told to go: 50 ms is all there is

volatile sig_atomic_t g_signalled = 0;
int g_wake_fds[2] = {-1, -1};

void on_signal(int /*number*/) {
  const int saved = errno;
  g_signalled = 1;
  const char byte = 0;
  if (::write(g_wake_fds[1], &byte, 1) < 0) {
    // full of earlier signals: the reader is awake anyway
  }
  errno = saved;
}

bool catch_signals() {
  if (::pipe2(g_wake_fds, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  struct sigaction action {};
  action.sa_handler = on_signal;  // no SA_RESTART: a blocked call comes back and looks
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  return true;
}

void open_session_log(const Settings& settings) {
  if (settings.flag("debug"))
    open_log({LogLevel::debug, settings.data_dir + "/log/fortium-metrics.log"});
  else
    open_log({LogLevel::warn, ""});
  for (const Problem& problem : settings.problems) log_warn(problem.what);
}

mcp::Severity severity_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return mcp::Severity::debug;
    case LogLevel::info: return mcp::Severity::info;
    case LogLevel::warn: return mcp::Severity::warning;
    case LogLevel::error: return mcp::Severity::error;
  }
  return mcp::Severity::error;
}

// "sync: the service is away": what stands before the colon is the logger, if it is one word.
std::pair<std::string_view, std::string_view> split_logger(std::string_view text) {
  const auto colon = text.find(": ");
  if (colon == text.npos || text.substr(0, colon).find(' ') != text.npos) return {"store", text};
  return {text.substr(0, colon), text.substr(colon + 2)};
}

std::string join(const std::vector<std::string>& lines) {
  std::size_t size = 0;
  for (const std::string& line : lines) size += line.size() + 1;
  std::string out;
  out.reserve(size);
  for (const std::string& line : lines) {
    out += line;
    out += '\n';
  }
  return out;
}

// What was not asked for: messages of the log, resources that changed, and what is unlike usual.
std::string unasked(mcp::Server& server, Mailbox& mailbox, AlertWatch& alerts) {
  std::string out;
  for (const Mailbox::Message& message : mailbox.take()) {
    const auto [logger, text] = split_logger(message.text);
    out += join(server.log(severity_of(message.level), logger, text));
  }
  return out + join(server.notices()) + join(alerts.look());
}

// The shorter of two waits, each of which may be none.
std::optional<Millis> sooner(std::optional<Millis> a, std::optional<Millis> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// Answers lines until there are no more, or the peer is gone.
void serve(rpc::Channel& channel, mcp::Server& server, Local& local, Mailbox& mailbox, bool records) {
  store::LocalStore& store = local.store();
  server.use([&channel](std::vector<std::string>& out, std::vector<rpc::Line>* in) {
    if (g_signalled != 0) return false;
    if (!out.empty() && channel.is_writable()) {
      if (!channel.write(join(out))) return false;
      out.clear();
    }
    return in == nullptr || channel.glance(*in) != rpc::Read::end;
  });
  std::vector<rpc::Line> lines;
  std::optional<Millis> idle_after;  // set while there may be something to tidy
  SteadyTime look_again{};           // for sessions that ended without a word
  AlertWatch alerts(alert_rules(local.settings()), local, server);
  while (true) {
    const rpc::Read read = channel.read(lines, sooner(sooner(idle_after, server.notices_in()), alerts.due_in()));
    // A client that asks much and reads nothing: no more than the answers to one group are kept for it.
    for (std::span<const rpc::Line> left = lines; !left.empty() || (server.is_behind() && g_signalled == 0);) {
      const std::size_t next = std::min(left.size(), mcp::kMostGroup);
      const std::string out = join(next > 0 ? server.handle(left.first(next)) : server.catch_up());
      left = left.subspan(next);
      if (!out.empty() && !channel.write(out)) return;
      store.tidy(/*busy=*/true);
    }
    if (const std::string out = unasked(server, mailbox, alerts); !out.empty() && !channel.write(out)) return;
    if (read == rpc::Read::end) break;
    if (read == rpc::Read::lines) idle_after = kIdleAfter;
    if (read != rpc::Read::idle || !idle_after) continue;
    if (records && local.clock().steady() >= look_again) {
      look_again = local.clock().steady() + kLookForGone;
      if (std::filesystem::exists(local.settings().data_dir + "/metrics.db")) close_gone_sessions(local);
    }
    if (!store.tidy(/*busy=*/false)) idle_after.reset();
  }
  if (const std::string out = join(server.close()); !out.empty()) (void)channel.write(out);
}

// Claude Code is our parent, as it is that of its hooks.
Result<void> record_here(Local& local, const claude::HookEvent& event, bool records) {
  const Environment environment = [](const char* name) -> std::optional<std::string> {
    if (std::string_view(name) == "CLAUDE_PID") return std::to_string(::getppid());
    return process_environment()(name);
  };
  if (!records || opted_out(event.text("cwd"), environment)) return {};
  return record_event(local, event, environment);
}

}  // namespace

int run_mcp(const Settings& settings) {
  auto out_fd = rpc::guard_stdout();
  if (!out_fd || !catch_signals()) return fail(kFailed, "cannot prepare standard output and signals");
  open_session_log(settings);
  Mailbox mailbox;

  Local local(settings);
  metrics::Stamp stamp = make_stamp("mcp", settings, process_environment());
  if (stamp.session_id.empty()) stamp.session_id = uuid7(local.clock().now(), local.entropy());
  const bool records = !settings.disabled && !opted_out_here(process_environment());
  metrics::Recorder recorder(local.store(), local.clock(), local.entropy(), stamp, /*disabled=*/!records);
  const std::string organization = settings.text("org_id").empty() ? "local" : settings.text("org_id");
  mcp::Catalog catalog = mcp::standard_catalog(alert_rules(settings));
  add_report_rows(catalog);
  add_local_rows(catalog, settings);
  add_hook_tool(catalog, [&](const claude::HookEvent& event) { return record_here(local, event, records); });
  mcp::Server server(catalog,
                     mcp::Context{local.clock(), recorder, {}, [&local] { return local.reader(); }, organization},
                     FORTIUM_VERSION);

  Background background(settings);
  if (settings.mode != Mode::local && !settings.disabled && can_send(settings)) background.start();

  rpc::FdChannel channel(STDIN_FILENO, *out_fd, g_wake_fds[0], mailbox.fd());
  serve(channel, server, local, mailbox, records);
  // Everything that was acknowledged is on disk; what is left is to let go of the network.
  background.stop(g_signalled != 0 ? kGraceAtSignal : kGraceAtEnd);
  return kDone;
}

}  // namespace fortium::app
