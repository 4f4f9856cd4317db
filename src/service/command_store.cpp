// `migrate`, `check`, `backup`, `restore` and `copy`: what is done to a whole store, or to one organization of it.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "store/recount.h"
#include "store/transfer.h"

namespace fortium::service {

namespace {

Result<std::vector<Tenant>> tenants_of(Backend& backend, const std::string& only) {
  if (only.empty()) return backend.control->tenants();
  FM_TRY(Tenant one, backend.control->tenant(only));
  return std::vector<Tenant>{std::move(one)};
}

// Opening a place brings it to our version.
Exit migrate(Backend& backend, const StoreCommand& command) {
  const auto tenants = tenants_of(backend, command.tenant);
  if (!tenants) return fail(tenants.error());
  for (const Tenant& tenant : *tenants)
    if (const auto found = backend.depot->find(tenant.place); !found)
      return fail({found.error().code, tenant.name + ": " + found.error().what});
  if (command.json)
    tell({{"tenants", tenants->size()}, {"ok", true}});
  else
    std::printf("%zu organizations are of this version\n", tenants->size());
  return kDone;
}

Exit check(Backend& backend, const StoreCommand& command) {
  const auto tenants = tenants_of(backend, command.tenant);
  if (!tenants) return fail(tenants.error());
  Json rows = Json::array();
  std::int64_t wrong = 0;
  for (const Tenant& tenant : *tenants) {
    const auto records = backend.depot->find(tenant.place);
    if (!records) return fail({records.error().code, tenant.name + ": " + records.error().what});
    const auto counted = recount(**records);
    if (!counted) return fail({counted.error().code, tenant.name + ": " + counted.error().what});
    wrong += counted->wrong;
    rows.push_back({{"tenant", tenant.name},
                    {"records", counted->records},
                    {"differences", counted->wrong},
                    {"examples", counted->differences}});
    if (command.json) continue;
    std::printf("%s: %lld records, %s\n", tenant.name.c_str(), static_cast<long long>(counted->records),
                counted->wrong == 0 ? "all sums agree" : (std::to_string(counted->wrong) + " sums differ").c_str());
    for (const std::string& example : counted->differences) std::printf("  %s\n", example.c_str());
  }
  if (command.json) tell({{"tenants", std::move(rows)}, {"ok", wrong == 0}});
  return wrong == 0 ? kDone : kFailed;
}

Exit told(const Transfer& transferred, const StoreCommand& command, const char* verb) {
  if (!transferred) return fail(transferred.error());
  Json rows = Json::array();
  std::int64_t records = 0;
  for (const Transferred& one : *transferred) {
    rows.push_back({{"tenant", one.tenant}, {"records", one.records}});
    records += one.records;
  }
  if (command.json)
    tell({{"tenants", std::move(rows)}, {"records", records}, {"ok", true}});
  else
    std::printf("%s %zu organizations, %lld records; every row compared\n", verb, transferred->size(),
                static_cast<long long>(records));
  return kDone;
}

}  // namespace

Exit run_store(const StoreCommand& command, Desk& desk) {
  Backend& backend = desk.backend;
  switch (command.what) {
    case StoreCommand::Do::migrate: return migrate(backend, command);
    case StoreCommand::Do::check: return check(backend, command);
    case StoreCommand::Do::backup: return told(write_backup(backend, command.file, command.tenant), command, "saved");
    case StoreCommand::Do::restore:
      return told(read_backup(command.file, backend, command.tenant), command, "restored");
    case StoreCommand::Do::copy: break;
  }
  if (command.to == store_of(desk.settings)) return fail(kUsage, "--to is the same store");
  auto to = open_backend(command.to, desk.clock, desk.entropy);
  if (!to) return fail(to.error());
  return told(copy_to(backend, *to, command.tenant), command, "copied");
}

}  // namespace fortium::service
