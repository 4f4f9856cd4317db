// The least that a refusal can cost: takes every request and answers 429. Prints its port and runs until it is ended.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";

void serve(int fd) {
  std::string request;
  while (true) {
    char piece[65536];
    const ssize_t got = recv(fd, piece, sizeof piece, 0);
    if (got <= 0) break;
    request.append(piece, static_cast<std::size_t>(got));
    const std::size_t head = request.find("\r\n\r\n"), length = request.find("Content-Length: ");
    if (head == std::string::npos || length == std::string::npos) continue;
    if (request.size() < head + 4 + static_cast<std::size_t>(std::atoll(request.c_str() + length + 16))) continue;
    request.clear();
    if (send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) break;
  }
  close(fd);
}

}  // namespace

int main() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 || listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return 1;
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  while (true) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd >= 0) std::thread(serve, fd).detach();
  }
}
