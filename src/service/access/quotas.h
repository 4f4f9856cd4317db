// How much an organization, or one key of it, may ask for in a minute: a tier, or a number of its own.
//
// A number that somebody set is exact. Tiers, and the default, have an allowance for backlogs beside it. One instance
// belongs to one thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rate_limit.h"
#include "service/store/sql.h"

namespace fortium::service {

struct Tier {
  std::string_view name;
  std::int64_t units_per_minute;
};
std::span<const Tier> tiers();
const Tier* find_tier(std::string_view name);

// With the allowance for backlogs.
Quota generous(std::int64_t units_per_minute);

struct Limit {
  std::string tier;  // empty: a number of its own
  Quota quota;
};

class Quotas {
 public:
  explicit Quotas(Sql& sql) : sql_(sql) {}

  // Of an organization or a key, by its id; nothing where none was set.
  Result<std::optional<Limit>> find(std::string_view who);
  Result<void> set_tier(std::string_view who, const Tier& tier);
  Result<void> set_units(std::string_view who, std::int64_t units_per_minute);
  Result<void> clear(std::string_view who);

 private:
  Result<void> set(std::string_view who, std::string_view tier, std::int64_t units_per_minute);

  Sql& sql_;
};

}  // namespace fortium::service
