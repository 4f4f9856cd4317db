#include "desk.h"

#include <cstdio>

#include "fortium/base/json.h"

namespace fortium::service {

Exit at_desk(const Settings& settings, const std::function<Exit(Desk&)>& work) {
  const SystemClock clock;
  SystemEntropy entropy;
  auto backend = open_backend(store_of(settings), clock, entropy);
  if (!backend) return fail(backend.error());
  Admin admin(*backend->control, clock, entropy, kCommandLine);
  Desk desk{settings, clock, entropy, *backend, *backend->control, admin};
  return work(desk);
}

Exit fail(Exit exit, const std::string& what) {
  std::fprintf(stderr, "fortium-metrics-server: %s\n", what.c_str());
  return exit;
}

Exit fail(const Error& error) {
  switch (error.code) {
    case Errc::invalid: return fail(kUsage, error.what);
    case Errc::not_found:
    case Errc::conflict:
    case Errc::cancelled:
    case Errc::internal: return fail(kFailed, error.what);
    case Errc::unauthorized: return fail(kCredentials, error.what);
    case Errc::busy:
    case Errc::full:
    case Errc::unavailable:
    case Errc::corrupt: break;
  }
  return fail(kStore, error.what);
}

void tell(const Json& json) { std::printf("%s\n", dump_json(json).c_str()); }

}  // namespace fortium::service
