#include "fd_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

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

FdChannel::FdChannel(int in_fd, int out_fd, int wake_fd) : in_fd_(in_fd), out_fd_(out_fd), wake_fd_(wake_fd) {
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

void FdChannel::Bytes::erase_front(std::size_t count) {
  size -= count;
  if (size > 0) std::memmove(data.get(), data.get() + count, size);
  if (room > kKeptBytes && size < kReadBytes) {
    Bytes smaller;
    if (size > 0) std::memcpy(smaller.reserve(size), data.get(), size);
    smaller.size = size;
    *this = std::move(smaller);
  }
}

void FdChannel::compact() {
  buffer_.erase_front(taken_);
  taken_ = 0;
}

// True: asked to stop. False: `fd` is ready, or the time is up.
bool FdChannel::stop_asked(int timeout_ms, int fd, short events) {
  pollfd fds[2] = {{fd, events, 0}, {wake_fd_, POLLIN, 0}};
  while (::poll(fds, 2, timeout_ms) < 0)
    if (errno != EINTR) return false;  // the read or write that follows tells why
  return (fds[1].revents & POLLIN) != 0;
}

Read FdChannel::read(std::vector<Line>& lines, std::optional<Millis> idle_after) {
  lines.clear();
  compact();
  while (!ended_) {
    pollfd fds[2] = {{in_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
    const int ready = ::poll(fds, 2, idle_after ? static_cast<int>(idle_after->count()) : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Read::idle;
    if ((fds[1].revents & POLLIN) != 0) {
      ended_ = true;
      return Read::end;
    }
    const ssize_t got = ::read(in_fd_, buffer_.reserve(kReadBytes), kReadBytes);
    if (got > 0) buffer_.size += static_cast<std::size_t>(got);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) {
      // The last line may lack its end; answering it does no harm, as half a message is never JSON.
      ended_ = true;
      if (buffer_.size > 0 && dropping_ == 0) *buffer_.reserve(1) = '\n', ++buffer_.size;
    }
    split(lines);
    if (!lines.empty() && !ended_) return Read::lines;
    if (lines.empty() && !ended_) compact();
  }
  return Read::end;
}

void FdChannel::split(std::vector<Line>& lines) {
  while (true) {
    const auto end = buffer_.view().find('\n', std::max(taken_, searched_));
    if (end == std::string_view::npos) break;
    const std::string_view line = buffer_.view().substr(taken_, end - taken_);
    if (dropping_ > 0) {
      lines.push_back({{}, dropping_ + static_cast<std::int64_t>(line.size())});
      dropping_ = 0;
    } else if (static_cast<std::int64_t>(line.size()) > kMaxLineBytes) {
      lines.push_back({{}, static_cast<std::int64_t>(line.size())});
    } else if (line.find_first_not_of(" \t\r") != line.npos) {
      lines.push_back({line, 0});
    }
    taken_ = end + 1;
    searched_ = taken_;
  }
  if (static_cast<std::int64_t>(buffer_.size - taken_) > kMaxLineBytes || dropping_ > 0) {
    dropping_ += static_cast<std::int64_t>(buffer_.size - taken_);
    buffer_.size = taken_;
  }
  searched_ = buffer_.size - taken_;  // as it will be after compact()
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
