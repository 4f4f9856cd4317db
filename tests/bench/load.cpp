// Posts tool usages to a service over many connections, and says how fast they were answered.
//
//   bench_load PORT KEY[,KEY…] CONNECTIONS RECORDS SECONDS [--pace N] [--in-order] [--mixed] [--limited]
//
// Each connection is an installation that sends its backlog: RECORDS new records in every request, the next one when
// the one before was answered; 1: to the end point of single records. Keys take turns. Every answer must be a success.
//
// --pace N    N requests a second, at times that are fixed before. What is measured begins then, so a request that has
// to
//             wait for the one before it counts its wait
// --in-order  ids by time, as the tools make them (UUIDv7); else spread, as hooks and imports derive them
// --mixed     what is in one request happened at any time of one hour in 40 sessions, and not in one after the other
// --limited   429 is an answer, too, and counted
//
// One thread; bodies are made before the clock starts, and then only ids, times and sessions are written over, so that
// the service has the processors. The last line is `records/s  requests/s  p50 ms  p99 ms  (…)`.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backlog.h"

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr std::size_t kPiece = 64 * 1024;

struct Options {
  int port = 0;
  std::vector<std::string> keys;
  int connections = 0;
  int records = 0;
  int seconds = 0;
  int pace = 0;
  bench::Backlog::Order order = {};
  bool limited = false;
};

// One request, whose records are new each time.
class Post {
 public:
  Post(const Options& options, int connection, std::uint64_t seed)
      : options_(options), backlog_(options.order, connection, seed) {
    std::string body;
    if (options.records > 1) body = R"({"batch_id":"b","device_id":")" + device(connection) + R"(","tool_usages":[)";
    for (int i = 0; i < options.records; ++i) add_record(body, i, connection);
    if (options.records > 1) body += "]}";
    const std::string& key = options.keys[static_cast<std::size_t>(connection) % options.keys.size()];
    text_ = "POST /api/v1/metrics/" + std::string(options.records == 1 ? "tool-usage" : "batch") +
            " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + key +
            "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    for (std::size_t& place : places_) place += text_.size();
    text_ += body;
  }

  const std::string& text() const { return text_; }

  void renew() {
    bench::Backlog::Record record;
    for (const std::size_t place : places_) {
      backlog_.next(record);
      write(text_.data() + place, record);
    }
  }

 private:
  static std::string device(int connection) { return "device-" + std::to_string(connection); }

  // As the places of write() say: id, time, session.
  void add_record(std::string& body, int number, int connection) {
    if (number > 0) body += ',';
    places_.push_back(body.size());
    const std::string of = options_.order.mixed ? "0" : std::to_string(connection);
    body +=
        R"({"id":"00000000-0000-8000-8000-000000000000","timestamp":"2026-01-02T03:04:05.678Z","session_id":"session-)"
        R"(0000-)" +
        of + R"(","user_id":"user-)" + of + R"(","project":"shop","tool_name":"Tool)" + std::to_string(number % 7) +
        R"(","execution_time_ms":)" + std::to_string(number) + R"(.25,"status":"success","source":"mcp"})";
    if (options_.records == 1) body.insert(body.size() - 1, R"(,"device_id":")" + device(connection) + '"');
  }

  static void write(char* at, const bench::Backlog::Record& record) {
    char* const id = at + std::strlen(R"({"id":")");
    char* const when = id + bench::kIdBytes + std::strlen(R"(","timestamp":")");
    std::tm utc{};
    gmtime_r(&record.time, &utc);
    std::memcpy(id, record.id, bench::kIdBytes);
    bench::put(when, 4, static_cast<std::uint64_t>(utc.tm_year) + 1900);
    bench::put(when + 5, 2, static_cast<std::uint64_t>(utc.tm_mon) + 1);
    bench::put(when + 8, 2, static_cast<std::uint64_t>(utc.tm_mday));
    bench::put(when + 11, 2, static_cast<std::uint64_t>(utc.tm_hour));
    bench::put(when + 14, 2, static_cast<std::uint64_t>(utc.tm_min));
    bench::put(when + 17, 2, static_cast<std::uint64_t>(utc.tm_sec));
    bench::put(when + 24 + std::strlen(R"(","session_id":"session-)"), 4, record.session % 10'000);
  }

  const Options& options_;
  bench::Backlog backlog_;
  std::string text_;
  std::vector<std::size_t> places_;  // of records
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_load: %s\n", why.c_str());
  std::exit(1);
}

class Load {
 public:
  explicit Load(const Options& options) : options_(options), poll_(epoll_create1(0)) {
    std::random_device seed;
    for (int i = 0; i < options.connections; ++i) all_.push_back(std::make_unique<One>(options, i, seed()));
    for (const auto& one : all_) open(*one);
  }

  void run() {
    begin_ = Clock::now();
    end_ = begin_ + std::chrono::seconds(options_.seconds);
    if (options_.pace == 0)
      for (const auto& one : all_) send(*one, Clock::now());
    while (true) {
      const Time now = Clock::now();
      if (now < end_) begin_what_is_due(now);
      if (now >= end_ && busy_ == 0) break;
      epoll_event events[64];
      const int count = wait(events, now);
      for (int i = 0; i < count; ++i) go_on(*static_cast<One*>(events[i].data.ptr), events[i].events);
    }
    took_ = std::chrono::duration<double>(Clock::now() - begin_).count();
  }

  void tell() {
    if (times_.empty() && refused_ == 0) give_up("no answers");
    std::ranges::sort(times_);
    const auto percentile = [&](std::size_t percent) {
      return times_.empty() ? 0 : times_[(times_.size() - 1) * percent / 100];
    };
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    std::printf(
        "%.0f records/s  %.0f requests/s  p50 %.2f ms  p99 %.2f ms  (%zu taken, %zu limited in %.1f s; own processor "
        "%.0f %%)\n",
        static_cast<double>(times_.size()) * options_.records / took_, static_cast<double>(times_.size()) / took_,
        percentile(50), percentile(99), times_.size(), refused_, took_,
        (seconds(used.ru_utime) + seconds(used.ru_stime)) / took_ * 100);
  }

 private:
  struct One {
    One(const Options& options, int number, std::uint64_t seed) : post(options, number, seed) {}
    Post post;
    int fd = -1;
    bool busy = false;
    std::size_t sent = 0;
    std::string answer = {};
    std::size_t whole = 0;  // bytes of the answer, once its head is here
    Time since{};
    std::deque<Time> due = {};
  };

  void open(One& one) {
    one.fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(one.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(one.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("cannot connect");
    fcntl(one.fd, F_SETFL, O_NONBLOCK);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &one}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, one.fd, &event);
  }

  Time due(std::uint64_t request) const {
    return begin_ + std::chrono::nanoseconds(1'000'000'000 * request / static_cast<std::uint64_t>(options_.pace));
  }

  void begin_what_is_due(Time now) {
    for (; options_.pace > 0 && due(next_) <= now; ++next_) {
      One& one = *all_[next_ % all_.size()];
      if (one.busy)
        one.due.push_back(due(next_));
      else
        send(one, due(next_));
    }
  }

  int wait(epoll_event (&events)[64], Time now) const {
    const Time until = options_.pace > 0 && now < end_ ? std::min(due(next_), end_) : now + std::chrono::seconds(1);
    const auto left = std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(until - now)).count();
    const timespec most{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    return epoll_pwait2(poll_, events, 64, &most, nullptr);
  }

  void send(One& one, Time since) {
    one.post.renew();
    one.since = since;
    one.sent = one.whole = 0;
    one.answer.clear();
    if (!std::exchange(one.busy, true)) ++busy_;
    go_on_sending(one);
  }

  void go_on_sending(One& one) {
    const std::string& text = one.post.text();
    const ssize_t wrote = ::send(one.fd, text.data() + one.sent, text.size() - one.sent, MSG_NOSIGNAL);
    if (wrote > 0) one.sent += static_cast<std::size_t>(wrote);
    // A refusal may come, and the connection end, before all was sent.
    const bool more = one.sent < text.size() && (wrote >= 0 || errno == EAGAIN);
    epoll_event event{.events = more ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.ptr = &one}};
    if (more || one.sent > static_cast<std::size_t>(std::max<ssize_t>(0, wrote)))
      epoll_ctl(poll_, EPOLL_CTL_MOD, one.fd, &event);
  }

  void go_on(One& one, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) go_on_sending(one);
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
    static char piece[kPiece];
    const ssize_t got = recv(one.fd, piece, sizeof piece, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      if (!options_.limited) give_up("the connection ended");
      reopen(one);
      return;
    }
    one.answer.append(piece, static_cast<std::size_t>(got));
    if (one.whole == 0) {
      const std::size_t head = one.answer.find("\r\n\r\n"), length = one.answer.find("Content-Length: ");
      if (head == std::string::npos || length == std::string::npos) return;
      one.whole = head + 4 + static_cast<std::size_t>(std::atoll(one.answer.c_str() + length + 16));
    }
    if (one.answer.size() >= one.whole) answered(one);
  }

  void answered(One& one) {
    const Time now = Clock::now();
    one.busy = false;
    --busy_;
    if (options_.limited && one.answer.compare(9, 3, "429") == 0) {
      ++refused_;
    } else if (one.answer.compare(9, 2, "20") != 0 || one.answer.find("rejected") != std::string::npos) {
      give_up("no success: " + one.answer.substr(0, 600));
    } else {
      times_.push_back(std::chrono::duration<double, std::milli>(now - one.since).count());
    }
    if (one.answer.find("Connection: close") != std::string::npos) return reopen(one);
    go_on_with_next(one, now);
  }

  void reopen(One& one) {
    if (std::exchange(one.busy, false)) --busy_, ++refused_;
    close(one.fd);
    if (Clock::now() >= end_) return;
    open(one);
    go_on_with_next(one, Clock::now());
  }

  void go_on_with_next(One& one, Time now) {
    if (now >= end_) return;
    if (options_.pace == 0) return send(one, now);
    if (one.due.empty()) return;
    const Time since = one.due.front();
    one.due.pop_front();
    send(one, since);
  }

  const Options options_;
  const int poll_;
  std::vector<std::unique_ptr<One>> all_;
  std::size_t busy_ = 0, refused_ = 0;
  std::uint64_t next_ = 0;  // request of a paced run
  Time begin_{}, end_{};
  double took_ = 0;
  std::vector<double> times_;
};

Options read_options(int argc, char** argv) {
  Options options;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--pace" && i + 1 < argc)
      options.pace = std::atoi(argv[++i]);
    else if (word == "--in-order")
      options.order.in_order = true;
    else if (word == "--mixed")
      options.order.mixed = true;
    else if (word == "--limited")
      options.limited = true;
    else
      words.emplace_back(word);
  }
  if (words.size() != 5) {
    std::fputs(
        "usage: bench_load PORT KEY[,KEY...] CONNECTIONS RECORDS SECONDS [--pace N] [--in-order] [--mixed] "
        "[--limited]\n",
        stderr);
    std::exit(2);
  }
  options.port = std::atoi(words[0].c_str());
  for (std::size_t at = 0; at < words[1].size(); at = std::min(words[1].size(), words[1].find(',', at)) + 1)
    options.keys.push_back(words[1].substr(at, words[1].find(',', at) - at));
  options.connections = std::atoi(words[2].c_str());
  options.records = std::atoi(words[3].c_str());
  options.seconds = std::atoi(words[4].c_str());
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
  Load load(options);
  load.run();
  load.tell();
  return 0;
}
