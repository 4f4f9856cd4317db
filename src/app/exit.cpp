#include <cstdio>

#include "commands.h"

namespace fortium::app {

int fail(int code, const std::string& what) {
  std::fprintf(stderr, "fortium-metrics: %s\n", what.c_str());
  return code;
}

int fail_store(const Error& error) { return fail(kStore, error.what); }

void tell_problems(const Settings& settings) {
  for (const Problem& problem : settings.problems) std::fprintf(stderr, "fortium-metrics: %s\n", problem.what.c_str());
}

}  // namespace fortium::app
