#include "journal.h"

#include <nlohmann/json.hpp>

#include "fortium/rpc/message.h"

namespace fortium::mcp {

namespace {

using namespace std::chrono_literals;

constexpr auto kAgain = 1min;
constexpr std::size_t kMostSaid = 200;  // memory: words come from anywhere
constexpr std::string_view kNames[] = {"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"};

}  // namespace

std::optional<Severity> find_severity(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<Severity>(i);
  return std::nullopt;
}

std::string log_line(Severity severity, std::string_view logger, const Json& data) {
  return rpc::notification_line("notifications/message",
                                R"({"level":)" + json_string(kNames[static_cast<std::size_t>(severity)]) +
                                    R"(,"logger":)" + json_string(logger) + R"(,"data":)" + dump_json(data) + "}");
}

std::optional<std::string> Journal::write(Severity severity, std::string_view logger, const Json& data,
                                          SteadyTime now) {
  std::string line = log_line(severity, logger, data);
  const auto [at, fresh] = said_.try_emplace(line, now);
  if (!fresh && now < at->second + kAgain) return std::nullopt;
  at->second = now;
  if (said_.size() > kMostSaid) said_.clear();
  return line;
}

}  // namespace fortium::mcp
