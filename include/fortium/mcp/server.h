// The protocol: lines in, lines out. No I/O, no threads, no time of its own, so a transcript, a fuzzer, stdio and HTTP
// drive the same code.
//
// All lines of one call are one group: what they record shares one commit, and no answer that acknowledges a record
// comes back unless that commit succeeded. Both eras of the protocol are spoken on one connection: a request that names
// its revision is served by it, whatever came before; others by the revision that `initialize` agreed on. One instance
// is one connection, and belongs to one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/mcp/catalog.h"
#include "fortium/mcp/revision.h"
#include "fortium/rpc/channel.h"

namespace fortium::mcp {

constexpr Millis kWatchInterval{1'000};             // between two looks for changed resources
constexpr Millis kProgressInterval{100};            // before the first word of progress, and between two
constexpr Millis kLookInterval{10};                 // between two looks at the peer during long work
constexpr std::size_t kMostWaitingBytes = 4 << 20;  // of lines that come during long work; then none are taken
// A group of lines, and a batch, is no larger, so that answers to a client that does not read them are bounded too.
constexpr std::size_t kMostGroup = 256;
constexpr std::size_t kMostBatch = 1'000;

// The peer during long work, without waiting for it: sends the lines of `out` and empties it, if the peer takes them
// now, and gives the lines that have come, if they are wanted (not nullptr). False: asked to stop.
using Exchange = std::function<bool(std::vector<std::string>& out, std::vector<rpc::Line>* in)>;

// All that a session of the first era is: enough to go on with it on another connection, or in another process.
struct SessionState {
  Revision revision = kLastSession;
  Severity log_least = Severity::error;
  std::vector<std::string> subscribed;
  std::vector<std::int64_t> counts;  // of records by kind, when the first of them was subscribed to

  bool operator==(const SessionState&) const = default;
};

class Connection;

class Server {
 public:
  Server(const Catalog& catalog, Context context, std::string_view version);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // Without one, long work is not to be interrupted, and what is said during it comes with its answer.
  void use(Exchange exchange);

  // The answers, in the order of the lines, and between them what is said about the work on them (progress, log). Every
  // line is answered as its place in the protocol demands, whatever it holds; nothing escapes as an exception.
  std::vector<std::string> handle(std::span<const rpc::Line> lines);
  // Lines that came during long work wait for catch_up(), which handles the next of them as a group: once no others
  // are left that came before.
  bool is_behind() const;
  std::vector<std::string> catch_up();
  // The answer to one line, where nothing else is said.
  std::optional<std::string> handle(std::string_view line);

  // What is to be said without being asked: resources that changed. Costs nothing while nobody subscribed.
  std::vector<std::string> notices();
  // How long notices() may wait; nullopt: until the next line.
  std::optional<Millis> notices_in() const;
  // Whether log() would tell the client of something that matters so much.
  bool hears(Severity severity) const;
  // Something happened beside the requests. The line to send, if the client listens.
  std::vector<std::string> log(Severity severity, std::string_view logger, std::string_view text);
  // The last lines: requests that stayed open end.
  std::vector<std::string> close();

  // What `initialize` agreed on.
  std::optional<Revision> session() const;
  std::optional<SessionState> session_state() const;
  // Goes on with a session, as if it had begun here. Once more to follow what it subscribed to elsewhere.
  void resume(const SessionState& state);
  // Of requests that stay open, over a connection of their own: its end says that they were ended.
  std::vector<std::string> close_streams();

 private:
  std::unique_ptr<Connection> connection_;
};

}  // namespace fortium::mcp
