#include "session.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "app/hook_tool.h"
#include "app/local_tools.h"
#include "app/report_rows.h"
#include "store/open_calls.h"

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

// As the program does, with what is open.
Result<void> Session::record(const claude::HookEvent& event) {
  FM_TRY(const auto open, store::open_calls_of(database_->db(), event.session_id()));
  const claude::Happened happened = claude::what_happened(claude::tell(event, {}), {clock_.now(), 1, "shop"}, open);
  std::vector<metrics::Event> events;
  for (const claude::Record& record : happened.records) {
    const metrics::Kind* kind = metrics::find_kind(record.kind);
    schema::Checked checked = metrics::check_event(*kind, record.fields, clock_.now());
    if (!checked.ok()) return Error{Errc::invalid, schema::to_text(checked.violations)};
    events.push_back({kind, std::move(checked.row)});
    events.back().row[metrics::kRecordedAt] = to_ms(clock_.now());
    events.back().row[metrics::kSource] = std::string("hook");
  }
  FM_TRY_(store_->append(events, happened.changes));
  return {};
}

void Session::connect() {
  metrics::Stamp stamp{"mcp", "session-1", "alice", option("project", "shop") == "none" ? "" : "shop"};
  if (option("resumed", "yes") == "no") stamp.session_id = uuid7(clock_.now(), entropy_);
  recorder_ =
      std::make_unique<metrics::Recorder>(*may_fail_, clock_, entropy_, stamp, option("recording", "on") == "off");
  catalog_ =
      mcp::standard_catalog(option("alerts", "on") == "on" ? std::optional(metrics::AlertRules()) : std::nullopt);
  app::add_report_rows(catalog_);
  app::add_local_rows(catalog_, settings_);
  app::add_hook_tool(catalog_, [this](const claude::HookEvent& event) { return record(event); });
  static const std::string kLocal = "local";
  const auto organization = header_.find("organization");
  server_ = std::make_unique<mcp::Server>(catalog_,
                                          mcp::Context{clock_,
                                                       *recorder_,
                                                       {},
                                                       [this] { return reader(); },
                                                       organization != header_.end() ? organization->second : kLocal},
                                          kVersion);
  server_->use([this](std::vector<std::string>& out, std::vector<rpc::Line>* in) { return exchange(out, in); });
  if (const std::string revision = option("session", ""); !revision.empty()) {
    (void)server_->handle(R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":")" +
                          revision + R"(","capabilities":{},"clientInfo":{"name":"test","version":"1"}}})");
    (void)server_->handle(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  }
}

std::vector<std::string> Session::handle(std::span<const rpc::Line> lines) {
  for (std::vector<std::string> rest = server_->handle(lines);; rest = server_->catch_up()) {
    said_.insert(said_.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
    if (!server_->is_behind()) return std::exchange(said_, {});
  }
}

void Session::advance(Millis time) {
  clock_.inner.advance(time);
  for (std::string& line : server_->notices()) said_.push_back(std::move(line));
}

bool Session::exchange(std::vector<std::string>& out, std::vector<rpc::Line>* in) {
  if (peer_ != "deaf")
    for (std::string& line : std::exchange(out, {})) said_.push_back(std::move(line));
  if (in != nullptr && !meanwhile_.empty()) {
    overheard_ = std::move(meanwhile_.front());
    meanwhile_.pop_front();
    in->push_back({overheard_, 0});
  }
  return peer_ != "gone";
}

void Session::reconnect() {
  said_ = server_->close();
  connect();
}

namespace {

// "PATH 20 times": the text as often, with its number in place of #; without a number, the text.
std::vector<std::string> repeated(std::string& key, const std::string& text) {
  constexpr std::string_view kTimes = " times";
  if (!key.ends_with(kTimes)) return {text};
  key.resize(key.size() - kTimes.size());
  const auto space = key.rfind(' ');
  const int times = std::stoi(key.substr(space + 1));
  key.resize(space);
  std::vector<std::string> all;
  for (int i = 1; i <= times; ++i) {
    all.push_back(text);
    if (const auto at = text.find('#'); at != text.npos) all.back().replace(at, 1, std::to_string(i));
  }
  return all;
}

}  // namespace

bool Session::write_lines(std::string path, const std::string& text) {
  const std::vector<std::string> lines = repeated(path, text);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::app);
  for (const std::string& line : lines) file << line << "\n";
  return true;
}

bool Session::record_elsewhere(std::string kind, const std::string& fields) {
  const std::vector<std::string> all = repeated(kind, fields);
  const metrics::Kind* const of = metrics::find_kind(kind);
  if (of == nullptr) return false;
  const auto database = must(store::Database::open({dir_.file("metrics.db"), store::Durability::normal}, entropy_));
  const auto store = must(store::SqliteStore::open(*database));
  metrics::Recorder recorder(*store, clock_, entropy_, {"mcp", "session-2", "bob", "shop"});
  for (const std::string& one : all)
    if (recorder.stage(*of, must(parse_json(one))).index() != 0) return false;
  return recorder.commit().ok();
}

bool Session::change(const std::string& key, const std::string& value) {
  constexpr std::string_view kWrite = "write ", kElsewhere = "another session records ", kLog = "log ";
  if (key.starts_with(kWrite)) return write_lines(key.substr(kWrite.size()), value);
  if (key.starts_with(kElsewhere)) return record_elsewhere(key.substr(kElsewhere.size()), value);
  if (key == "each look at the clock takes") {
    clock_.each_look = must(parse_duration(value));
    return true;
  }
  if (key == "meanwhile") {
    meanwhile_.push_back(value);
    return true;
  }
  if (key == "peer") {
    peer_ = value;
    return value == "deaf" || value == "listening" || value == "gone";
  }
  if (key.starts_with(kLog)) {
    const std::string_view level = std::string_view(key).substr(kLog.size());
    const auto severity = level == "warning" ? mcp::Severity::warning : mcp::Severity::error;
    for (std::string& line : server_->log(severity, "sync", value)) said_.push_back(std::move(line));
    return level == "warning" || level == "error";
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
