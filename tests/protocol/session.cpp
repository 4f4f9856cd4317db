#include "session.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "app/local_tools.h"

namespace fortium::test {

namespace {

constexpr std::string_view kVersion = "1.0.0";

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  return std::move(*result);
}

// Settings come from nowhere but the test's own directory.
std::optional<std::string> environment(const char* name) {
  if (std::string_view(name) == "FORTIUM_USER_ID") return "alice";
  if (std::string_view(name) == "HOME") return ".";
  return std::nullopt;
}

}  // namespace

// Paths are relative to the test's directory, so that answers that hold one are the same everywhere.
Session::Session(const std::map<std::string, std::string>& header)
    : header_(header), home_(std::filesystem::current_path()) {
  std::filesystem::current_path(dir_.path());
  settings_ = app::load_settings({.data_dir = "./data", .config_path = "./config.toml"}, environment);
  database_ = must(store::Database::open({dir_.file("metrics.db"), store::Durability::normal}, entropy_));
  store_ = must(store::SqliteStore::open(*database_));
  may_fail_ = std::make_unique<StoreThatMayFail>(*store_);
  reader_ = std::make_unique<store::SqliteReader>(*database_);
  for (const char* key : {"store", "reader"})
    if (header_.contains(key)) change(key, header_.at(key));
  connect();
}

Session::~Session() { std::filesystem::current_path(home_); }

std::string Session::option(const std::string& key, const std::string& fallback) const {
  const auto at = header_.find(key);
  return at != header_.end() ? at->second : fallback;
}

Result<metrics::Reader*> Session::reader() {
  if (reader_fails_) return Error{Errc::corrupt, "SQLite: database disk image is malformed"};
  return reader_.get();
}

void Session::connect() {
  metrics::Stamp stamp{"mcp", "session-1", "alice", "shop"};
  if (option("resumed", "yes") == "no") stamp.session_id = uuid7(clock_.now(), entropy_);
  recorder_ =
      std::make_unique<metrics::Recorder>(*may_fail_, clock_, entropy_, stamp, option("recording", "on") == "off");
  catalog_ = mcp::standard_catalog(option("alerts", "on") == "on");
  app::add_local_rows(catalog_, settings_);
  static const std::string kLocal = "local";
  const auto organization = header_.find("organization");
  server_ = std::make_unique<mcp::Server>(catalog_,
                                          mcp::Context{clock_,
                                                       *recorder_,
                                                       {},
                                                       [this] { return reader(); },
                                                       organization != header_.end() ? organization->second : kLocal},
                                          kVersion);
  if (const std::string revision = option("session", ""); !revision.empty()) {
    (void)server_->handle(R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":")" +
                          revision + R"(","capabilities":{},"clientInfo":{"name":"test","version":"1"}}})");
    (void)server_->handle(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  }
}

void Session::reconnect() { connect(); }

bool Session::change(const std::string& key, const std::string& value) {
  if (constexpr std::string_view kWrite = "write "; key.starts_with(kWrite)) {
    const std::filesystem::path path = key.substr(kWrite.size());
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::app) << value << "\n";
    return true;
  }
  const bool failing = value == "failing";
  if (!failing && value != "working") return false;
  if (key == "store")
    may_fail_->failing = failing;
  else if (key == "reader")
    reader_fails_ = failing;
  else
    return false;
  return true;
}

}  // namespace fortium::test
