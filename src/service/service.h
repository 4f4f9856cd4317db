// The whole service but its sockets and its start: a Request goes in, a Response comes out. Any thread.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "route.h"

namespace fortium::service {

struct ServiceOptions {
  std::int64_t units_per_minute = 0;  // of each organization
};

// All end points, table by table.
std::span<const std::span<const Route>> all_routes();

class Service final : public Handler {
 public:
  // What is given must outlive it.
  Service(SharedControl& control, Depot& depot, Answers& answers, const Clock& clock, ServiceOptions options);

  std::optional<Response> refuse(const Request& head) override;
  Response answer(const Request& request) override;
  void rest() override;

 private:
  struct Found {
    const Route* route = nullptr;
    std::vector<std::string> names;
  };
  std::variant<Found, Response> find(const Request& request) const;
  // The credential, empty where none is asked for; or the refusal.
  std::variant<Credential, Response> admit(const Request& request, const Route& route);
  std::variant<Credential, Response> check(const Request& request, const Route& route);

  Access access_;
  RateLimit limit_;
  Ingest ingest_;
  Parts parts_;
};

}  // namespace fortium::service
