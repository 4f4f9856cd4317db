#include "fortium/base/log.h"

#define SPDLOG_HEADER_ONLY
#define FMT_HEADER_ONLY
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "fortium/base/clock.h"
#include "fortium/base/json.h"

namespace fortium {

namespace {

constexpr int kFilesKept = 3;

// The one object that changes and is global: write-only, set once at start before any other thread exists.
std::shared_ptr<spdlog::logger>& sink() {
  static std::shared_ptr<spdlog::logger> logger;
  return logger;
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Likewise.
std::function<void(LogLevel, std::string_view)>& listener() {
  static std::function<void(LogLevel, std::string_view)> one;
  return one;
}

// Likewise.
bool& as_json() {
  static bool json = false;
  return json;
}

std::string json_line(LogLevel level, std::string_view text, std::string_view members) {
  constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};
  std::string line = R"({"time":")" + to_rfc3339(SystemClock().now()) + R"(","level":")" +
                     std::string(kLevels[static_cast<std::size_t>(level)]) + "\",";
  if (members.empty())
    line += R"("message":)" + json_string(text);
  else
    line += members;
  return line + "}";
}

void write(LogLevel level, std::string_view text, std::string_view members = {}) {
  if (const auto& logger = sink(); logger && logger->should_log(level_of(level)))
    logger->log(level_of(level), "{}", as_json() ? json_line(level, text, members) : std::string(text));
  if (const auto& heard = listener()) heard(level, text);
}

}  // namespace

void open_log(const LogOptions& options) {
  try {
    auto logger = options.file.empty()
                      ? std::make_shared<spdlog::logger>("fortium", std::make_shared<spdlog::sinks::stderr_sink_mt>())
                      : std::make_shared<spdlog::logger>(
                            "fortium", std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
                                           options.file, static_cast<std::size_t>(options.max_bytes), kFilesKept));
    logger->set_level(level_of(options.level));
    logger->flush_on(spdlog::level::debug);
    as_json() = options.json;
    if (options.json)
      logger->set_pattern("%v");
    else
      logger->set_pattern(options.prefix.empty() ? "%Y-%m-%dT%H:%M:%S.%e%z %l [%t] %v" : options.prefix + "%v");
    sink() = std::move(logger);
  } catch (const spdlog::spdlog_ex&) {
    sink() = nullptr;  // a log that cannot be opened never stops the work
  }
}

void listen_to_log(std::function<void(LogLevel, std::string_view)> heard) { listener() = std::move(heard); }

void log_info(std::string_view text, std::string_view members) { write(LogLevel::info, text, members); }
void log_debug(std::string_view text) { write(LogLevel::debug, text); }
void log_info(std::string_view text) { write(LogLevel::info, text); }
void log_warn(std::string_view text) { write(LogLevel::warn, text); }
void log_error(std::string_view text) { write(LogLevel::error, text); }

}  // namespace fortium
