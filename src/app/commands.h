// What the program does, one function a command. Each returns the exit code; people's text and JSON go to `out`
// (standard output), everything else to standard error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fortium/base/result.h"
#include "settings.h"

namespace fortium::app {

// Exit codes of both programs (interface section 3).
enum Exit : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kConfiguration = 3,
  kUnreachable = 4,
  kCredentials = 5,
  kPartly = 6,
  kStore = 7,
};

// Says what went wrong on standard error, and how a script sees it.
int fail(int code, const std::string& what);
int fail_store(const Error& error);
// Every problem of the settings on standard error.
void tell_problems(const Settings& settings);

int run_mcp(const Settings& settings);

struct RecordCommand {
  std::string kind;                 // may be empty when lines name it
  std::vector<std::string> fields;  // "name=value"
  std::string input;                // file, or "-"
  bool json = false;
};
int run_record(const Settings& settings, const RecordCommand& command);

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
  enum class Do { list, show, retry, drop } what = Do::list;
  std::vector<std::string> ids;
  bool failed = false, all = false, yes = false, json = false;
  std::int64_t limit = 100;
  std::string cursor;
};
int run_queue(const Settings& settings, const QueueCommand& command);

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

struct ReportCommand {
  std::string question = "summary";
  std::string since = "7d", until, format = "table";
};
int run_report(const Settings& settings, const ReportCommand& command);

int run_schema_export(const std::string& dir);

}  // namespace fortium::app
