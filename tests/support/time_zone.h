// A time zone for the process, as long as it is held. Not thread-safe.
#pragma once

#include <time.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace fortium::test {

class TimeZone {
 public:
  explicit TimeZone(const char* name) {
    if (const char* told = std::getenv("TZ")) before_ = told;
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~TimeZone() {
    if (before_)
      ::setenv("TZ", before_->c_str(), 1);
    else
      ::unsetenv("TZ");
    ::tzset();
  }
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;

 private:
  std::optional<std::string> before_;
};

}  // namespace fortium::test
