// The whole service but its sockets and its start: a Request goes in, a Response comes out. Any thread.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "access/retention.h"
#include "route.h"

namespace fortium::service {

struct ServiceOptions {
  // Of each organization that has no limit of its own, exactly; 0: the documented default with its allowance for
  // backlogs.
  std::int64_t units_per_minute = 0;
  TokenOptions tokens = {};
  std::vector<std::string> allowed_origins = {};  // of web pages
  Secret metrics_token = {};                      // of who may see the figures; empty: this machine
};

// All end points, table by table.
std::span<const std::span<const Route>> all_routes();

class Service final : public Handler {
 public:
  // What is given must outlive it.
  Service(SharedControl& control, Depot& depot, Answers& answers, McpSessions& sessions, const Clock& clock,
          ServiceOptions options);

  std::optional<Response> refuse(const Request& head) override;
  Response answer(const Request& request) override;
  std::string lane(const Request& head) override { return access_.lane(head); }
  void rest() override;
  EdgeCounts& counts() override { return figures_.edge(); }

 private:
  struct Found {
    const Route* route = nullptr;
    std::vector<std::string> names;
  };
  std::variant<Found, Response> find(const Request& request) const;
  // Also which row it was, if one fitted, and whose request.
  struct Outcome {
    Response response;
    const Route* route = nullptr;
    std::string tenant;
  };
  Outcome answer_plainly(const Request& request);
  void write_down(const Request& request, const Outcome& outcome, std::chrono::nanoseconds took);
  // The credential, empty where none is asked for; or the refusal.
  enum class Take { nothing, cost };
  std::variant<Credential, Response> admit(const Request& request, const Route& route, Take take);
  std::variant<Credential, Response> check(const Request& request, const Route& route, Take take);

  const TokenOptions tokens_;
  const Secret metrics_token_;
  const Origins origins_;
  Figures figures_;
  RateLimit limit_;
  Access access_;
  Auth auth_;
  Ingest ingest_;
  Mcp mcp_;
  Retention retention_;
  Parts parts_;
};

}  // namespace fortium::service
