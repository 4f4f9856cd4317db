#include "fortium/base/module.h"

#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <string_view>

namespace fortium {

namespace {

// The directory of the program, with a slash at its end; empty where there is no /proc.
std::string program_directory() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) return {};
  const std::string_view program(path, static_cast<std::size_t>(size));
  return std::string(program.substr(0, program.rfind('/') + 1));
}

Error not_loaded(const std::string& what, const std::string& path, const char* why) {
  return {Errc::internal, what + " " + path + " could not be loaded: " + (why != nullptr ? why : "unknown")};
}

}  // namespace

Result<void*> load_module(const std::string& name, const std::string& what) {
  const std::string directory = program_directory();
  const std::string first = directory + "../lib/fortium-metrics/" + name + ".so";
  for (const std::string& path : {first, directory + name + ".so"}) {
    if (access(path.c_str(), F_OK) != 0) continue;
    void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr) return not_loaded(what, path, dlerror());
    using Version = const char* (*)();
    const auto version = reinterpret_cast<Version>(dlsym(module, ("fortium_" + name + "_version").c_str()));
    if (version == nullptr) return not_loaded(what, path, dlerror());
    if (std::string_view(version()) != FORTIUM_VERSION)
      return Error{Errc::internal, what + " " + path + " is of version " + version() + ", this program of " +
                                       FORTIUM_VERSION + ": start the program again"};
    return module;
  }
  return not_loaded(what, first, "no such file");
}

}  // namespace fortium
