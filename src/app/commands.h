// What the program does, one function a command. Each returns the exit code; people's text and JSON go to `out`
// (standard output), everything else to standard error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fortium/base/exit.h"
#include "fortium/base/result.h"
#include "settings.h"

namespace fortium::app {

class Local;

// Says what went wrong on standard error, and how a script sees it.
int fail(int code, const std::string& what);
int fail_store(const Error& error);
// Every problem of the settings on standard error.
void tell_problems(const Settings& settings);

int run_mcp(const Settings& settings);

// Always 0, and silent: whatever happens, Claude Code goes on.
int run_hook(const Settings& settings);

struct RecordCommand {
  std::string kind;                 // may be empty when lines name it
  std::vector<std::string> fields;  // "name=value"
  std::string input;                // file, or "-"
  bool json = false;
};
int run_record(const Settings& settings, const RecordCommand& command);

struct ImportCommand {
  std::vector<std::string> paths;  // empty: the documented places
  std::string from = "auto";       // or claude, legacy, csv, jsonl
  bool dry_run = false;
  bool json = false;
  bool explain = false;
};
int run_import(const Settings& settings, const ImportCommand& command);

struct SyncCommand {
  Millis timeout{60'000};
  bool adopt = false;
  bool json = false;
};
int run_sync(const Settings& settings, const SyncCommand& command);

int run_status(const Settings& settings, bool json);

struct VerifyCommand {
  std::string since, until;  // days in UTC; empty: all
  Millis timeout{60'000};    // of sending again
  bool repair = false;
  bool json = false;
};
int run_verify(const Settings& settings, const VerifyCommand& command);

struct QueueCommand {
  enum class Do { list, show, retry, drop, settle } what = Do::list;
  std::vector<std::string> ids;
  std::string file;  // of receipts
  bool failed = false, all = false, yes = false, json = false;
  std::int64_t limit = 100;
  std::string cursor;
};
int run_queue(const Settings& settings, const QueueCommand& command);
// `queue settle`: a part of the above.
int settle_queue(const Settings& settings, Local& local, const QueueCommand& command);

struct ExportCommand {
  std::string since, until;
  std::string format = "jsonl";  // or csv, json
  std::string batch;             // file for the queue; empty: records to standard output
  bool json = false;
};
int run_export(const Settings& settings, const ExportCommand& command);

struct InstallCommand {
  bool undo = false;  // uninstall
  std::string scope = "user";
  bool by_server = false;  // tool calls end with a word to the server, and no process
  bool hooks = true;
  bool dry_run = false;
  bool json = false;
};
int run_install(const Settings& settings, const InstallCommand& command);

// Reads standard input, and becomes the command if there is one.
int run_statusline(const Options& options, const std::vector<std::string>& command);

struct DoctorCommand {
  bool repair = false;
  bool json = false;
};
int run_doctor(const Settings& settings, const DoctorCommand& command);

int run_test_connection(const Settings& settings, bool json);

struct ConfigCommand {
  enum class Do { show, get, set, unset, path } what = Do::show;
  std::string key, value;
  bool json = false;
};
int run_config(const Settings& settings, const ConfigCommand& command);

struct PrivacyCommand {
  std::int64_t limit = 10;
  bool json = false;
};
// `privacy show`: what would leave this machine.
int run_privacy(const Settings& settings, const PrivacyCommand& command);

struct ReportCommand {
  std::string question = "summary";  // of report::questions()
  std::string since, until;          // empty: the question's own period
  std::string by;                    // of report::kBys; empty: day
  std::string project, source;       // empty: all
  std::string format = "table";      // of report::forms()
  std::optional<std::int64_t> limit;
  bool explain = false;
};
int run_report(const Settings& settings, const ReportCommand& command);

// A screen of what happens, until it is left.
int run_watch(const Settings& settings);

int run_schema_export(const std::string& dir);

}  // namespace fortium::app
