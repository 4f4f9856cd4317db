// The program of a transcript: the real server on the real store, in a directory of its own, with time and chance that
// the transcript controls.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/settings.h"
#include "claude/hook.h"
#include "fortium/mcp/server.h"
#include "fortium/metrics/recorder.h"
#include "store/database.h"
#include "store/sqlite_reader.h"
#include "store/sqlite_store.h"
#include "support/fakes.h"
#include "support/temp_dir.h"

namespace fortium::test {

// A store that refuses when told to, as a full disk does.
class StoreThatMayFail final : public metrics::EventStore {
 public:
  explicit StoreThatMayFail(metrics::EventStore& inner) : inner_(inner) {}
  bool failing = false;
  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events) override {
    if (failing) return Error{Errc::full, "SQLite: database or disk is full"};
    return inner_.append(events);
  }

 private:
  metrics::EventStore& inner_;
};

// A clock that goes on by itself when it is told to: each look at its steady time takes so long.
class TickingClock final : public Clock {
 public:
  FakeClock inner;
  Millis each_look{0};
  WallTime now() const override { return inner.now(); }
  SteadyTime steady() const override {
    ticks_ += each_look;
    return inner.steady() + ticks_;
  }

 private:
  mutable Millis ticks_{0};
};

class Session {
 public:
  // Header: `session: <revision>` shakes hands unseen; `store: failing`, `reader: failing`, `recording: off`,
  // `alerts: off`, `organization: acme`, `resumed: no` (Claude Code told no session id), `project: none`.
  explicit Session(const std::map<std::string, std::string>& header);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // What was said during the work, and then the rest, as it would leave.
  std::vector<std::string> handle(std::span<const rpc::Line> lines);
  // What was said since, without being asked.
  std::vector<std::string> unasked() { return std::exchange(said_, {}); }
  void advance(Millis time);
  // A new connection to the same store.
  void reconnect();
  // `store` and `reader` may be `failing` or `working`; `write PATH` adds a line to a file, `another session records
  // KIND` a record by another connection, and both take `20 times`, with the number in place of #; `meanwhile` is a
  // line that comes at the next look at the peer during long work; `each look at the clock takes` time; `peer` may be
  // `deaf`, `listening` or `gone` during it; `log LEVEL` is a message of the log. False: no such change.
  bool change(const std::string& key, const std::string& value);

  const mcp::Catalog& catalog() const { return catalog_; }
  std::optional<mcp::Revision> revision() const { return server_->session(); }

 private:
  void connect();
  bool exchange(std::vector<std::string>& out, std::vector<rpc::Line>* in);
  bool write_lines(std::string path, const std::string& text);
  bool record_elsewhere(std::string kind, const std::string& fields);
  std::string option(const std::string& key, const std::string& fallback) const;
  Result<metrics::Reader*> reader();
  Result<void> record(const claude::HookEvent& event);

  const std::map<std::string, std::string> header_;
  TempDir dir_;
  std::string home_;  // where the program was started
  TickingClock clock_;
  CountingEntropy entropy_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<store::SqliteStore> store_;
  std::unique_ptr<StoreThatMayFail> may_fail_;
  std::unique_ptr<store::SqliteReader> reader_;
  bool reader_fails_ = false;
  app::Settings settings_;
  mcp::Catalog catalog_;
  std::unique_ptr<metrics::Recorder> recorder_;
  std::unique_ptr<mcp::Server> server_;
  std::vector<std::string> said_;
  std::deque<std::string> meanwhile_;
  std::string overheard_;
  std::string peer_ = "listening";
};

}  // namespace fortium::test
