#include "settings.h"

#include "fortium/base/config_file.h"
#include "fortium/base/files.h"
#include "http/addresses.h"
#include "http/http_server.h"
#include "http/origins.h"
#include "limits.h"
#include "store/pg.h"

namespace fortium::service {

namespace {

using Type = Setting::Type;

constexpr const char* kConfigVariable = "FORTIUM_SERVER_CONFIG";
constexpr std::size_t kMaxConfigBytes = 1 << 20;
constexpr std::int64_t kMostTime = 3'600'000;

constexpr std::string_view kLevels[] = {"error", "warn", "info", "debug"};
constexpr std::string_view kFormats[] = {"text", "json"};

constexpr std::string_view kDataEnv[] = {"FORTIUM_SERVER_DATA"};
constexpr std::string_view kDatabaseEnv[] = {"DATABASE_URL"};
constexpr std::string_view kIssuerEnv[] = {"FORTIUM_SERVER_JWT_ISSUER"};
constexpr std::string_view kAudienceEnv[] = {"FORTIUM_SERVER_JWT_AUDIENCE"};
constexpr std::string_view kPassphraseEnv[] = {"FORTIUM_SERVER_SIGNING_PASSPHRASE"};
constexpr std::string_view kListenEnv[] = {"FORTIUM_SERVER_LISTEN"};
constexpr std::string_view kPortEnv[] = {"FORTIUM_SERVER_PORT", "PORT"};
constexpr std::string_view kRateEnv[] = {"FORTIUM_SERVER_RATE_LIMIT", "RATE_LIMIT_MAX_REQUESTS"};
constexpr std::string_view kConnectionsEnv[] = {"FORTIUM_SERVER_MAX_CONNECTIONS"};
constexpr std::string_view kRequestEnv[] = {"FORTIUM_SERVER_REQUEST_TIMEOUT"};
constexpr std::string_view kBodyEnv[] = {"FORTIUM_SERVER_BODY_LIMIT", "BODY_LIMIT"};
constexpr std::string_view kIdleEnv[] = {"FORTIUM_SERVER_IDLE_TIMEOUT"};
constexpr std::string_view kDelayEnv[] = {"FORTIUM_SERVER_STOP_DELAY"};
constexpr std::string_view kStopEnv[] = {"FORTIUM_SERVER_STOP_TIMEOUT"};
constexpr std::string_view kLogEnv[] = {"FORTIUM_SERVER_LOG"};
constexpr std::string_view kFormatEnv[] = {"FORTIUM_SERVER_LOG_FORMAT"};
constexpr std::string_view kOriginsEnv[] = {"FORTIUM_SERVER_ALLOWED_ORIGINS"};
constexpr std::string_view kProxiesEnv[] = {"FORTIUM_SERVER_TRUSTED_PROXIES"};
constexpr std::string_view kTokenEnv[] = {"FORTIUM_SERVER_METRICS_TOKEN"};

constexpr std::size_t kShortestPassphrase = 32;

constexpr Setting kSettings[] = {
    {"data", kDataEnv, Type::text, "",
     "directory of the store; else fortium-metrics-server in the user's data directory"},
    {"database_url", kDatabaseEnv, Type::secret, "",
     "keep everything in PostgreSQL instead: postgresql://user:password@host/database; better not typed"},
    {"listen", kListenEnv, Type::text, "127.0.0.1:8080", "address and port; port 0 takes any free one"},
    {"port", kPortEnv, Type::number, "", "in place of the port of `listen`", 0, 65'535},
    {"rate_limit", kRateEnv, Type::number, "",
     "units a minute of each organization, exactly; else 1000 and an allowance for backlogs", 1, kMaxUnitsPerMinute},
    {"max_connections", kConnectionsEnv, Type::number, "16384", "open at a time; who comes then is told to wait", 1,
     1'000'000},
    {"request_timeout", kRequestEnv, Type::duration, "30s", "from the first byte of a request to its last", 1,
     kMostTime},
    {"body_limit", kBodyEnv, Type::text, "10mb", "of one request, before it is unpacked: 64kb, 10mb, or bytes"},
    {"idle_timeout", kIdleEnv, Type::duration, "75s", "between two requests of one connection", 1, kMostTime},
    {"stop_delay", kDelayEnv, Type::duration, "0s",
     "to go on answering when told to stop, but not ready: time for a load balancer to notice", 0, kMostTime},
    {"stop_timeout", kStopEnv, Type::duration, "30s", "to finish what was begun after that", 1, kMostTime},
    {"log", kLogEnv, Type::word, "warn", "what is logged, to standard error; info: a line a request", 0, 0, kLevels},
    {"log_format", kFormatEnv, Type::word, "text", "json: each line is one object", 0, 0, kFormats},
    {"allowed_origins", kOriginsEnv, Type::list, "",
     "web pages that may ask, such as https://metrics.example.com, beside those of this machine"},
    {"trusted_proxies", kProxiesEnv, Type::list, "",
     "addresses (10.0.0.1, 10.0.0.0/8) whose X-Forwarded-For names the client"},
    {"jwt_issuer", kIssuerEnv, Type::text, "fortium-metrics-service", "`iss` of tokens"},
    {"jwt_audience", kAudienceEnv, Type::text, "fortium-client", "`aud` of tokens"},
    {"signing_passphrase", kPassphraseEnv, Type::secret, "",
     "of 32 bytes or more, the same on all instances: encrypts the keys that sign tokens"},
    {"metrics_token", kTokenEnv, Type::secret, "",
     "what a scraper of /metrics sends as its Bearer token; without one only this machine may ask"},
};

// "10mb", "64kb", "65536". Bytes.
std::optional<std::size_t> read_size(std::string_view text) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {{"kb", 1 << 10}, {"mb", 1 << 20}, {"", 1}};
  for (const auto& [unit, bytes] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const auto count = read_whole(text.substr(0, text.size() - unit.size()));
    const auto most = static_cast<std::int64_t>(kMostBodyBytes);
    if (!count || *count < 0 || *count > most / bytes || *count * bytes < static_cast<std::int64_t>(kLeastBodyBytes))
      return std::nullopt;
    return static_cast<std::size_t>(*count * bytes);
  }
  return std::nullopt;
}

// What the table cannot say of a value.
std::optional<std::string> objection(const Setting& setting, const std::string& value) {
  // A passphrase goes into no header: blanks and letters of any script are part of it.
  if (setting.key != "signing_passphrase")
    if (auto wrong = complaint(setting, value)) return wrong;
  if (setting.key == "listen") {
    ServerOptions ignored;
    if (auto read = read_listen(value, ignored); !read) return read.error().what;
  }
  if (setting.key == "body_limit" && !read_size(value)) return "must be a size from 1kb to 64mb, such as 512kb";
  if (setting.key == "data" && value.empty()) return "must not be empty";
  if (setting.key == "database_url" && !is_database_url(value)) return "must begin with postgresql://";
  if (setting.key == "signing_passphrase" && value.size() < kShortestPassphrase)
    return "has " + std::to_string(value.size()) + " bytes, must have " + std::to_string(kShortestPassphrase) +
           " or more";
  for (const std::string& part : setting.type == Type::list ? read_list(value) : std::vector<std::string>()) {
    const std::string wrong = setting.key == "allowed_origins" ? origin_complaint(part) : address_range_complaint(part);
    if (!wrong.empty()) return wrong;
  }
  return std::nullopt;
}

}  // namespace

std::span<const Setting> settings_table() { return kSettings; }

Settings load_settings(const SettingTexts& options, const std::string& config, const Environment& environment) {
  Settings out;
  out.config_path = config.empty() ? environment(kConfigVariable).value_or("") : config;
  SettingTexts file;
  if (!out.config_path.empty()) {
    const auto text = read_file(out.config_path, kMaxConfigBytes);
    if (!text) out.problems.push_back({text.error().what});
    ConfigText parsed = parse_config(text ? std::string_view(*text) : std::string_view());
    for (const std::string& wrong : parsed.problems) out.problems.push_back({out.config_path + ", " + wrong});
    file = std::move(parsed.values);
    for (const auto& [key, value] : file)
      if (find_setting(kSettings, key) == nullptr)
        out.problems.push_back({out.config_path + ": " + key + " is not a setting"});
  }
  for (const Setting& setting : kSettings) {
    SettingValue value = given(setting, {options, environment, file, out.config_path});
    const bool secret = setting.type == Type::secret;
    if (value.set)
      if (const auto wrong = objection(setting, value.text))
        out.problems.push_back({std::string(setting.key) + " (from " + value.origin + "): " +
                                    (secret ? "the value" : "\"" + value.text.substr(0, 100) + "\"") + " " + *wrong,
                                value.origin.starts_with("--")});
    if (secret) {
      Secret& kept = out.secrets[std::string(setting.key)] = Secret(value.text);
      value.text = kept.masked();
    }
    out.values[std::string(setting.key)] = std::move(value);
  }
  return out;
}

TokenOptions tokens_of(const Settings& settings) {
  return {settings.text("jwt_issuer"), settings.text("jwt_audience"), settings.secret("signing_passphrase")};
}

std::string store_of(const Settings& settings) {
  const Secret& url = settings.secret("database_url");
  const SettingValue& data = settings.values.at("data");
  if (!url.empty() && data.origin != "--data") return url.reveal();
  if (!data.text.empty()) return data.text;
  const Environment environment = process_environment();
  if (const auto xdg = environment("XDG_DATA_HOME"); xdg && !xdg->empty()) return *xdg + "/fortium-metrics-server";
  return environment("HOME").value_or("") + "/.local/share/fortium-metrics-server";
}

const std::string& Settings::text(std::string_view key) const {
  const auto at = values.find(key);
  FM_CHECK(at != values.end());
  return at->second.text;
}

const Secret& Settings::secret(std::string_view key) const {
  const auto at = secrets.find(key);
  FM_CHECK(at != secrets.end());
  return at->second;
}

std::int64_t Settings::number(std::string_view key) const { return read_whole(text(key)).value_or(0); }

std::size_t Settings::bytes(std::string_view key) const { return read_size(text(key)).value_or(0); }

Millis Settings::millis(std::string_view key) const {
  const auto time = parse_duration(text(key));
  return time ? *time : Millis(0);
}

}  // namespace fortium::service
