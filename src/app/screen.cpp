#include "screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace fortium::app {

namespace {

constexpr const char* kEnter = "\033[?1049h\033[?25l\033[2J";  // the other page, no cursor, empty
constexpr const char* kLeave = "\033[0m\033[?25h\033[?1049l";
constexpr char kControlC = 3;
constexpr char kControlZ = 26;

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) sigaddset(&set, number);
  return set;
}

}  // namespace

Result<std::unique_ptr<Screen>> Screen::open() {
  termios before{};
  if (::isatty(STDOUT_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before) != 0)
    return Error{Errc::invalid, "standard input and output must be a terminal"};
  const char* const term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb")
    return Error{Errc::invalid, "this terminal cannot be drawn on: TERM is not set, or dumb"};
  std::unique_ptr<Screen> screen(new Screen(before));
  const sigset_t set = our_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  screen->signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  screen->enter();
  return screen;
}

Screen::~Screen() {
  leave();
  if (signals_ >= 0) ::close(signals_);
  const sigset_t set = our_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Screen::enter() {
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  put(kEnter);
  measure();
}

void Screen::leave() {
  put(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

void Screen::put(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      gone_ = true;
      return;
    }
    at += static_cast<std::size_t>(n);
  }
}

void Screen::measure() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
    rows_ = size.ws_row;
    columns_ = size.ws_col;
  }
  shown_.clear();
}

void Screen::show(std::vector<std::string> lines) {
  lines.resize(rows_);
  std::string text = shown_.empty() ? "\033[2J" : "";
  shown_.resize(rows_);
  for (std::size_t row = 0; row < rows_; ++row)
    if (lines[row] != shown_[row]) text += "\033[" + std::to_string(row + 1) + ";1H" + lines[row] + "\033[0m\033[K";
  shown_ = std::move(lines);
  if (!text.empty()) put(text);
}

Screen::Event Screen::wait(Millis at_most) {
  pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {signals_, POLLIN, 0}};
  const int ready = gone_ ? 0 : ::poll(fds, 2, static_cast<int>(at_most.count()));
  if (gone_) return Event::end;
  if (ready <= 0) return Event::nothing;
  return (fds[1].revents & POLLIN) != 0 ? on_signal() : on_key();
}

Screen::Event Screen::on_signal() {
  signalfd_siginfo info{};
  if (::read(signals_, &info, sizeof info) != sizeof info) return Event::nothing;
  switch (info.ssi_signo) {
    case SIGWINCH: measure(); return Event::resized;
    case SIGTSTP: rest(); return Event::resized;
    default: return Event::end;
  }
}

Screen::Event Screen::on_key() {
  const ssize_t n = ::read(STDIN_FILENO, &key_, 1);
  if (n < 0 && errno == EINTR) return Event::nothing;
  if (n <= 0) return Event::end;
  if (key_ == kControlC) return Event::end;
  if (key_ != kControlZ) return Event::key;
  rest();
  return Event::resized;
}

void Screen::rest() {
  leave();
  ::raise(SIGSTOP);
  enter();
}

}  // namespace fortium::app
