#include <sys/resource.h>

#include <cstdio>

#include "access/admin.h"
#include "commands.h"
#include "fortium/base/log.h"
#include "service.h"
#include "store/backend.h"

namespace fortium::service {

namespace {

// A connection is a file; most systems start programs with a low limit that they may raise themselves.
void allow_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

// With nobody in the store there would be nothing to do but to read the manual.
Result<std::optional<Issued>> first_key(Control& control, Admin& admin) {
  FM_TRY(const auto tenants, control.tenants());
  if (!tenants.empty()) return std::optional<Issued>();
  FM_TRY(const Tenant tenant, admin.create_tenant(kFirstTenant));
  FM_TRY(Issued issued, admin.create_key(tenant, kIngest | kRead | kAdmin, std::nullopt));
  return std::optional(std::move(issued));
}

void tell_first_key(const Issued& issued, const std::string& url) {
  std::printf("\nThe organization \"%s\" is new, and so is its key (%s). It is shown only now:\n\n", kFirstTenant,
              to_text(issued.key.scopes).c_str());
  std::printf("export FORTIUM_METRICS_URL=%s\nexport FORTIUM_API_KEY=%s\n\n", url.c_str(),
              issued.text.reveal().c_str());
}

}  // namespace

Exit run_serve(const ServeCommand& command) {
  allow_many_files();
  const SystemClock clock;
  SystemEntropy entropy;
  auto backend = open_backend(command.store, clock, entropy);
  if (!backend) return fail(backend.error());
  SharedControl control(std::move(backend->control));
  Service service(control, *backend->depot, *backend->answers, clock,
                  {.units_per_minute = command.units_per_minute, .tokens = command.tokens});

  // Listen first: a key that is made must be shown.
  auto server = HttpServer::listen(command.server, service);
  if (!server) return fail(kFailed, server.error().what);
  const std::string url = (*server)->url();
  const auto first = control.with([&](auto& open) {
    Admin admin(*open, clock, entropy, kCommandLine);
    return first_key(*open, admin);
  });
  if (!first) return fail(first.error());
  if (!(*server)->loopback()) log_warn("this address is not of the loopback: put a proxy that speaks TLS in front");

  std::printf("fortium-metrics-server %s listens on %s\n", FORTIUM_VERSION, url.c_str());
  if (*first) tell_first_key(**first, url);
  std::fflush(stdout);
  (*server)->run();
  log_info("stopped");
  return kDone;
}

}  // namespace fortium::service
