// What is unlike usual in the last hour, whoever recorded it, told as messages of the server's log: looked for once a
// minute, and only while a client wants to hear warnings.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fortium/mcp/server.h"
#include "fortium/metrics/alerts.h"
#include "local.h"

namespace fortium::app {

class AlertWatch {
 public:
  // Without rules nothing is looked for.
  AlertWatch(std::optional<metrics::AlertRules> rules, Local& local, mcp::Server& server)
      : rules_(rules), local_(local), server_(server) {}

  // How long look() may wait; nullopt: until the client says something.
  std::optional<Millis> due_in() const;
  // The lines to send.
  std::vector<std::string> look();

 private:
  const std::optional<metrics::AlertRules> rules_;
  Local& local_;
  mcp::Server& server_;
  metrics::AlertMemory told_;
  std::set<std::string> about_;  // what there was something to say of at the last look
  SteadyTime look_again_{};
};

}  // namespace fortium::app
