#include "fd_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace fortium::rpc {

namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kKeptBytes = 256 << 10;  // a buffer that one long line has grown is given back
constexpr std::size_t kPipeAtomic = 4096;      // PIPE_BUF: after POLLOUT a pipe takes as much without blocking

}  // namespace

Result<int> guard_stdout() {
  const int fd = ::dup(STDOUT_FILENO);
  if (fd < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    return Error{Errc::unavailable, std::string("standard output: ") + std::strerror(errno)};
  return fd;
}

FdChannel::FdChannel(int in_fd, int out_fd, int wake_fd, int call_fd)
    : in_fd_(in_fd), out_fd_(out_fd), wake_fd_(wake_fd), call_fd_(call_fd) {
  struct stat info {};
  out_is_socket_ = ::fstat(out_fd_, &info) == 0 && S_ISSOCK(info.st_mode);
}

char* FdChannel::Bytes::reserve(std::size_t more) {
  if (room - size < more) {
    room = std::max(size + more, 2 * size);
    auto wider = std::make_unique_for_overwrite<char[]>(room);
    if (size > 0) std::memcpy(wider.get(), data.get(), size);
    data = std::move(wider);
  }
  return data.get() + size;
}

void FdChannel::Bytes::append(std::string_view text) {
  if (text.empty()) return;
  std::memcpy(reserve(text.size()), text.data(), text.size());
  size += text.size();
}

void FdChannel::Bytes::erase_front(std::size_t count) {
  size -= count;
  if (size > 0) std::memmove(data.get(), data.get() + count, size);
  if (room > kKeptBytes && size < kReadBytes) {
    Bytes smaller;
    smaller.append(view());
    *this = std::move(smaller);
  }
}

void FdChannel::Intake::compact() {
  bytes.erase_front(taken);
  taken = 0;
}

// Answering a last line without its end does no harm, as half a message is never JSON.
void FdChannel::Intake::end() {
  if (bytes.size > taken && dropping == 0) bytes.append("\n");
}

// True: asked to stop. False: `fd` is ready, or the time is up.
bool FdChannel::stop_asked(int timeout_ms, int fd, short events) {
  pollfd fds[2] = {{fd, events, 0}, {wake_fd_, POLLIN, 0}};
  while (::poll(fds, 2, timeout_ms) < 0)
    if (errno != EINTR) return false;  // the read or write that follows tells why
  return (fds[1].revents & POLLIN) != 0;
}

bool FdChannel::take(Intake& intake) {
  const ssize_t got = ::read(in_fd_, intake.bytes.reserve(kReadBytes), kReadBytes);
  if (got > 0) intake.bytes.size += static_cast<std::size_t>(got);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (got <= 0) {
    ended_ = true;
    intake.end();
  }
  return true;
}

Read FdChannel::read(std::vector<Line>& lines, std::optional<Millis> idle_after) {
  lines.clear();
  if (next_) now_ = *std::exchange(next_, std::nullopt);
  now_.compact();
  while (!ended_) {
    pollfd fds[3] = {{in_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}, {call_fd_, POLLIN, 0}};
    const int ready = ::poll(fds, call_fd_ >= 0 ? 3 : 2, idle_after ? static_cast<int>(idle_after->count()) : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Read::idle;
    if ((fds[1].revents & POLLIN) != 0) {
      ended_ = true;
      return Read::end;
    }
    if ((fds[2].revents & POLLIN) != 0) {
      std::uint64_t calls = 0;
      if (::read(call_fd_, &calls, sizeof calls) > 0 && fds[0].revents == 0) return Read::idle;
    }
    if (!take(now_)) continue;
    now_.split(lines);
    if (!lines.empty() && !ended_) return Read::lines;
    if (lines.empty() && !ended_) now_.compact();
  }
  return Read::end;
}

Read FdChannel::glance(std::vector<Line>& lines) {
  lines.clear();
  if (!next_) {
    next_ = Intake{{}, 0, now_.searched, now_.dropping};
    next_->bytes.append(now_.bytes.view().substr(now_.taken));
  }
  next_->compact();
  pollfd fds[2] = {{in_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  const int ready = ::poll(fds, 2, 0);
  if (ready > 0 && (fds[1].revents & POLLIN) != 0) return Read::end;
  if (ended_ || ready <= 0 || fds[0].revents == 0 || !take(*next_)) return Read::idle;
  next_->split(lines);
  return lines.empty() ? Read::idle : Read::lines;
}

bool FdChannel::is_writable() {
  pollfd out{out_fd_, POLLOUT, 0};
  return ::poll(&out, 1, 0) > 0;
}

void FdChannel::Intake::split(std::vector<Line>& lines) {
  while (true) {
    const auto end = bytes.view().find('\n', std::max(taken, searched));
    if (end == std::string_view::npos) break;
    const std::string_view line = bytes.view().substr(taken, end - taken);
    if (dropping > 0) {
      lines.push_back({{}, dropping + static_cast<std::int64_t>(line.size())});
      dropping = 0;
    } else if (static_cast<std::int64_t>(line.size()) > kMaxLineBytes) {
      lines.push_back({{}, static_cast<std::int64_t>(line.size())});
    } else if (line.find_first_not_of(" \t\r") != line.npos) {
      lines.push_back({line, 0});
    }
    taken = end + 1;
    searched = taken;
  }
  if (static_cast<std::int64_t>(bytes.size - taken) > kMaxLineBytes || dropping > 0) {
    dropping += static_cast<std::int64_t>(bytes.size - taken);
    bytes.size = taken;
  }
  searched = bytes.size - taken;  // as it will be after compact()
}

Result<void> FdChannel::write(std::string_view text) {
  while (!text.empty()) {
    ssize_t sent = 0;
    if (out_is_socket_) {
      sent = ::send(out_fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        if (stop_asked(-1, out_fd_, POLLOUT)) return Error{Errc::cancelled, "asked to stop"};
        continue;
      }
    } else {
      if (stop_asked(-1, out_fd_, POLLOUT)) {
        // What is acknowledged is committed; a short last reply still gets its chance.
        pollfd out{out_fd_, POLLOUT, 0};
        if (::poll(&out, 1, 0) <= 0) return Error{Errc::cancelled, "asked to stop"};
      }
      sent = ::write(out_fd_, text.data(), std::min(text.size(), kPipeAtomic));
    }
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Error{Errc::unavailable, std::string("the peer is gone: ") + std::strerror(errno)};
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

}  // namespace fortium::rpc
