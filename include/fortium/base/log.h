// The log: a few functions, one write-only sink for the process. Off until `open_log` is called; quiet by default, so
// that Claude Code's own log stays small. Never pass a secret, an environment value or text that a person typed.
// Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fortium {

enum class LogLevel { debug, info, warn, error };

struct LogOptions {
  LogLevel level = LogLevel::warn;
  std::string file;                  // empty: standard error
  std::string prefix;                // of each line, in the place of time, level and thread: for people at a terminal
  std::int64_t max_bytes = 4 << 20;  // of one file; three are kept
  bool json = false;                 // each line is an object, for programs: time, level, message or the members given
};

void open_log(const LogOptions& options);
// Whoever listens hears every message, whatever the level of the sink; called on the thread that logs. nullptr: nobody.
// Only while one thread runs.
void listen_to_log(std::function<void(LogLevel level, std::string_view text)> listener);
// `members`: of a JSON object, without braces ("status":200); a log for people has the text instead.
void log_info(std::string_view text, std::string_view members);
void log_debug(std::string_view text);
void log_info(std::string_view text);
void log_warn(std::string_view text);
void log_error(std::string_view text);

}  // namespace fortium
