// Refusals that matter, on their way into the audit log: collected while answers leave, written when there is time.
//
// The same refusal again is a number in one line, and an organization gets at most kNotedRefusals such lines in
// kNotedTime: who is refused a million times fills neither the memory nor the disk. What was left out is counted in the
// next line. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "fortium/base/guarded.h"
#include "rate_limit.h"
#include "service/store/control.h"

namespace fortium::service {

struct Refusal {
  std::string tenant;  // id
  std::string actor;
  std::string action;   // "refused.insufficient_scope"
  std::string subject;  // what was asked for, in our words; or whose

  // clang-tidy 14 takes the comparison with zero inside for one with a pointer.
  auto operator<=>(const Refusal&) const = default;  // NOLINT(modernize-use-nullptr)
};

class Refusals {
 public:
  explicit Refusals(const Clock& clock);
  void note(const Refusal& refusal, const std::string& peer);
  // Whether there is something to be written by now.
  bool due();
  Result<void> write(Control& control);

 private:
  struct Noted {
    std::int64_t times = 0;
    std::string peer;  // the first one's address
  };
  struct Waiting {
    std::map<Refusal, Noted> refusals;
    std::map<std::string, std::int64_t> left_out;  // by tenant
    SteadyTime next{};
  };

  const Clock& clock_;
  RateLimit lines_;
  Guarded<Waiting> waiting_;
};

}  // namespace fortium::service
