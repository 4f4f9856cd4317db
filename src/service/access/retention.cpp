#include "retention.h"

#include "fortium/base/log.h"
#include "service/limits.h"

namespace fortium::service {

Result<std::vector<Kept>> kept(Sql& sql, std::string_view tenant) {
  FM_TRY(
      const Rows found,
      sql.run("SELECT tenant, kind, days FROM retention WHERE $1 = '' OR tenant = $1 ORDER BY tenant, kind", tenant));
  std::vector<Kept> all;
  for (const schema::Row& row : found.rows)
    if (const metrics::Kind* kind = metrics::find_kind(text_at(row, 1)))
      all.push_back({text_at(row, 0), kind, integer_at(row, 2)});
  return all;
}

Result<void> keep(Sql& sql, const Kept& kept) {
  return sql.write([&]() -> Result<void> {
    if (kept.days == 0) {
      FM_TRY_(sql.run("DELETE FROM retention WHERE tenant = $1 AND kind = $2", kept.tenant, kept.kind->name));
      return {};
    }
    FM_TRY_(
        sql.run("INSERT INTO retention (tenant, kind, days) VALUES ($1, $2, $3) "
                "ON CONFLICT (tenant, kind) DO UPDATE SET days = excluded.days",
                kept.tenant, kept.kind->name, kept.days));
    return {};
  });
}

std::optional<Kept> Retention::due() {
  const bool again = round_.with([this](Round& round) {
    if (!round.left.empty() || (round.next && clock_.steady() < *round.next)) return false;
    round.next = clock_.steady() + kExpireEvery;
    return true;
  });
  if (again) {
    auto all = control_.with([](auto& control) { return kept(control->sql(), ""); });
    if (!all) log_warn("retention: " + all.error().what);
    if (all) round_.with([&](Round& round) { round.left.assign(all->begin(), all->end()); });
  }
  return round_.with([](Round& round) -> std::optional<Kept> {
    if (round.left.empty()) return std::nullopt;
    Kept first = std::move(round.left.front());
    round.left.pop_front();
    return first;
  });
}

void Retention::rest() {
  const auto next = due();
  if (!next) return;
  const auto expire = [&]() -> Result<std::int64_t> {
    FM_TRY(const auto tenant, control_.with([&](auto& control) { return control->tenant_with_id(next->tenant); }));
    if (!tenant) return std::int64_t{0};
    FM_TRY(const auto records, depot_.find(tenant->place));
    return records->expire(*next->kind, clock_.now() - std::chrono::days(next->days));
  };
  const auto gone = expire();
  if (!gone) log_warn("retention: " + gone.error().what);
  if (gone && *gone > 0)
    log_info("retention: " + std::to_string(*gone) + " of " + std::string(next->kind->name) + " of " + next->tenant);
}

}  // namespace fortium::service
