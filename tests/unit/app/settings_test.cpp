// Every setting, where it may come from, what it may be, and what is said when it may not.
#include "app/settings.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "app/edit_settings.h"
#include "fortium/base/files.h"
#include "support/temp_dir.h"

using namespace fortium;
using namespace fortium::app;
using test::TempDir;

namespace {

struct Person {
  TempDir dir;
  std::map<std::string, std::string> environment{{"HOME", dir.path()}};
  Options options{.data_dir = dir.file("data"), .config_path = dir.file("config.toml")};

  void file(const std::string& text) { REQUIRE(write_file(options.config_path, text).ok()); }
  Settings load() {
    return load_settings(options, [this](const char* name) -> std::optional<std::string> {
      const auto at = environment.find(name);
      if (at == environment.end()) return std::nullopt;
      return at->second;
    });
  }
  std::string problems() {
    std::string text;
    for (const Problem& problem : load().problems) text += problem.what + "\n";
    return text;
  }
};

const std::string kSecret = "fm_live_0123456789abcdef";

}  // namespace

TEST_CASE("with nothing set, everything has its documented default") {
  Person it;
  const Settings settings = it.load();
  CHECK(settings.problems.empty());
  CHECK(settings.mode == Mode::local);
  const std::pair<const char*, const char*> kDefaults[] = {{"mode", "local"},
                                                           {"url", ""},
                                                           {"org_id", ""},
                                                           {"batch_size", ""},
                                                           {"sync_interval", "5000"},
                                                           {"timeout", "30000"},
                                                           {"retry_attempts", "3"},
                                                           {"local_fallback", "true"},
                                                           {"performance_monitoring", "true"},
                                                           {"debug", "false"},
                                                           {"durability", "full"},
                                                           {"max_store_bytes", "1073741824"},
                                                           {"retention_days", "400"},
                                                           {"ca_file", ""},
                                                           {"api_key", ""}};
  for (const auto& [key, value] : kDefaults) {
    CAPTURE(key);
    CHECK(settings.text(key) == value);
    CHECK(settings.values.at(key).origin == "default");
    CHECK_FALSE(settings.values.at(key).set);
  }
  CHECK(settings.text("user_id") != "");  // the login name
  CHECK_FALSE(settings.disabled);
}

TEST_CASE("option, environment, file, default: the first that says something counts") {
  Person it;
  CHECK(it.load().number("timeout") == 30'000);
  it.file("timeout = 2000\n");
  CHECK(it.load().number("timeout") == 2'000);
  CHECK(it.load().values.at("timeout").origin == it.options.config_path);
  it.environment["FORTIUM_TIMEOUT"] = "3000";
  CHECK(it.load().number("timeout") == 3'000);
  CHECK(it.load().values.at("timeout").origin == "FORTIUM_TIMEOUT");
  it.options.overrides["timeout"] = "4000";
  CHECK(it.load().number("timeout") == 4'000);
  CHECK(it.load().values.at("timeout").origin == "--timeout");
  it.options.overrides.clear();
  it.environment["FORTIUM_TIMEOUT"] = "";  // empty is not set
  CHECK(it.load().number("timeout") == 2'000);
}

TEST_CASE("every documented variable sets its setting") {
  const std::tuple<const char*, const char*, const char*> kVariables[] = {
      {"FORTIUM_MODE", "mode", "remote"},
      {"FORTIUM_METRICS_URL", "url", "https://a.example"},
      {"FORTIUM_API_URL", "url", "https://b.example"},
      {"FORTIUM_SERVER_URL", "url", "https://c.example"},
      {"FORTIUM_ORG_ID", "org_id", "acme"},
      {"FORTIUM_USER_ID", "user_id", "alice"},
      {"FORTIUM_BATCH_SIZE", "batch_size", "7"},
      {"FORTIUM_SYNC_INTERVAL", "sync_interval", "60"},
      {"FORTIUM_TIMEOUT", "timeout", "1000"},
      {"FORTIUM_RETRY_ATTEMPTS", "retry_attempts", "0"},
      {"FORTIUM_LOCAL_FALLBACK", "local_fallback", "false"},
      {"FORTIUM_PERFORMANCE_MONITORING", "performance_monitoring", "false"},
      {"FORTIUM_DEBUG", "debug", "true"},
      {"FORTIUM_DURABILITY", "durability", "normal"},
      {"FORTIUM_MAX_STORE_BYTES", "max_store_bytes", "1048576"},
      {"FORTIUM_RETENTION_DAYS", "retention_days", "30"},
      {"FORTIUM_CA_FILE", "ca_file", "/ca.pem"},
      {"SSL_CERT_FILE", "ca_file", "/system.pem"}};
  for (const auto& [variable, key, value] : kVariables) {
    CAPTURE(variable);
    Person it;
    it.environment[variable] = value;
    const Settings settings = it.load();
    CHECK(settings.problems.empty());
    CHECK(settings.text(key) == value);
    CHECK(settings.values.at(key).origin == variable);
  }
  Person it;
  it.environment["FORTIUM_SERVER_URL"] = "https://c.example";
  it.environment["FORTIUM_METRICS_URL"] = "https://a.example";
  CHECK(it.load().text("url") == "https://a.example");
}

TEST_CASE("what each setting may be, and what it may not") {
  struct Row {
    const char* key;
    std::vector<std::string> good, bad;
    const char* allowed;  // the words of the refusal
  };
  const Row kRows[] = {
      {"mode", {"local", "hybrid", "remote"}, {"Local", "off", "hybrid "}, "must be one of local, hybrid, remote"},
      {"url",
       {"https://m.example.com", "https://m.example.com:8443/base/", "http://127.0.0.1:8080", "http://localhost",
        "http://[::1]:80", "HTTPS://M.example"},
       {"m.example.com", "ftp://m.example.com", "http://m.example.com", "http://127.0.0.1.evil.example",
        "https://user:pw@m.example.com", "https://m.example.com?x=1", "https://m.example.com#x", "https://",
        "https://m.example.com:0", "https://m.example.com:65536", "https://m example.com"},
       "must be"},
      {"api_key", {kSecret, "x"}, {"with blank", "tab\t", "ä", "new\nline"}, "must be printable ASCII without blanks"},
      {"org_id", {"acme", "Große Firma 😀", "a/b"}, {"a\nb", "\x01"}, "must not contain control characters"},
      {"batch_size",
       {"1", "1000"},
       {"0", "1001", "-1", "1.5", "ten", "1e2", " 1", "99999999999999999999"},
       "must be a whole number from 1 to 1000"},
      {"sync_interval", {"50", "3600000"}, {"49", "3600001"}, "must be a whole number from 50 to 3600000"},
      {"timeout", {"1000", "300000"}, {"999", "300001"}, "must be a whole number from 1000 to 300000"},
      {"retry_attempts", {"0", "20"}, {"-1", "21"}, "must be a whole number from 0 to 20"},
      {"local_fallback",
       {"true", "false", "1", "0", "yes", "no", "on", "off"},
       {"TRUE", "2", "maybe"},
       "must be true or false"},
      {"performance_monitoring", {"true", "false"}, {"ja"}, "must be true or false"},
      {"debug", {"true", "false"}, {"verbose"}, "must be true or false"},
      {"durability", {"full", "normal"}, {"off", "FULL"}, "must be one of full, normal"},
      {"max_store_bytes",
       {"1048576", "9223372036854775807"},
       {"1048575", "9223372036854775808", "1GiB"},
       "must be a whole number of at least 1048576"},
      {"retention_days", {"1", "36500"}, {"0", "36501"}, "must be a whole number from 1 to 36500"},
      {"user_id", {"alice"}, {"a\tb"}, "must not contain control characters"},
      {"ca_file", {"/a b/ca.pem"}, {"a\nb"}, "must not contain control characters"},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.key);
    const Setting* setting = find_setting(settings_table(), row.key);
    REQUIRE(setting != nullptr);
    for (const std::string& value : row.good) {
      CAPTURE(value);
      CHECK_FALSE(complaint(*setting, value, /*allow_insecure_http=*/false));
    }
    for (const std::string& value : row.bad) {
      CAPTURE(value);
      const auto wrong = complaint(*setting, value, /*allow_insecure_http=*/false);
      REQUIRE(wrong);
      CHECK(wrong->find(row.allowed) != std::string::npos);
    }
  }
  CHECK_FALSE(complaint(*find_setting(settings_table(), "url"), "http://m.example.com", /*allow_insecure_http=*/true));
}

TEST_CASE("a bad value is told with its setting, its origin, itself and what is allowed, and the default counts") {
  Person it;
  it.environment["FORTIUM_TIMEOUT"] = "soon";
  CHECK(it.problems() == "timeout (from FORTIUM_TIMEOUT): \"soon\" must be a whole number from 1000 to 300000\n");
  CHECK(it.load().number("timeout") == 30'000);
  CHECK(it.load().values.at("timeout").origin == "default");
  it.environment.clear();
  it.file("timeout = 5\nmode = \"sometimes\"\ncolour = \"red\"\nprivacy.paths = true\nbroken\n");
  const std::string path = it.options.config_path;
  CHECK(it.problems() == path + ", line 5: expected key = value\n" + path + ": colour is not a setting\n" +
                             "mode (from " + path + "): \"sometimes\" must be one of local, hybrid, remote\n" +
                             "timeout (from " + path + "): \"5\" must be a whole number from 1000 to 300000\n");
}

TEST_CASE("a secret is never shown, whatever is wrong with it") {
  Person it;
  it.environment["FORTIUM_API_KEY"] = kSecret + " " + kSecret;
  CHECK(it.problems() == "api_key (from FORTIUM_API_KEY): the value must be printable ASCII without blanks\n");
  it.environment["FORTIUM_API_KEY"] = kSecret;
  const Settings settings = it.load();
  CHECK(settings.api_key.reveal() == kSecret);
  CHECK(settings.text("api_key") == "…cdef");
  CHECK(dump_json(settings_json(settings)).find(kSecret) == std::string::npos);

  SUBCASE("nor is a password in an address") {
    it.environment["FORTIUM_METRICS_URL"] = "https://alice:hunter2@m.example.com";
    CHECK(it.problems().find("url (from FORTIUM_METRICS_URL)") != std::string::npos);
    CHECK(it.problems().find("hunter2") == std::string::npos);
  }
  SUBCASE("or in that of a proxy") {
    it.file("proxy = \"http://alice:hunter2@proxy.example:3128\"\n");
    CHECK(it.load().text("proxy").find("hunter2") != std::string::npos);  // it is used as it is
    CHECK(dump_json(settings_json(it.load())).find("hunter2") == std::string::npos);
  }
  SUBCASE("nor the key in the file, where the line is broken") {
    it.environment.erase("FORTIUM_API_KEY");
    it.file("api_key = " + kSecret + "\n");
    CHECK(it.problems().find(kSecret) == std::string::npos);
    CHECK(it.problems() != "");
  }
}

TEST_CASE("the key comes from the variable, a file, or a command, in that order") {
  Person it;
  REQUIRE(write_file(it.dir.file("key"), kSecret + "\r\nsecond line\n").ok());
  it.file("api_key_file = \"" + it.dir.file("key") + "\"\n");
  CHECK(it.load().api_key.reveal() == kSecret);
  CHECK(it.load().values.at("api_key").origin == "api_key_file");
  it.file("api_key_command = \"echo from-command; echo more\"\n");
  CHECK(it.load().api_key.reveal() == "from-command");
  CHECK(it.load().values.at("api_key").origin == "api_key_command");
  it.environment["FORTIUM_API_KEY"] = "from-variable";
  CHECK(it.load().api_key.reveal() == "from-variable");
}

TEST_CASE("a key that cannot be had is a problem, and recording goes on") {
  Person it;
  it.file("api_key_file = \"" + it.dir.file("none") + "\"\n");
  CHECK(it.problems().find("api_key_file (from ") != std::string::npos);
  CHECK(it.load().api_key.empty());
  it.file("api_key_command = \"echo oops >/dev/null; exit 3\"\n");
  CHECK(it.problems().find("api_key_command (from ") != std::string::npos);
  it.file("api_key_command = \"true\"\n");
  CHECK(it.problems().find("gave no key") != std::string::npos);
}

TEST_CASE("a key from a file or a command must be fit for a header, too") {
  Person it;
  REQUIRE(write_file(it.dir.file("key"), "two words\n").ok());
  it.file("api_key_file = \"" + it.dir.file("key") + "\"\n");
  CHECK(it.load().api_key.empty());
  CHECK(it.problems().find("two words") == std::string::npos);
  CHECK(it.problems().find("must be printable ASCII without blanks") != std::string::npos);
}

TEST_CASE("with an address and a key the mode is hybrid, unless one is chosen") {
  Person it;
  it.environment["FORTIUM_METRICS_URL"] = "https://m.example.com";
  CHECK(it.load().mode == Mode::local);
  it.environment["FORTIUM_API_KEY"] = kSecret;
  CHECK(it.load().mode == Mode::hybrid);
  CHECK(it.load().text("mode") == "hybrid");
  it.environment["FORTIUM_MODE"] = "local";
  CHECK(it.load().mode == Mode::local);
  it.environment["FORTIUM_MODE"] = "remote";
  CHECK(it.load().mode == Mode::remote);
}

TEST_CASE("who does not want to be recorded is not") {
  for (const char* variable : {"FORTIUM_METRICS_DISABLED", "DO_NOT_TRACK"}) {
    CAPTURE(variable);
    Person it;
    for (const char* on : {"1", "true", "yes"}) {
      it.environment[variable] = on;
      CHECK(it.load().disabled);
    }
    for (const char* off : {"", "0", "false"}) {
      it.environment[variable] = off;
      CHECK_FALSE(it.load().disabled);
    }
  }
}

TEST_CASE("files have the places that other programs would give them") {
  Person it;
  it.options = {};
  CHECK(it.load().data_dir == it.dir.path() + "/.local/share/fortium-metrics");
  CHECK(it.load().config_path == it.dir.path() + "/.config/fortium-metrics/config.toml");
  it.environment["XDG_DATA_HOME"] = "/x/data";
  it.environment["XDG_CONFIG_HOME"] = "/x/config";
  CHECK(it.load().data_dir == "/x/data/fortium-metrics");
  CHECK(it.load().config_path == "/x/config/fortium-metrics/config.toml");
  it.environment["XDG_DATA_HOME"] = "relative";  // to be ignored, says that specification
  CHECK(it.load().data_dir == it.dir.path() + "/.local/share/fortium-metrics");
  it.environment["FORTIUM_DATA_DIR"] = "/d";
  it.environment["FORTIUM_CONFIG"] = "/c.toml";
  CHECK(it.load().data_dir == "/d");
  CHECK(it.load().config_path == "/c.toml");
  it.options = {.data_dir = "/o", .config_path = "/o.toml"};
  CHECK(it.load().data_dir == "/o");
  CHECK(it.load().config_path == "/o.toml");
}

TEST_CASE("every setting has a sentence, and a default that is good") {
  for (const Setting& setting : settings_table()) {
    CAPTURE(setting.key);
    CHECK_FALSE(setting.doc.empty());
    CHECK(find_setting(settings_table(), setting.key) == &setting);
    if (!setting.fallback.empty()) CHECK_FALSE(complaint(setting, setting.fallback, false));
  }
  CHECK(find_setting(settings_table(), "colour") == nullptr);
}

TEST_CASE("a setting is changed in the file, checked, and private") {
  Person it;
  it.options.config_path = it.dir.file("new/dir/config.toml");
  REQUIRE(edit_setting(it.load(), "timeout", "2000").ok());
  CHECK(it.load().number("timeout") == 2'000);
  REQUIRE(edit_setting(it.load(), "org_id", "acme \"corp\"").ok());
  CHECK(it.load().text("org_id") == "acme \"corp\"");
  REQUIRE(edit_setting(it.load(), "timeout", std::nullopt).ok());
  CHECK(it.load().number("timeout") == 30'000);

  const auto bad = edit_setting(it.load(), "timeout", "soon");
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().what == "timeout: must be a whole number from 1000 to 300000");
  const auto unknown = edit_setting(it.load(), "colour", "red");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().what.starts_with("colour is not a setting; there are mode, url, "));
  CHECK(*read_file(it.options.config_path, 1000) == "org_id = \"acme \\\"corp\\\"\"\n");
}

TEST_CASE("a relative path of the settings file is one from here") {
  Person it;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(it.dir.path());
  it.options.config_path = "config.toml";
  const auto done = edit_setting(it.load(), "mode", "local");
  std::filesystem::current_path(before);
  REQUIRE_MESSAGE(done.ok(), done.error().what);
  CHECK(*read_file(it.dir.file("config.toml"), 1000) == "mode = \"local\"\n");
}

TEST_CASE("a hook looks for no key where an organization is named, and never tells one") {
  Person it;
  it.options.find_key = false;
  const std::string ran = it.dir.file("ran");
  it.file("api_key_command = \"touch " + ran + "; echo " + kSecret + "\"\norg_id = \"acme\"\n");
  CHECK(it.load().api_key.empty());
  CHECK_FALSE(std::filesystem::exists(ran));
  it.environment["FORTIUM_API_KEY"] = kSecret;
  CHECK(it.load().text("api_key").find(kSecret) == std::string::npos);
  it.environment.erase("FORTIUM_API_KEY");
  it.file("api_key_command = \"touch " + ran + "; echo " + kSecret + "\"\n");
  CHECK(it.load().api_key.reveal() == kSecret);
}
