// `fortium-metrics mcp`: the loop that Claude Code talks to.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "../rpc/fd_channel.h"
#include "background.h"
#include "commands.h"
#include "fortium/base/log.h"
#include "fortium/mcp/server.h"
#include "local_tools.h"

namespace fortium::app {

namespace {

constexpr Millis kIdleAfter{200};     // no line for so long: time for house-keeping
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

// Answers lines until there are no more, or the peer is gone.
void serve(rpc::Channel& channel, mcp::Server& server, store::LocalStore& store) {
  std::vector<rpc::Line> lines;
  std::optional<Millis> idle_after;  // set while there may be something to tidy
  while (true) {
    const rpc::Read read = channel.read(lines, idle_after);
    if (!lines.empty()) {
      std::string out;
      for (const std::string& answer : server.handle(lines)) out += answer + "\n";
      if (!out.empty() && !channel.write(out)) return;
      store.tidy(/*busy=*/true);
    }
    if (read == rpc::Read::end) return;
    idle_after = kIdleAfter;
    if (read == rpc::Read::idle && !store.tidy(/*busy=*/false)) idle_after.reset();
  }
}

}  // namespace

int run_mcp(const Settings& settings) {
  auto out_fd = rpc::guard_stdout();
  if (!out_fd || !catch_signals()) return fail(kFailed, "cannot prepare standard output and signals");
  open_session_log(settings);

  Local local(settings);
  metrics::Stamp stamp = make_stamp("mcp", settings, process_environment());
  if (stamp.session_id.empty()) stamp.session_id = uuid7(local.clock().now(), local.entropy());
  metrics::Recorder recorder(local.store(), local.clock(), local.entropy(), stamp, settings.disabled);
  const std::string organization = settings.text("org_id").empty() ? "local" : settings.text("org_id");
  mcp::Catalog catalog = mcp::standard_catalog(settings.flag("performance_monitoring"));
  add_local_rows(catalog, settings);
  mcp::Server server(catalog,
                     mcp::Context{local.clock(), recorder, {}, [&local] { return local.reader(); }, organization},
                     FORTIUM_VERSION);

  Background background(settings);
  if (settings.mode != Mode::local && !settings.disabled && can_send(settings)) background.start();

  rpc::FdChannel channel(STDIN_FILENO, *out_fd, g_wake_fds[0]);
  serve(channel, server, local.store());
  // Everything that was acknowledged is on disk; what is left is to let go of the network.
  background.stop(g_signalled != 0 ? kGraceAtSignal : kGraceAtEnd);
  return kDone;
}

}  // namespace fortium::app
