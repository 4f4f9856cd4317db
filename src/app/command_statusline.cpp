// `fortium-metrics statusline [-- command…]`: beside a person's own status line. This process becomes their command, so
// output, exit code and signals are theirs; what is recorded is recorded by a process of its own, which nobody waits
// for.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "../claude/statusline.h"
#include "commands.h"
#include "consent.h"
#include "detached.h"
#include "fortium/base/files.h"
#include "fortium/base/hash.h"
#include "local.h"

namespace fortium::app {

namespace {

constexpr std::size_t kMostRead = 1 << 20;         // bytes that are looked at; more is passed on all the same
constexpr WallTime::duration kEvery{60'000};       // a record a session
constexpr auto kOldMark = std::chrono::hours(24);  // of a session that is over
constexpr unsigned kMostSeconds = 20;              // of the recording process

std::string read_input() {
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(0, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

// A mark in the data directory says when the session was recorded last.
std::string mark_of(const std::string& data_dir, const std::string& session_id) {
  const Sha256 hash = sha256(session_id);
  return data_dir + "/statusline/" + to_hex(hash.data(), 8);
}

bool is_due(const std::string& mark, WallTime now) {
  struct stat info {};
  if (::stat(mark.c_str(), &info) != 0) return true;
  const WallTime last = from_ms(info.st_mtime * 1'000);
  return now >= last + kEvery || now < last;  // or the clock was set back
}

void set_mark(const std::string& mark, WallTime now) {
  const std::filesystem::path dir = std::filesystem::path(mark).parent_path();
  if (!make_private_dir(dir)) return;
  std::error_code error;
  std::filesystem::remove(mark, error);
  const int fd = ::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) ::close(fd);
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    struct stat info {};
    if (::lstat(entry.path().c_str(), &info) == 0 && from_ms(info.st_mtime * 1'000) + kOldMark < now)
      std::filesystem::remove(entry.path(), error);
  }
}

void record(const claude::StatusLine& status, Options options, const Environment& environment) {
  if (opted_out_here(environment) || opted_out(status.directory, environment)) return;
  options.find_key = false;
  const Settings settings = load_settings(options, environment);
  Local local(settings);
  set_mark(mark_of(settings.data_dir, status.session_id), local.clock().now());
  metrics::Stamp stamp = make_stamp("hook", settings, environment);
  stamp.session_id = status.session_id;
  if (stamp.project.empty()) stamp.project = std::filesystem::path(status.directory).filename();
  metrics::Recorder recorder(local.store(), local.clock(), local.entropy(), std::move(stamp), settings.disabled);
  const auto staged = recorder.stage(*metrics::find_kind("user_session"), status.record, schema::Edge::record);
  if (std::holds_alternative<metrics::Violations>(staged)) return;  // nothing that Claude Code says
  (void)recorder.commit();                                          // the next minute says it anew
}

// This process becomes the command, with the text on its standard input.
int become(const std::vector<std::string>& words, const std::string& text) {
  const int fd = ::memfd_create("statusline", 0);
  std::size_t written = 0;
  while (fd >= 0 && written < text.size()) {
    const ssize_t n = ::write(fd, text.data() + written, text.size() - written);
    if (n < 0 && errno != EINTR) break;
    if (n > 0) written += static_cast<std::size_t>(n);
  }
  if (fd < 0 || written < text.size() || ::lseek(fd, 0, SEEK_SET) != 0 || ::dup2(fd, 0) != 0)
    return fail(kFailed, std::string("cannot pass on what was read: ") + std::strerror(errno));
  ::close(fd);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  return fail(errno == ENOENT ? 127 : 126, words[0] + ": " + std::strerror(errno));
}

}  // namespace

int run_statusline(const Options& options, const std::vector<std::string>& command) {
  const Environment environment = process_environment();
  const WallTime now = SystemClock().now();
  const std::string text = read_input();
  const auto status = text.size() <= kMostRead ? claude::read_status_line(text, now) : std::nullopt;
  if (status && !status->unused && !is_disabled(environment) &&
      is_due(mark_of(data_dir_of(options, environment), status->session_id), now))
    detached(kMostSeconds, [&] { record(*status, options, environment); });
  if (!command.empty()) return become(command, text);
  if (status) std::printf("%s\n", status->line.c_str());
  return kDone;
}

}  // namespace fortium::app
