// How long an organization keeps records of each kind; sums stay. For ever, where nothing is set.
//
// Records are let go a kind at a time, when an answer is on its way, each kind of each organization once in
// kExpireEvery on every instance. Any thread.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "access.h"
#include "fortium/metrics/kind.h"
#include "service/store/records.h"

namespace fortium::service {

struct Kept {
  std::string tenant;  // id
  const metrics::Kind* kind = nullptr;
  std::int64_t days = 0;
};

constexpr std::int64_t kMaxKeptDays = 36'500;

// Of one organization, or, for "", of all. One thread.
Result<std::vector<Kept>> kept(Sql& sql, std::string_view tenant);
// 0 days: for ever.
Result<void> keep(Sql& sql, const Kept& kept);

class Retention {
 public:
  Retention(SharedControl& control, Depot& depot, const Clock& clock)
      : control_(control), depot_(depot), clock_(clock) {}
  // Lets go of what is due, of one kind of one organization.
  void rest();

 private:
  struct Round {
    std::deque<Kept> left;
    std::optional<SteadyTime> next;
  };
  std::optional<Kept> due();

  SharedControl& control_;
  Depot& depot_;
  const Clock& clock_;
  Guarded<Round> round_;
};

}  // namespace fortium::service
