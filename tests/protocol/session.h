// The program of a transcript: the real server on the real store, in a directory of its own, with time and chance that
// the transcript controls.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/settings.h"
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

class Session {
 public:
  // Header: `session: <revision>` shakes hands unseen; `store: failing`, `reader: failing`, `recording: off`,
  // `alerts: off`, `organization: acme`, `resumed: no` (Claude Code told no session id).
  explicit Session(const std::map<std::string, std::string>& header);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  std::vector<std::string> handle(std::span<const rpc::Line> lines) { return server_->handle(lines); }
  void advance(Millis time) { clock_.advance(time); }
  // A new connection to the same store.
  void reconnect();
  // `store` and `reader` may be `failing` or `working`; `write PATH` adds a line to a file. False: no such change.
  bool change(const std::string& key, const std::string& value);

  const mcp::Catalog& catalog() const { return catalog_; }
  std::optional<mcp::Revision> revision() const { return server_->revision(); }

 private:
  void connect();
  std::string option(const std::string& key, const std::string& fallback) const;
  Result<metrics::Reader*> reader();

  const std::map<std::string, std::string> header_;
  TempDir dir_;
  std::string home_;  // where the program was started
  FakeClock clock_;
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
};

}  // namespace fortium::test
