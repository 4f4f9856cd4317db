#include "pg_records.h"

#include <algorithm>

#include "fortium/base/entropy.h"
#include "pg_append.h"
#include "pg_reader.h"
#include "pg_tables.h"
#include "service/limits.h"

namespace fortium::service {

using metrics::Event;
using metrics::Stored;

namespace {

constexpr std::int64_t kExpiredAtOnce = 2'000;  // rows a transaction, which others wait for

}  // namespace

Result<void> PgRecords::ask(const std::function<Result<void>(metrics::Reader&)>& work) {
  FM_TRY(PgPool::Lease pg, pool_.take());
  PgReader reader(*pg, place_);
  return work(reader);
}

Result<void> PgRecords::at_one_moment(const std::function<Result<void>(Snapshot&)>& work) {
  FM_TRY(PgPool::Lease pg, pool_.take());
  PgSnapshot snapshot(*pg, place_);
  return pg->transaction(begin_in(place_, Work::read), [&] { return work(snapshot); });
}

Result<void> PgRecords::put_rows(const Table& table, std::span<const schema::Row> rows) {
  FM_TRY(PgPool::Lease pg, pool_.take());
  return pg->transaction(begin_writing(place_), [&]() -> Result<void> {
    const PgQuery put = insert_rows(place_, table, rows);
    FM_TRY_(pg->run({&put, 1}));
    return {};
  });
}

Result<std::int64_t> PgRecords::erase(std::string_view user_id) {
  FM_TRY(PgPool::Lease pg, pool_.take());
  std::int64_t erased = 0;
  FM_TRY_(pg->transaction(begin_writing(place_), [&]() -> Result<void> {
    for (const metrics::Kind& kind : metrics::kinds()) {
      const std::string name(kind.name), table = place_ + "." + name;
      const PgQuery queries[] = {{"INSERT INTO " + place_ + ".gone (kind, id) SELECT '" + name + "', id FROM " + table +
                                      " WHERE user_id = $1 ON CONFLICT DO NOTHING",
                                  {param(user_id)}},
                                 {"DELETE FROM " + table + " WHERE user_id = $1", {param(user_id)}}};
      FM_TRY(const std::vector<PgRows> done, pg->run(queries));
      erased += done.back().changed();
    }
    FM_TRY_(pg->run("DELETE FROM " + place_ + ".slice WHERE user_id = $1", {param(user_id)}));
    return {};
  }));
  return erased;
}

Result<std::int64_t> PgRecords::expire(const metrics::Kind& kind, WallTime before) {
  const std::string name(kind.name), table = place_ + "." + name;
  const std::string oldest = " FROM " + table + " WHERE timestamp < $1 ORDER BY timestamp, id LIMIT $2";
  const std::vector<PgParam> params = {param(to_ms(before)), param(kExpiredAtOnce)};
  // The same records each time: nothing else happens in between.
  const PgQuery queries[] = {
      {"INSERT INTO " + place_ + ".gone (kind, id) SELECT '" + name + "', id" + oldest + " ON CONFLICT DO NOTHING",
       params},
      {"INSERT INTO " + place_ + ".thinned (hour) SELECT DISTINCT timestamp / 3600000 FROM (SELECT timestamp" + oldest +
           ") AS oldest ON CONFLICT DO NOTHING",
       params},
      {"DELETE FROM " + table + " WHERE id IN (SELECT id" + oldest + ")", params}};
  std::int64_t all = 0, expired = kExpiredAtOnce;
  while (expired == kExpiredAtOnce) {
    FM_TRY(PgPool::Lease pg, pool_.take());
    FM_TRY_(pg->transaction(begin_writing(place_), [&]() -> Result<void> {
      FM_TRY(const std::vector<PgRows> done, pg->run(queries));
      expired = done.back().changed();
      return {};
    }));
    all += expired;
  }
  return all;
}

Result<std::vector<Stored>> PgRecords::append_all(std::span<Event> events, const std::vector<bool>& stamped) {
  FM_TRY(PgPool::Lease pg, pool_.take());
  return PgAppend(*pg, place_, device_id_).run(events, stamped);
}

std::string PgDepot::place_for(std::string_view tenant_id) const { return pg_place_for(tenant_id); }

Result<void> PgDepot::create(const std::string& place) {
  SystemEntropy entropy;
  FM_TRY(PgPool::Lease pg, pool_.take());
  return prepare_place(*pg, place, uuid7(clock_.now(), entropy));
}

Result<void> PgDepot::remove(const std::string& place) {
  forget(place);
  FM_TRY(PgPool::Lease pg, pool_.take());
  return remove_place(*pg, place);
}

Result<std::shared_ptr<Records>> PgDepot::find(const std::string& place) {
  const auto known = entries_.with([&](Entries& entries) {
    const auto at = entries.find(place);
    if (at == entries.end()) return std::shared_ptr<Records>();
    at->second.used = clock_.steady();
    return std::shared_ptr<Records>(at->second.records);
  });
  if (known) return known;
  FM_TRY(PgPool::Lease pg, pool_.take());
  FM_TRY(const Place found, look_at_place(*pg, place));
  if (found.version > kPlaceVersion)
    return Error{Errc::unavailable, "the records of this organization have version " + std::to_string(found.version) +
                                        ", this program knows up to " + std::to_string(kPlaceVersion) +
                                        ": update fortium-metrics-server"};
  if (found.version < kPlaceVersion) FM_TRY_(prepare_place(*pg, place, found.device_id));
  return entries_.with([&](Entries& entries) {
    // Another thread may have been faster: all must share one, as they share its transactions.
    auto& [records, used] = entries[place];
    if (!records) records = std::make_shared<PgRecords>(pool_, place, found.device_id);
    used = clock_.steady();
    return std::shared_ptr<Records>(records);
  });
}

void PgDepot::forget(const std::string& place) {
  entries_.with([&](Entries& entries) { entries.erase(place); });
}

void PgDepot::rest() {
  entries_.with([&](Entries& entries) {
    const SteadyTime now = clock_.steady();
    std::erase_if(entries, [now](const auto& entry) { return now - entry.second.used > kTenantIdle; });
  });
  pool_.rest();
}

}  // namespace fortium::service
