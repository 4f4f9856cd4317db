#include "transport.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "wait.h"

namespace fortium::net {

namespace {

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

std::string system_text(int code) {
  char text[128];
  return strerror_r(code, text, sizeof text);
}

std::string bracketed(const std::string& host) { return host.find(':') == host.npos ? host : "[" + host + "]"; }

}  // namespace

Transport::Transport(ClientOptions options) : options_(std::move(options)), cancelled_(eventfd(0, EFD_CLOEXEC)) {}

Transport::~Transport() {
  if (cancelled_ >= 0) ::close(cancelled_);
}

void Transport::cancel() {
  const std::uint64_t one = 1;
  // Nothing can go wrong that could be helped here: the counter is far from full.
  [[maybe_unused]] const ssize_t put = ::write(cancelled_, &one, sizeof one);
}

void Transport::begin(Millis deadline, std::int64_t most_bytes) {
  deadline_ = deadline;
  until_ = steady_now() + deadline;
  most_bytes_ = most_bytes;
  received_ = header_bytes_ = 0;
  in_headers_ = first_line_ = true;
  opened_ = early_ = ended_ = false;
  trouble_.reset();
}

bool Transport::fail(Stage stage, std::string what) {
  if (!trouble_) trouble_ = Trouble{stage, std::move(what)};
  return false;
}

bool Transport::is_cancelled() const {
  pollfd poked{cancelled_, POLLIN, 0};
  return ::poll(&poked, 1, 0) > 0;
}

bool Transport::out_of_time(Stage stage) {
  if (is_cancelled()) return fail(stage, "given up on request");
  return fail(stage, "no answer within " + std::to_string(deadline_.count()) + " ms");
}

// Ready, or `until` has come (which is trouble only when it is the request's deadline), or cancelled.
bool Transport::wait(short events, Stage stage, SteadyTime until) {
  for (;;) {
    pollfd watched[] = {{socket_, events, 0}, {cancelled_, POLLIN, 0}};
    const int ready = ::poll(watched, 2, millis_until(until));
    if (watched[1].revents != 0 && ready > 0) return out_of_time(stage);
    if (ready < 0 && errno != EINTR) return fail(stage, "waiting failed: " + system_text(errno));
    if (steady_now() >= until_) return out_of_time(stage);
    if (ready > 0) return true;
    if (ready == 0 && steady_now() >= until) return false;
  }
}

int Transport::open() {
  opened_ = true;
  from_ = to_ = 0;
  if (connect_any() && (!proxy_ || !options_.origin.tls || tunnel()) && (!options_.origin.tls || secure()))
    return socket_;
  if (socket_ >= 0) {
    tls_.detach();
    ::close(std::exchange(socket_, -1));
  }
  return -1;
}

void Transport::forget() {
  tls_.detach();
  socket_ = -1;
}

bool Transport::connect_any() {
  if (!options_.proxy.empty() && !proxy_) {
    const auto proxy = parse_url(options_.proxy);
    if (!proxy) return fail(Stage::connect, "the proxy " + proxy.error().what);
    if (proxy->tls) return fail(Stage::connect, "the proxy must be given as http://host:port");
    proxy_ = *proxy;
  }
  if (is_cancelled() || steady_now() >= until_) return out_of_time(Stage::connect);
  const Origin& target = proxy_ ? *proxy_ : options_.origin;
  const auto addresses = resolver_.resolve(target.host, target.port, cancelled_, until_);
  if (!addresses) {
    const bool given_up = addresses.error().code == Errc::cancelled && is_cancelled();
    return given_up ? out_of_time(Stage::connect) : fail(Stage::connect, addresses.error().what);
  }

  int code = 0;
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const bool last = i + 1 == addresses->size();
    if (connect_one((*addresses)[i], last ? until_ : std::min(until_, steady_now() + kOneAddress))) return true;
    code = errno;
    if (trouble_) return false;
  }
  return fail(Stage::connect, "no connection to " + bracketed(target.host) + ":" + std::to_string(target.port) + ": " +
                                  system_text(code));
}

// False without trouble: errno says why, and the next address may do.
bool Transport::connect_one(const Address& address, SteadyTime until) {
  socket_ = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_ < 0) return false;
  const int yes = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  int code = 0;
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0) {
    code = errno;
    if (code == EINPROGRESS || code == EINTR) {
      code = ETIMEDOUT;
      if (wait(POLLOUT, Stage::connect, until)) {
        socklen_t size = sizeof code;
        if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
      }
    }
  }
  if (code == 0) return true;
  ::close(std::exchange(socket_, -1));
  errno = code;
  return false;
}

bool Transport::tunnel() {
  const std::string target = bracketed(options_.origin.host) + ":" + std::to_string(options_.origin.port);
  const std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
  for (std::size_t put = 0; put < request.size();) {
    const ssize_t n = ::send(socket_, request.data() + put, request.size() - put, MSG_NOSIGNAL);
    if (n > 0)
      put += static_cast<std::size_t>(n);
    else if (!would_block())
      return fail(Stage::connect, "the proxy closed the connection");
    else if (!wait(POLLOUT, Stage::connect, until_))
      return false;
  }
  std::string answer;  // byte by byte: what follows the empty line is not the proxy's
  while (!answer.ends_with("\r\n\r\n")) {
    char byte = 0;
    const ssize_t n = ::recv(socket_, &byte, 1, 0);
    if (n == 1 && static_cast<std::int64_t>(answer.size()) < kMostProxyAnswer)
      answer += byte;
    else if (n >= 0 || !would_block())
      return fail(Stage::connect, "the proxy gave no proper answer");
    else if (!wait(POLLIN, Stage::connect, until_))
      return false;
  }
  const bool http = answer.size() > 12 && answer.starts_with("HTTP/1.") && answer[8] == ' ';
  const std::string status = http ? answer.substr(9, 3) : "without a status";
  if (status == "407") return fail(Stage::connect, "the proxy asks for credentials");
  return (http && status.starts_with('2')) || fail(Stage::connect, "the proxy refuses: HTTP " + status);
}

bool Transport::secure() {
  if (auto ready = tls_.prepare(options_.ca_file); !ready) return fail(Stage::tls, ready.error().what);
  if (auto ready = tls_.attach(socket_, options_.origin.host); !ready) return fail(Stage::tls, ready.error().what);
  for (;;) {
    switch (tls_.handshake()) {
      case Tls::Io::done: return true;
      case Tls::Io::wants_read:
        if (!wait(POLLIN, Stage::tls, until_)) return false;
        break;
      case Tls::Io::wants_write:
        if (!wait(POLLOUT, Stage::tls, until_)) return false;
        break;
      case Tls::Io::closed:
      case Tls::Io::failed: return fail(Stage::tls, tls_.why());
    }
  }
}

bool Transport::within_limits(std::size_t got) {
  const std::string_view bytes(buffer_, got);
  const auto line = bytes.find('\n');
  const auto first = static_cast<std::int64_t>(line == bytes.npos ? got : line);
  if (first_line_ && received_ + first > kMostStatusLine)
    return fail(Stage::exchange, "what came back is not an HTTP answer: its first line is too long");
  first_line_ = first_line_ && line == bytes.npos;
  received_ += static_cast<std::int64_t>(got);
  if (received_ > kMostHeaderBytes + kMostFraming + most_bytes_)
    return fail(Stage::exchange, "the answer is larger than " + std::to_string(most_bytes_) + " bytes");
  return true;
}

Transport::Filled Transport::fill(bool patient) {
  from_ = to_ = 0;
  for (;;) {
    std::size_t got = 0;
    short wanted = POLLIN;
    if (tls_.attached()) {
      const Tls::Io io = tls_.read(buffer_, sizeof buffer_, got);
      if (io == Tls::Io::closed || io == Tls::Io::failed) {
        ended_ = true;
        return io == Tls::Io::closed ? Filled::end : Filled::trouble;
      }
      if (io == Tls::Io::wants_write) wanted = POLLOUT;
    } else {
      const ssize_t n = ::recv(socket_, buffer_, sizeof buffer_, 0);
      if (n == 0 || (n < 0 && !would_block())) {
        ended_ = true;
        return n == 0 ? Filled::end : Filled::trouble;
      }
      got = n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    if (got > 0) {
      to_ = got;
      // Also a peer that never pauses comes to its end.
      const bool fine = steady_now() < until_ ? within_limits(got) : out_of_time(Stage::exchange);
      return fine ? Filled::some : Filled::trouble;
    }
    if (!patient) return Filled::none;
    if (!wait(wanted, Stage::exchange, until_)) return Filled::trouble;
  }
}

ssize_t Transport::read(char* out, std::size_t size) {
  if (trouble_) return -1;
  if (from_ == to_) {
    switch (fill(/*patient=*/true)) {
      case Filled::some: break;
      case Filled::end: return 0;
      case Filled::none:
      case Filled::trouble: return -1;
    }
  }
  const std::size_t take = std::min(size, to_ - from_);
  std::memcpy(out, buffer_ + from_, take);
  from_ += take;
  // Counted as handed out, not as received: the body may well come in one piece with the headers.
  if (in_headers_ && (header_bytes_ += static_cast<std::int64_t>(take)) > kMostHeaderBytes) {
    fail(Stage::exchange, "the headers of the answer are larger than " + std::to_string(kMostHeaderBytes) + " bytes");
    return -1;
  }
  return static_cast<ssize_t>(take);
}

ssize_t Transport::write(const char* data, std::size_t size) {
  const auto all = static_cast<ssize_t>(size);
  for (;;) {
    if (trouble_) return -1;
    if (early_ || size == 0) return all;
    std::size_t put = 0;
    short wanted = POLLOUT;
    bool broken = false;
    if (tls_.attached()) {
      const Tls::Io io = tls_.write(data, size, put);
      broken = io == Tls::Io::closed || io == Tls::Io::failed;
      if (io == Tls::Io::wants_read) wanted = POLLIN;
    } else {
      const ssize_t n = ::send(socket_, data, size, MSG_NOSIGNAL);
      broken = n < 0 && !would_block();
      put = n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    if (put > 0) return static_cast<ssize_t>(put);
    if (broken) {
      early_ = true;  // if there is an answer, it tells why
      continue;
    }
    // Somebody who answers before he has read everything, and does not read on, would keep us waiting for ever.
    if (from_ != to_ || fill(/*patient=*/false) != Filled::none) {
      early_ = true;
      continue;
    }
    if (!wait(static_cast<short>(wanted | POLLIN), Stage::exchange, until_)) return -1;
  }
}

}  // namespace fortium::net
