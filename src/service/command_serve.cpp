#include <sys/resource.h>

#include <cstdio>
#include <utility>

#include "access/admin.h"
#include "commands.h"
#include "fortium/base/log.h"
#include "http/http_server.h"
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

void open_service_log(const Settings& settings) {
  constexpr std::pair<std::string_view, LogLevel> kLevels[] = {
      {"error", LogLevel::error}, {"warn", LogLevel::warn}, {"info", LogLevel::info}, {"debug", LogLevel::debug}};
  for (const auto& [name, level] : kLevels)
    if (settings.text("log") == name) open_log({.level = level, .json = settings.text("log_format") == "json"});
}

ServerOptions options_of(const Settings& settings) {
  ServerOptions options{.max_connections = static_cast<std::size_t>(settings.number("max_connections")),
                        .body_limit = settings.bytes("body_limit"),
                        .request_time = settings.millis("request_timeout"),
                        .idle_time = settings.millis("idle_timeout"),
                        .stop_delay = settings.millis("stop_delay"),
                        .stop_time = settings.millis("stop_timeout"),
                        .trusted_proxies = settings.list("trusted_proxies")};
  FM_CHECK(read_listen(settings.text("listen"), options).ok());
  if (!settings.text("port").empty()) options.port = static_cast<std::uint16_t>(settings.number("port"));
  return options;
}

}  // namespace

Exit run_serve(const Settings& settings) {
  open_service_log(settings);
  allow_many_files();
  const SystemClock clock;
  SystemEntropy entropy;
  auto backend = open_backend(store_of(settings), clock, entropy);
  if (!backend) return fail(backend.error());
  SharedControl control(std::move(backend->control));
  Service service(control, *backend->depot, *backend->answers, *backend->sessions, clock,
                  {.units_per_minute = settings.number("rate_limit"),
                   .tokens = tokens_of(settings),
                   .allowed_origins = settings.list("allowed_origins"),
                   .metrics_token = settings.secret("metrics_token")});

  // Listen first: a key that is made must be shown.
  auto server = HttpServer::listen(options_of(settings), service);
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
