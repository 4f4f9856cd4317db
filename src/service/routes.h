// The end points, as one table: method, path, who may, and the function that answers.
//
// Everything of the service but sockets and start: a Request goes in, a Response comes out. Any thread.
#pragma once

#include <span>
#include <string_view>

#include "access.h"
#include "answers.h"
#include "http.h"
#include "ingest.h"
#include "rate_limit.h"
#include "tenants.h"

namespace fortium::service {

struct ServiceOptions {
  std::int64_t units_per_minute = 0;  // of each organization
};

class Service final : public Handler {
 public:
  Service(SharedControl& control, Tenants& tenants, Answers& answers, const Clock& clock, ServiceOptions options);

  std::optional<Response> refuse(const Request& head) override;
  Response answer(const Request& request) override;
  void rest() override;

 private:
  enum class Body { none, json };
  enum class Cost { nothing, request, own };  // of the rate limit; `own`: the function takes it
  struct Route {
    std::string_view method;
    std::string_view path;
    Scopes any_of;  // none: no credential is asked for
    Body body;
    Cost cost;
    Response (Service::*run)(const Request& request, const Credential& who);
  };
  static std::span<const Route> routes();
  std::variant<const Route*, Response> route(const Request& request) const;
  // The credential, empty where none is asked for; or the refusal.
  std::variant<Credential, Response> admit(const Request& request, const Route& route);

  Response health(const Request& request, const Credential& who);
  Response ready(const Request& request, const Credential& who);
  Response capabilities(const Request& request, const Credential& who);
  Response batch(const Request& request, const Credential& who);
  Response read_ledger(const Request& request, const Credential& who);
  bool can_commit();

  SharedControl& control_;
  Tenants& tenants_;
  Answers& answers_;
  const Clock& clock_;
  Access access_;
  RateLimit limit_;
  Ingest ingest_;
  const SteadyTime started_;
  struct Readiness {
    bool ok = false;
    std::optional<SteadyTime> until;
  };
  Guarded<Readiness> readiness_;
};

}  // namespace fortium::service
