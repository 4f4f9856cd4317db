#include <dlfcn.h>

#include "client_abi.h"
#include "fortium/base/module.h"
#include "fortium/net/http.h"

namespace fortium::net {

Result<std::unique_ptr<HttpClient>> make_client(const ClientOptions& options) {
  FM_TRY(void* module, load_module("net", "the network module"));
  const auto make = reinterpret_cast<decltype(&fortium_make_http_client)>(dlsym(module, "fortium_make_http_client"));
  if (make == nullptr) return Error{Errc::internal, "the network module has no client in it"};
  std::unique_ptr<HttpClient> client(make(&options));
  if (client == nullptr) return Error{Errc::internal, "no memory for a network client"};
  return client;
}

}  // namespace fortium::net
