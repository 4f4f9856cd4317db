#include "settings.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "fortium/base/config_file.h"
#include "fortium/base/files.h"
#include "fortium/net/http.h"

namespace fortium::app {

namespace {

using Type = Setting::Type;

constexpr std::string_view kModes[] = {"local", "hybrid", "remote"};
constexpr std::string_view kDurabilities[] = {"full", "normal"};

constexpr std::string_view kModeEnv[] = {"FORTIUM_MODE"};
constexpr std::string_view kUrlEnv[] = {"FORTIUM_METRICS_URL", "FORTIUM_API_URL", "FORTIUM_SERVER_URL"};
constexpr std::string_view kKeyEnv[] = {"FORTIUM_API_KEY"};
constexpr std::string_view kKeyFileEnv[] = {"FORTIUM_API_KEY_FILE"};
constexpr std::string_view kKeyCommandEnv[] = {"FORTIUM_API_KEY_COMMAND"};
constexpr std::string_view kOrgEnv[] = {"FORTIUM_ORG_ID"};
constexpr std::string_view kUserEnv[] = {"FORTIUM_USER_ID"};
constexpr std::string_view kBatchEnv[] = {"FORTIUM_BATCH_SIZE"};
constexpr std::string_view kIntervalEnv[] = {"FORTIUM_SYNC_INTERVAL"};
constexpr std::string_view kTimeoutEnv[] = {"FORTIUM_TIMEOUT"};
constexpr std::string_view kRetryEnv[] = {"FORTIUM_RETRY_ATTEMPTS"};
constexpr std::string_view kFallbackEnv[] = {"FORTIUM_LOCAL_FALLBACK"};
constexpr std::string_view kMonitoringEnv[] = {"FORTIUM_PERFORMANCE_MONITORING"};
constexpr std::string_view kAlertErrorsEnv[] = {"FORTIUM_ALERT_ERROR_RATE"};
constexpr std::string_view kAlertSlowEnv[] = {"FORTIUM_ALERT_SLOW_MS"};
constexpr std::string_view kAlertUsageEnv[] = {"FORTIUM_ALERT_USAGE"};
constexpr std::string_view kDebugEnv[] = {"FORTIUM_DEBUG"};
constexpr std::string_view kDurabilityEnv[] = {"FORTIUM_DURABILITY"};
constexpr std::string_view kBytesEnv[] = {"FORTIUM_MAX_STORE_BYTES"};
constexpr std::string_view kRetentionEnv[] = {"FORTIUM_RETENTION_DAYS"};
constexpr std::string_view kCaEnv[] = {"FORTIUM_CA_FILE", "SSL_CERT_FILE"};

constexpr std::string_view kPromptsEnv[] = {"FORTIUM_PRIVACY_PROMPTS"};
constexpr std::string_view kArgumentsEnv[] = {"FORTIUM_PRIVACY_ARGUMENTS"};
constexpr std::string_view kPathsEnv[] = {"FORTIUM_PRIVACY_PATHS"};
constexpr std::string_view kErrorsEnv[] = {"FORTIUM_PRIVACY_ERRORS"};

constexpr std::int64_t kMiB = 1 << 20;

constexpr Setting kSettings[] = {
    {"mode", kModeEnv, Type::word, "",
     "local: never sends. hybrid: keeps every record and sends it. remote: keeps records until they are delivered. "
     "hybrid if a url and a key are set, else local",
     0, 0, kModes},
    {"url", kUrlEnv, Type::url, "", "base URL of the service; http only for a loopback address"},
    {"api_key", kKeyEnv, Type::secret, "", "key of the service; shown as its last four characters"},
    {"api_key_file", kKeyFileEnv, Type::text, "", "file whose first line is the key"},
    {"api_key_command", kKeyCommandEnv, Type::text, "", "command whose first line of output is the key"},
    {"org_id", kOrgEnv, Type::text, "", "organization"},
    {"user_id", kUserEnv, Type::text, "", "label of the person; the login name, if not set"},
    {"batch_size", kBatchEnv, Type::number, "", "records in one request; what the service advertises, else 20", 1,
     1000},
    {"sync_interval", kIntervalEnv, Type::number, "5000", "ms between background rounds", 50, 3'600'000},
    {"timeout", kTimeoutEnv, Type::number, "30000", "ms, total, of one request", 1'000, 300'000},
    {"retry_attempts", kRetryEnv, Type::number, "3", "of one sync command; the background never gives up", 0, 20},
    {"local_fallback", kFallbackEnv, Type::flag, "true",
     "false: in remote mode a record is refused when the queue is full instead of growing it"},
    {"performance_monitoring", kMonitoringEnv, Type::flag, "true",
     "false: warn of nothing, whatever the next three say"},
    {"alert_error_rate", kAlertErrorsEnv, Type::number, "10",
     "warn of a tool, command or agent when so many percent of its calls do not succeed; 0: never", 0, 100},
    {"alert_slow_ms", kAlertSlowEnv, Type::number, "5000",
     "the same when its calls take so many ms on average; 0: never", 0, 86'400'000},
    {"alert_usage", kAlertUsageEnv, Type::number, "3",
     "the same when there are more calls than so many times those of a usual hour; 0: never", 0, 1'000},
    {"debug", kDebugEnv, Type::flag, "false", "debug log"},
    {"durability", kDurabilityEnv, Type::word, "full",
     "full: an acknowledged record survives power loss. normal: it survives a crash of the process", 0, 0,
     kDurabilities},
    {"max_store_bytes", kBytesEnv, Type::number, "1073741824",
     "size budget; delivered records go first, undelivered ones and sums never", kMiB, INT64_MAX},
    {"retention_days", kRetentionEnv, Type::number, "400", "days that raw records are kept; roll-ups stay", 1, 36'500},
    {"ca_file", kCaEnv, Type::text, "", "extra trust anchor (PEM)"},
    {"proxy", {}, Type::text, "", "http://host:port; else HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured"},
    {"privacy.prompts", kPromptsEnv, Type::flag, "false",
     "true: hooks keep prompts, without secrets; else their length"},
    {"privacy.arguments", kArgumentsEnv, Type::flag, "false",
     "true: hooks keep the arguments of tools, without secrets and contents of files; else their size, and the first "
     "word of a shell command"},
    {"privacy.paths", kPathsEnv, Type::flag, "false",
     "true: hooks keep paths; else a file's extension, and a hash that is salted for this machine"},
    {"privacy.errors", kErrorsEnv, Type::flag, "false",
     "true: hooks keep texts of errors, without secrets; else their length and exit codes"},
};

std::string login_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr && entry->pw_name != nullptr ? entry->pw_name : "";
}

std::string place(const std::string& option, const Environment& environment, const char* variable,
                  const char* xdg_variable, const std::string& xdg_default, const std::string& rest) {
  if (!option.empty()) return option;
  if (auto path = environment(variable); path && !path->empty()) return *path;
  if (auto base = environment(xdg_variable); base && base->starts_with('/')) return *base + rest;
  return home_of(environment) + xdg_default + rest;
}

std::string first_line(std::string text) {
  text = text.substr(0, text.find('\n'));
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

Result<std::string> output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return Error{Errc::unavailable, "could not be run"};
  std::string text;
  char buffer[4096];
  while (std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, got);
  if (::pclose(pipe) != 0) return Error{Errc::unavailable, "ended with an error"};
  return first_line(text);
}

class Loader {
 public:
  Loader(const Options& options, const Environment& environment) : options_(options), environment_(environment) {}

  Settings load() {
    Settings& out = out_;
    out.data_dir = data_dir_of(options_, environment_);
    out.config_path = place(options_.config_path, environment_, "FORTIUM_CONFIG", "XDG_CONFIG_HOME", "/.config",
                            "/fortium-metrics/config.toml");
    out.allow_insecure_http = options_.allow_insecure_http;
    read_file_values();
    for (const Setting& setting : kSettings) out.values[std::string(setting.key)] = pick(setting);
    find_key();
    if (out.text("user_id").empty()) out.values["user_id"].text = login_name();
    out.disabled = is_disabled(environment_);
    choose_mode();
    return std::move(out);
  }

 private:
  void problem(std::string_view key, std::string what) { out_.problems.push_back({std::string(key), std::move(what)}); }

  void read_file_values() {
    auto text = read_file(out_.config_path, kMiB);
    if (!text) {
      if (text.error().code != Errc::not_found) problem("config", text.error().what);
      return;
    }
    auto parsed = parse_config(*text);
    for (const std::string& wrong : parsed.problems) problem("config", out_.config_path + ", " + wrong);
    file_ = std::move(parsed.values);
    for (const auto& [key, value] : file_)
      if (find_setting(kSettings, key) == nullptr)
        problem("config", out_.config_path + ": " + key + " is not a setting");
  }

  Value pick(const Setting& setting) {
    Value value = given(setting, {options_.overrides, environment_, file_, out_.config_path});
    if (!value.set) return value;
    if (auto wrong = complaint(setting, value.text, out_.allow_insecure_http)) {
      const bool secret = setting.type == Type::secret;
      problem(setting.key, std::string(setting.key) + " (from " + value.origin + "): " +
                               (secret ? "the value" : "\"" + without_userinfo(value.text.substr(0, 100)) + "\"") +
                               " " + *wrong);
      return {std::string(setting.fallback), "default", false};
    }
    return value;
  }

  void find_key() {
    out_.api_key = Secret(out_.text("api_key"));
    out_.values["api_key"].text = out_.api_key.masked();
    if (!out_.api_key.empty() || (!options_.find_key && !out_.text("org_id").empty())) return;
    Result<std::string> key = std::string();
    const char* from = "api_key_file";
    if (const std::string& path = out_.text("api_key_file"); !path.empty()) {
      key = read_file(path, kMiB);
      if (key) key = first_line(*key);
    } else if (const std::string& command = out_.text("api_key_command"); !command.empty()) {
      from = "api_key_command";
      key = output_of(command);
    } else {
      return;
    }
    if (key && key->empty()) key = Error{Errc::invalid, "gave no key"};
    if (key)
      if (auto wrong = complaint(*find_setting(kSettings, "api_key"), *key, false))
        key = Error{Errc::invalid, "the key " + *wrong};
    if (!key) return problem(from, std::string(from) + " (from " + out_.values[from].origin + "): " + key.error().what);
    out_.api_key = Secret(*key);
    out_.values["api_key"] = {out_.api_key.masked(), from, true};
  }

  void choose_mode() {
    Value& mode = out_.values["mode"];
    if (!mode.set) mode.text = !out_.text("url").empty() && !out_.api_key.empty() ? "hybrid" : "local";
    out_.mode = mode.text == "hybrid" ? Mode::hybrid : mode.text == "remote" ? Mode::remote : Mode::local;
  }

  const Options& options_;
  const Environment& environment_;
  Settings out_;
  SettingTexts file_;
};

}  // namespace

std::span<const Setting> settings_table() { return kSettings; }

std::optional<std::string> complaint(const Setting& setting, std::string_view value, bool allow_insecure_http) {
  if (setting.type != Type::url) return fortium::complaint(setting, value);
  const auto origin = net::parse_url(value);
  if (!origin) return origin.error().what;
  if (!origin->tls && !net::is_loopback(origin->host) && !allow_insecure_http)
    return "must be https (http only for a loopback address, or with --allow-insecure-http)";
  return std::nullopt;
}

const std::string& Settings::text(std::string_view key) const {
  const auto at = values.find(key);
  FM_CHECK(at != values.end());
  return at->second.text;
}

std::int64_t Settings::number(std::string_view key) const { return read_whole(text(key)).value_or(0); }

bool Settings::flag(std::string_view key) const { return read_flag(text(key)).value_or(false); }

std::string home_of(const Environment& environment) {
  if (auto dir = environment("HOME"); dir && !dir->empty()) return *dir;
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr && entry->pw_dir != nullptr ? entry->pw_dir : "/";
}

std::string project_dir_of(const Environment& environment) {
  if (auto dir = environment("CLAUDE_PROJECT_DIR"); dir && !dir->empty()) return *dir;
  std::error_code gone;
  return std::filesystem::current_path(gone);
}

std::string data_dir_of(const Options& options, const Environment& environment) {
  return place(options.data_dir, environment, "FORTIUM_DATA_DIR", "XDG_DATA_HOME", "/.local/share", "/fortium-metrics");
}

bool is_disabled(const Environment& environment) {
  for (const char* variable : {"FORTIUM_METRICS_DISABLED", "DO_NOT_TRACK"})
    if (auto value = environment(variable); value && !value->empty() && *value != "0" && *value != "false") return true;
  return false;
}

Settings load_settings(const Options& options, const Environment& environment) {
  return Loader(options, environment).load();
}

}  // namespace fortium::app
