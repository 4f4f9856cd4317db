// The local program's parts, put together from the settings. The only place that names its concrete classes.
//
// One instance belongs to one thread; the background sender makes its own.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "../net/http_ledger.h"
#include "../net/http_uplink.h"
#include "../store/local_store.h"
#include "../store/sqlite_reader.h"
#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "fortium/metrics/recorder.h"
#include "fortium/net/http.h"
#include "fortium/sync/engine.h"
#include "settings.h"

namespace fortium::app {

// Who is at work, as Claude Code tells it by the environment.
metrics::Stamp make_stamp(std::string source, const Settings& settings, const Environment& environment);

class Local {
 public:
  // `lock_wait`: how long a writer waits for others before it goes to the spool.
  explicit Local(const Settings& settings, Millis lock_wait = Millis(5'000));
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;

  const Settings& settings() const { return settings_; }
  const Clock& clock() const { return clock_; }
  Entropy& entropy() { return entropy_; }
  store::LocalStore& store() { return store_; }
  // Where nothing is recorded and nothing was, an empty one: asking leaves no file behind.
  Result<metrics::Reader*> reader();

 private:
  const Settings& settings_;
  SystemClock clock_;
  SystemEntropy entropy_;
  store::LocalStore store_;
  std::optional<store::SqliteReader> reader_;
  std::unique_ptr<metrics::Reader> empty_;
  const store::Database* read_from_ = nullptr;
};

// Everything that sending to the configured service takes. Loads the network module.
class Sender {
 public:
  static Result<std::unique_ptr<Sender>> open(const Settings& settings, Local& local);

  sync::Engine& engine() { return *engine_; }
  store::SqliteOutbox& outbox() { return *outbox_; }
  net::HttpUplink& uplink() { return *uplink_; }
  net::HttpLedger& ledger() { return *ledger_; }
  // From any thread: ends a request in flight.
  void cancel() { client_->cancel(); }

 private:
  Sender() = default;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<net::HttpUplink> uplink_;
  std::unique_ptr<net::HttpLedger> ledger_;
  std::unique_ptr<store::SqliteOutbox> outbox_;
  std::unique_ptr<sync::Engine> engine_;
};

// Whether there is somewhere to send to; if not, what is missing.
Result<void> can_send(const Settings& settings);
store::Destination destination_of(const Settings& settings);
net::ClientOptions client_options(const Settings& settings, const net::Origin& origin);

}  // namespace fortium::app
