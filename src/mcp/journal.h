// The log that clients hear: which messages leave, and in what form. Private to mcp.
//
// In a session messages of one logger with the same words leave once a minute at most, so a service that is down or a
// tool that fails at every call does not flood the client. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "fortium/base/clock.h"
#include "fortium/mcp/catalog.h"

namespace fortium::mcp {

std::optional<Severity> find_severity(std::string_view name);

std::string log_line(Severity severity, std::string_view logger, const Json& data);

class Journal {
 public:
  // The line to send; nullopt where it was said a moment ago.
  std::optional<std::string> write(Severity severity, std::string_view logger, const Json& data, SteadyTime now);

 private:
  std::map<std::string, SteadyTime> said_;  // when, by line
};

}  // namespace fortium::mcp
