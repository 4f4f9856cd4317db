#include "quotas.h"

#include <algorithm>
#include <array>

#include "service/limits.h"

namespace fortium::service {

namespace {

constexpr std::array<Tier, 3> kTiers = {{{"free", 100}, {"professional", 1000}, {"enterprise", 5000}}};

}  // namespace

std::span<const Tier> tiers() { return kTiers; }

const Tier* find_tier(std::string_view name) {
  const auto found = std::ranges::find(kTiers, name, &Tier::name);
  return found != kTiers.end() ? &*found : nullptr;
}

Quota generous(std::int64_t units_per_minute) {
  return {.units = units_per_minute, .backlog = units_per_minute * kBacklogMinutes};
}

Result<std::optional<Limit>> Quotas::find(std::string_view who) {
  FM_TRY(const Rows found, sql_.run("SELECT tier, units FROM quotas WHERE who = $1", who));
  if (found.empty()) return std::optional<Limit>();
  const schema::Row& row = found.rows.front();
  // A tier is what it means now, not what it meant when it was given.
  if (const Tier* tier = find_tier(text_at(row, 0)))
    return std::optional(Limit{std::string(tier->name), generous(tier->units_per_minute)});
  return std::optional(Limit{"", {.units = integer_at(row, 1)}});
}

Result<void> Quotas::set_tier(std::string_view who, const Tier& tier) {
  return set(who, tier.name, tier.units_per_minute);
}

Result<void> Quotas::set_units(std::string_view who, std::int64_t units_per_minute) {
  return set(who, "", units_per_minute);
}

Result<void> Quotas::set(std::string_view who, std::string_view tier, std::int64_t units_per_minute) {
  return sql_.write([&]() -> Result<void> {
    FM_TRY_(
        sql_.run("INSERT INTO quotas (who, tier, units) VALUES ($1, $2, $3) "
                 "ON CONFLICT (who) DO UPDATE SET tier = excluded.tier, units = excluded.units",
                 who, tier, units_per_minute));
    return {};
  });
}

Result<void> Quotas::clear(std::string_view who) {
  return sql_.write([&]() -> Result<void> {
    FM_TRY_(sql_.run("DELETE FROM quotas WHERE who = $1", who));
    return {};
  });
}

}  // namespace fortium::service
