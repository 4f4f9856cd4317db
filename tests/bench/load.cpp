// Posts tool usages to a service from several connections at once, as fast as it answers, and says how fast that was.
//
//   bench_load PORT KEY CONNECTIONS RECORDS SECONDS
//
// Each connection sends one request after another, with RECORDS new records in each; 1: to the end point of single
// records. Every answer must be a success. Bodies are made before the clock starts. The last line is
// `records/s  requests/s  p50 ms  p99 ms`.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  int port = 0;
  std::string key;
  int connections = 0;
  int records = 0;
  int seconds = 0;
};

std::string record(std::mt19937_64& dice, int number) {
  char text[400];
  const unsigned long long high = dice(), low = dice();
  std::snprintf(text, sizeof text,
                R"({"id":"%08llx-%04llx-7%03llx-8%03llx-%012llx","timestamp":"2026-01-02T03:%02d:%02d.678Z",)"
                R"("session_id":"session-%d","user_id":"user-%d","project":"shop","tool_name":"Tool%d",)"
                R"("execution_time_ms":%d.25,"status":"success","source":"mcp"})",
                high >> 32, high >> 16 & 0xFFFF, high & 0xFFF, low >> 52, low & 0xFFFFFFFFFFFF, number % 60,
                number / 60 % 60, number % 40, number % 10, number % 7, number % 1000);
  return text;
}

std::string request(const Options& options, std::mt19937_64& dice, int number) {
  std::string body;
  if (options.records == 1) {
    body = record(dice, number);
  } else {
    body = R"({"batch_id":"b","device_id":"laptop","tool_usages":[)";
    for (int i = 0; i < options.records; ++i) body += (i == 0 ? "" : ",") + record(dice, number * options.records + i);
    body += "]}";
  }
  return "POST /api/v1/metrics/" + std::string(options.records == 1 ? "tool-usage" : "batch") +
         " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + options.key +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  return fd;
}

// Sends, and reads the whole answer: whether it was a success.
bool ask(int fd, const std::string& post, std::string& buffer) {
  for (std::size_t sent = 0; sent < post.size();) {
    const ssize_t wrote = send(fd, post.data() + sent, post.size() - sent, MSG_NOSIGNAL);
    if (wrote <= 0) return false;
    sent += static_cast<std::size_t>(wrote);
  }
  buffer.clear();
  std::size_t need = 0;
  while (need == 0 || buffer.size() < need) {
    char piece[65536];
    const ssize_t got = recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return false;
    buffer.append(piece, static_cast<std::size_t>(got));
    const std::size_t head = buffer.find("\r\n\r\n");
    if (need != 0 || head == std::string::npos) continue;
    const std::size_t length = buffer.find("Content-Length: ");
    if (length == std::string::npos) return false;
    need = head + 4 + static_cast<std::size_t>(std::atoll(buffer.c_str() + length + 16));
  }
  return buffer.compare(9, 2, "20") == 0 && buffer.find("rejected") == std::string::npos;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: bench_load PORT KEY CONNECTIONS RECORDS SECONDS\n", stderr);
    return 2;
  }
  const Options options{std::atoi(argv[1]), argv[2], std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5])};
  const int prepared = std::max(50, (options.records == 1 ? 2'500 : 150'000 / options.records) * options.seconds /
                                        std::max(1, options.connections / 8));
  std::vector<std::vector<std::string>> posts(static_cast<std::size_t>(options.connections));
  std::random_device seed;
  for (auto& of_one : posts) {
    std::mt19937_64 dice(seed());
    for (int i = 0; i < prepared / 8; ++i) of_one.push_back(request(options, dice, i));
  }

  std::atomic<bool> failed = false;
  std::vector<std::vector<double>> times(posts.size());
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::seconds(options.seconds);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < posts.size(); ++i)
      threads.emplace_back([&, i] {
        const int fd = connect_to(options.port);
        std::string buffer;
        for (const std::string& post : posts[i]) {
          const auto sent = Clock::now();
          if (sent > end || failed) break;
          if (!ask(fd, post, buffer)) {
            if (!failed.exchange(true)) std::fprintf(stderr, "no success: %s\n", buffer.substr(0, 600).c_str());
            break;
          }
          times[i].push_back(std::chrono::duration<double, std::milli>(Clock::now() - sent).count());
        }
        close(fd);
      });
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  std::vector<double> all;
  for (const auto& one : times) all.insert(all.end(), one.begin(), one.end());
  std::ranges::sort(all);
  if (failed || all.empty()) return 1;
  const auto percentile = [&](std::size_t percent) { return all[(all.size() - 1) * percent / 100]; };
  std::printf("%.0f records/s  %.0f requests/s  p50 %.2f ms  p99 %.2f ms  (%zu requests in %.1f s)\n",
              static_cast<double>(all.size()) * options.records / took, static_cast<double>(all.size()) / took,
              percentile(50), percentile(99), all.size(), took);
  return 0;
}
