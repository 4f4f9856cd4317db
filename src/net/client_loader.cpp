#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <string_view>

#include "client_abi.h"
#include "fortium/net/http.h"

namespace fortium::net {

namespace {

// The directory of the program, with a slash at its end; empty where there is no /proc.
std::string program_directory() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) return {};
  const std::string_view program(path, static_cast<std::size_t>(size));
  return std::string(program.substr(0, program.rfind('/') + 1));
}

Error not_loaded(const std::string& path, const char* why) {
  return {Errc::internal, "the network module " + path + " could not be loaded: " + (why != nullptr ? why : "unknown")};
}

// Never unloaded: its threads of the C library, and OpenSSL's handlers, may outlive any client.
Result<void*> load() {
  const std::string directory = program_directory();
  const std::string first = directory + "../lib/fortium-metrics/net.so";
  for (const std::string& path : {first, directory + "net.so"}) {
    if (access(path.c_str(), F_OK) != 0) continue;
    void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr) return not_loaded(path, dlerror());
    const auto version = reinterpret_cast<decltype(&fortium_net_version)>(dlsym(module, "fortium_net_version"));
    if (version == nullptr) return not_loaded(path, dlerror());
    if (std::string_view(version()) != FORTIUM_VERSION)
      return Error{Errc::internal, "the network module " + path + " is of version " + version() + ", this program of " +
                                       FORTIUM_VERSION + ": start the program again"};
    return module;
  }
  return not_loaded(first, "no such file");
}

}  // namespace

Result<std::unique_ptr<HttpClient>> make_client(const ClientOptions& options) {
  FM_TRY(void* module, load());
  const auto make = reinterpret_cast<decltype(&fortium_make_http_client)>(dlsym(module, "fortium_make_http_client"));
  if (make == nullptr) return Error{Errc::internal, "the network module has no client in it"};
  std::unique_ptr<HttpClient> client(make(&options));
  if (client == nullptr) return Error{Errc::internal, "no memory for a network client"};
  return client;
}

}  // namespace fortium::net
