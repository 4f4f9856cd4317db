// Lines over descriptors, as a pipe or a socket delivers them: in pieces, too long, cut off, or not at all.
#include "rpc/fd_channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

using namespace fortium;
using namespace fortium::rpc;

namespace {

class Pipe {
 public:
  Pipe() { REQUIRE(::pipe2(fds_, O_CLOEXEC) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_in();
    close_out();
  }
  int out() const { return fds_[0]; }  // where it is read
  int in() const { return fds_[1]; }
  void close_in() { close_one(fds_[1]); }
  void close_out() { close_one(fds_[0]); }
  void put(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::write(in(), text.data(), text.size());
      REQUIRE(n > 0);
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // Everything that is there now.
  std::string drain() {
    ::fcntl(out(), F_SETFL, O_NONBLOCK);
    std::string all;
    char buffer[65536];
    for (ssize_t n; (n = ::read(out(), buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
    ::fcntl(out(), F_SETFL, 0);
    return all;
  }

 private:
  static void close_one(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  int fds_[2] = {-1, -1};
};

constexpr Millis kNow{0};  // do not wait: what is not there yet will not come

struct Fixture {
  Pipe input, output, wake;
  FdChannel channel{input.out(), output.in(), wake.out()};
  std::vector<Line> lines;

  // Whatever there is now, "line|line|"; a dropped one as "<bytes>".
  std::string read() {
    last = channel.read(lines, kNow);
    std::string text;
    for (const Line& line : lines)
      text += (line.dropped > 0 ? "<" + std::to_string(line.dropped) + ">" : std::string(line.text)) + "|";
    return text;
  }
  // A long text, as much at a time as a pipe takes; what was read meanwhile.
  std::string feed(std::string_view text) {
    constexpr std::size_t kPiece = 32 << 10;
    std::string seen;
    for (; !text.empty(); text.remove_prefix(std::min(kPiece, text.size()))) {
      input.put(text.substr(0, kPiece));
      std::string now = read();
      if (now.size() > 200) now = "(" + std::to_string(now.size() - 1) + " bytes)|";
      seen += now;
    }
    return seen;
  }
  Read last = Read::idle;
};

}  // namespace

TEST_CASE("lines that are there come together") {
  Fixture it;
  it.input.put("one\ntwo\nthree\n");
  CHECK(it.read() == "one|two|three|");
  CHECK(it.last == Read::lines);
  CHECK(it.read() == "");
  CHECK(it.last == Read::idle);
}

TEST_CASE("a line may come byte by byte") {
  Fixture it;
  const std::string text = "{\"a\":1}";
  for (const char c : text) {
    it.input.put({&c, 1});
    CHECK(it.read() == "");
    CHECK(it.last == Read::idle);
  }
  it.input.put("\n");
  CHECK(it.read() == text + "|");
}

TEST_CASE("any cut of any text gives the same lines") {
  const std::string text = "one\n\ntwo\r\n  \n\xff\nthree and more\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    CAPTURE(cut);
    Fixture it;
    std::string seen;
    for (const std::string& part : {text.substr(0, cut), text.substr(cut)}) {
      if (part.empty()) continue;
      it.input.put(part);
      seen += it.read();
    }
    CHECK(seen == "one|two\r|\xff|three and more|");
  }
}

TEST_CASE("a zero byte is a byte of its line") {
  Fixture it;
  it.input.put(std::string_view("a\0b\n", 4));
  CHECK(it.read() == std::string_view("a\0b|", 4));
}

TEST_CASE("blank lines are no lines") {
  Fixture it;
  it.input.put("\n\r\n \t \none\n\n");
  CHECK(it.read() == "one|");
  it.input.put("\n\n");
  CHECK(it.read() == "");
  CHECK(it.last == Read::idle);
}

TEST_CASE("a carriage return before the line end does not keep a line from being read") {
  Fixture it;
  it.input.put("one\r\ntwo\r\n");
  CHECK(it.read() == "one\r|two\r|");
}

TEST_CASE("at the end of input the last line may lack its end") {
  Fixture it;
  it.input.put("one\nhal");
  it.input.close_in();
  CHECK(it.read() == "one|");
  CHECK(it.last == Read::lines);
  CHECK(it.read() == "hal|");
  CHECK(it.last == Read::end);
  CHECK(it.read() == "");
  CHECK(it.last == Read::end);
}

TEST_CASE("no input is an orderly end") {
  Fixture it;
  it.input.close_in();
  CHECK(it.read() == "");
  CHECK(it.last == Read::end);
}

TEST_CASE("a line of 4 MiB is read, one byte more is dropped and told") {
  Fixture it;
  const auto limit = static_cast<std::size_t>(kMaxLineBytes);
  SUBCASE("at the limit") {
    CHECK(it.feed(std::string(limit, 'x') + "\n") == "(4194304 bytes)|");
    CHECK(it.lines.front().dropped == 0);
  }
  SUBCASE("at the limit, and its end comes later") {
    CHECK(it.feed(std::string(limit, 'x')) == "");
    it.input.put("\nnext\n");
    CHECK(it.read().substr(limit) == "|next|");
  }
  SUBCASE("beyond it") { CHECK(it.feed(std::string(limit + 1, 'x') + "\nnext\n") == "<4194305>|next|"); }
  SUBCASE("far beyond it, in pieces") {
    CHECK(it.feed(std::string(3 * limit, 'x')) == "");
    CHECK(it.feed(std::string(10, 'x') + "\nnext\n") == "<12582922>|next|");
  }
  SUBCASE("two of them, and good ones around") {
    const std::string big(limit + 1, 'x');
    CHECK(it.feed("one\n" + big + "\ntwo\n" + big + "\nthree\n") == "one|<4194305>|two|<4194305>|three|");
  }
  SUBCASE("one that never ends gives nothing") {
    CHECK(it.feed(std::string(limit + 100, 'x')) == "");
    it.input.close_in();
    CHECK(it.read() == "");
    CHECK(it.last == Read::end);
  }
}

TEST_CASE("who is asked to stop stops, whether or not there is input") {
  Fixture it;
  SUBCASE("nothing there") {}
  SUBCASE("half a line there") {
    it.input.put("hal");
    CHECK(it.read() == "");
  }
  it.wake.put("!");
  it.lines.clear();
  CHECK(it.channel.read(it.lines, std::nullopt) == Read::end);  // without a time limit
  CHECK(it.lines.empty());
  CHECK(it.channel.read(it.lines, std::nullopt) == Read::end);
}

TEST_CASE("what is written arrives whole and in order") {
  Fixture it;
  REQUIRE(it.channel.write("one\n").ok());
  REQUIRE(it.channel.write("").ok());
  REQUIRE(it.channel.write("two\nthree\n").ok());
  CHECK(it.output.drain() == "one\ntwo\nthree\n");
}

TEST_CASE("the peer is gone") {
  SUBCASE("a pipe") {
    Fixture it;
    it.output.close_out();
    const auto written = it.channel.write("one\n");
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().code == Errc::unavailable);
  }
  SUBCASE("a socket") {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    Pipe wake;
    FdChannel channel(pair[0], pair[0], wake.out());
    ::close(pair[1]);
    const auto written = channel.write("one\n");
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().code == Errc::unavailable);
    std::vector<Line> lines;
    CHECK(channel.read(lines, std::nullopt) == Read::end);
    ::close(pair[0]);
  }
}

TEST_CASE("a peer that does not read cannot keep us from stopping") {
  SUBCASE("a pipe") {
    Fixture it;
    it.wake.put("!");
    const auto written = it.channel.write(std::string(1 << 20, 'x'));
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().code == Errc::cancelled);
  }
  SUBCASE("a socket") {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    Pipe wake;
    wake.put("!");
    FdChannel channel(pair[0], pair[0], wake.out());
    const auto written = channel.write(std::string(8 << 20, 'x'));
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().code == Errc::cancelled);
    ::close(pair[0]);
    ::close(pair[1]);
  }
}

TEST_CASE("a short last answer still goes out when asked to stop") {
  Fixture it;
  it.wake.put("!");
  CHECK(it.channel.write("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n").ok());
  CHECK(it.output.drain() == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
}

TEST_CASE("a socket is as good as a pipe, in both directions") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  Pipe wake;
  FdChannel ours(pair[0], pair[0], wake.out()), theirs(pair[1], pair[1], wake.out());
  REQUIRE(theirs.write("one\ntwo\n").ok());
  std::vector<Line> lines;
  CHECK(ours.read(lines, std::nullopt) == Read::lines);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].text == "two");
  REQUIRE(ours.write("three\n").ok());
  CHECK(theirs.read(lines, std::nullopt) == Read::lines);
  CHECK(lines.front().text == "three");
  ::close(pair[0]);
  ::close(pair[1]);
}

TEST_CASE("who works long may glance at what comes, and read() goes on behind it") {
  Fixture it;
  const auto glance = [&] {
    std::vector<Line> seen;
    it.last = it.channel.glance(seen);
    std::string text;
    for (const Line& line : seen)
      text += (line.dropped > 0 ? "<" + std::to_string(line.dropped) + ">" : std::string(line.text)) + "|";
    return text;
  };
  it.input.put("one\ntwo\nthr");
  CHECK(it.read() == "one|two|");
  CHECK(glance() == "");
  CHECK(it.last == Read::idle);
  it.input.put("ee\nfour\nfi");
  CHECK(glance() == "three|four|");
  CHECK(it.last == Read::lines);
  CHECK(it.lines.front().text == "one");  // what read() gave is still there
  CHECK(it.lines.back().text == "two");
  CHECK(glance() == "");
  it.input.put("ve\n");
  CHECK(glance() == "five|");
  it.input.put("six\nsev");
  CHECK(it.read() == "six|");
  CHECK(glance() == "");
  it.input.put("en\n");
  CHECK(it.read() == "seven|");

  SUBCASE("a line that is too long is dropped on the way") {
    const std::string half(static_cast<std::size_t>(kMaxLineBytes) / 2 + 1, 'x');
    it.feed(half);
    std::string seen;
    for (std::string_view rest = half; !rest.empty();
         rest.remove_prefix(std::min<std::size_t>(rest.size(), 32 << 10))) {
      it.input.put(rest.substr(0, 32 << 10));
      seen += glance();
    }
    it.input.put("\nnext\n");
    CHECK(seen + it.read() == "<4194306>|next|");
  }
  SUBCASE("the end of input") {
    it.input.put("half");
    it.input.close_in();
    CHECK(glance() == "");
    CHECK(glance() == "half|");
    CHECK(it.read() == "");
    CHECK(it.last == Read::end);
  }
  SUBCASE("asked to stop") {
    it.wake.put("!");
    CHECK(glance() == "");
    CHECK(it.last == Read::end);
  }
}

TEST_CASE("a channel knows whether its peer takes anything now") {
  Fixture it;
  CHECK(it.channel.is_writable());
  ::fcntl(it.output.in(), F_SETFL, O_NONBLOCK);
  const std::string block(4096, 'x');
  while (::write(it.output.in(), block.data(), block.size()) > 0) {
  }
  ::fcntl(it.output.in(), F_SETFL, 0);
  CHECK_FALSE(it.channel.is_writable());
  it.output.drain();
  CHECK(it.channel.is_writable());
}

TEST_CASE("somebody may call, and is heard once") {
  Pipe input, output, wake;
  const int call = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  FdChannel channel(input.out(), output.in(), wake.out(), call);
  std::vector<Line> lines;
  const std::uint64_t one = 1;
  REQUIRE(::write(call, &one, sizeof one) == sizeof one);
  CHECK(channel.read(lines, std::nullopt) == Read::idle);  // without a time limit
  CHECK(channel.read(lines, kNow) == Read::idle);
  REQUIRE(::write(call, &one, sizeof one) == sizeof one);
  input.put("line\n");
  CHECK(channel.read(lines, std::nullopt) == Read::lines);
  CHECK(lines.size() == 1);
  ::close(call);
}
