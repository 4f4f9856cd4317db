#include "local.h"

#include <cstdlib>
#include <filesystem>

#include "fortium/base/hash.h"
#include "fortium/metrics/empty_reader.h"
#include "hook_event.h"

namespace fortium::app {

namespace {

constexpr std::size_t kFingerprint = 16;  // hex digits that tell keys apart without telling them

store::LocalOptions store_options(const Settings& settings, Millis lock_wait) {
  store::LocalOptions options;
  options.lock_wait = lock_wait;
  options.data_dir = settings.data_dir;
  options.durability = settings.text("durability") == "normal" ? store::Durability::normal : store::Durability::full;
  options.destination = destination_of(settings);
  options.max_bytes = settings.number("max_store_bytes");
  options.retention_days = settings.number("retention_days");
  options.understand = understand;
  options.refuse_when_full = settings.mode == Mode::remote && !settings.flag("local_fallback");
  return options;
}

std::string proxy_for(const net::Origin& origin, const Settings& settings) {
  if (!settings.text("proxy").empty()) return settings.text("proxy");
  if (net::is_loopback(origin.host)) return "";
  const auto get = [](const char* upper, const char* lower) {
    for (const char* name : {lower, upper})
      if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return std::string(value);
    return std::string();
  };
  std::string none = get("NO_PROXY", "no_proxy") + ",";
  for (std::size_t at = 0; at < none.size();) {
    const auto end = none.find(',', at);
    std::string entry = none.substr(at, end - at);
    at = end + 1;
    if (entry == "*") return "";
    if (entry.starts_with('.')) entry.erase(0, 1);
    if (!entry.empty() && (origin.host == entry || origin.host.ends_with("." + entry))) return "";
  }
  return origin.tls ? get("HTTPS_PROXY", "https_proxy") : get("HTTP_PROXY", "http_proxy");
}

}  // namespace

metrics::Stamp make_stamp(std::string source, const Settings& settings, const Environment& environment) {
  metrics::Stamp stamp;
  stamp.source = std::move(source);
  stamp.user_id = settings.text("user_id");
  stamp.session_id = environment("CLAUDE_CODE_SESSION_ID").value_or("").substr(0, 128);
  // The folder's name only: paths are private.
  stamp.project = std::filesystem::path(environment("CLAUDE_PROJECT_DIR").value_or("")).filename();
  return stamp;
}

store::Destination destination_of(const Settings& settings) {
  const bool local_by_will = settings.mode == Mode::local && settings.values.at("mode").set;
  const std::string& organization = settings.text("org_id");
  if (local_by_will || (organization.empty() && settings.api_key.empty())) return {};
  const Sha256 hash = sha256(settings.api_key.reveal());
  return {settings.text("url"), organization,
          organization.empty() ? to_hex(hash.data(), kFingerprint / 2) : std::string()};
}

Result<void> can_send(const Settings& settings) {
  if (settings.disabled)
    return Error{Errc::invalid, "FORTIUM_METRICS_DISABLED or DO_NOT_TRACK is set: nothing is sent"};
  if (settings.mode == Mode::local && settings.values.at("mode").set)
    return Error{Errc::invalid, "mode is local: nothing is sent (set mode to hybrid to send)"};
  if (settings.text("url").empty())
    return Error{Errc::invalid, "url is not set: fortium-metrics config set url https://…"};
  if (settings.api_key.empty())
    return Error{Errc::invalid, "api_key is not set: set FORTIUM_API_KEY, api_key_file or api_key_command"};
  return {};
}

net::ClientOptions client_options(const Settings& settings, const net::Origin& origin) {
  return {origin, settings.text("ca_file"), proxy_for(origin, settings)};
}

Local::Local(const Settings& settings, Millis lock_wait)
    : settings_(settings), store_(store_options(settings, lock_wait), clock_, entropy_) {}

Result<metrics::Reader*> Local::reader() {
  if (settings_.disabled && !std::filesystem::exists(settings_.data_dir + "/metrics.db")) {
    empty_ = std::make_unique<metrics::EmptyReader>();
    return empty_.get();
  }
  FM_TRY(store::Database* const database, store_.database());
  if (!reader_ || read_from_ != database) {
    reader_.emplace(*database);
    read_from_ = database;
  }
  return &*reader_;
}

Result<std::unique_ptr<Sender>> Sender::open(const Settings& settings, Local& local) {
  FM_TRY_(can_send(settings));
  FM_TRY(const net::Origin origin, net::parse_url(settings.text("url")));
  FM_TRY(store::Database* const database, local.store().database());
  FM_TRY(const std::int64_t lane, local.store().lane());
  std::unique_ptr<Sender> sender(new Sender());
  FM_TRY(sender->client_, net::make_client(client_options(settings, origin)));
  const net::UplinkOptions options{origin,
                                   settings.api_key,
                                   settings.text("org_id"),
                                   database->device_id(),
                                   "fortium-metrics/" FORTIUM_VERSION,
                                   settings.millis("timeout")};
  sender->uplink_ = std::make_unique<net::HttpUplink>(*sender->client_, options, local.clock());
  sender->ledger_ = std::make_unique<net::HttpLedger>(*sender->client_, options);
  sender->outbox_ =
      std::make_unique<store::SqliteOutbox>(*database, lane, local.entropy(), settings.mode != Mode::remote);
  const bool chosen = settings.values.at("batch_size").set;
  sender->engine_ = std::make_unique<sync::Engine>(
      *sender->outbox_, *sender->uplink_, local.entropy(),
      sync::Policy{chosen ? settings.number("batch_size") : 0, settings.millis("sync_interval")});
  return sender;
}

}  // namespace fortium::app
