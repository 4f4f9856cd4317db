// `fortium-metrics-server tenant`: organizations.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "access/forms.h"
#include "commands.h"
#include "fortium/metrics/kind.h"

namespace fortium::service {

namespace {

void tell_row(const Tenant& tenant) {
  std::printf("%s  %-9s  %s  %s\n", tenant.id.c_str(), tenant.suspended ? "suspended" : "active",
              to_rfc3339(tenant.created).c_str(), tenant.name.c_str());
}

Exit create(Admin& admin, const TenantCommand& command) {
  const auto tenant = admin.create_tenant(command.name);
  if (!tenant) return fail(tenant.error());
  if (command.json)
    tell(to_json(*tenant));
  else
    std::printf("created the organization \"%s\" (%s)\nnext: fortium-metrics-server key create --tenant '%s'\n",
                tenant->name.c_str(), tenant->id.c_str(), tenant->name.c_str());
  return kDone;
}

Exit list(Control& control, bool json) {
  const auto tenants = control.tenants();
  if (!tenants) return fail(tenants.error());
  if (json) {
    Json rows = Json::array();
    for (const Tenant& tenant : *tenants) rows.push_back(to_json(tenant));
    tell({{"tenants", std::move(rows)}});
  } else {
    for (const Tenant& tenant : *tenants) tell_row(tenant);
    if (tenants->empty()) std::printf("no organizations; make one with: fortium-metrics-server tenant create NAME\n");
  }
  return kDone;
}

// How many records of each kind, from the ledger, so that it is instant.
Result<Json> records_of(Depot& depot, const Tenant& tenant) {
  Json by_kind = Json::object();
  std::int64_t total = 0;
  FM_TRY(const auto records, depot.find(tenant.place));
  FM_TRY_(records->ask([&](metrics::Reader& reader) -> Result<void> {
    FM_TRY(const auto counts, reader.counts());
    for (const metrics::Kind& kind : metrics::kinds()) {
      by_kind[kind.name] = counts[metrics::index_of(kind)];
      total += counts[metrics::index_of(kind)];
    }
    return {};
  }));
  return Json{{"total", total}, {"by_kind", std::move(by_kind)}};
}

Exit show(const TenantCommand& command, const Tenant& tenant, Desk& desk) {
  const auto keys = desk.control.keys(tenant.id);
  if (!keys) return fail(keys.error());
  const auto records = records_of(*desk.backend.depot, tenant);
  if (!records) return fail(records.error());
  if (command.json) {
    Json json = to_json(tenant);
    json["keys"] = keys->size();
    json["records"] = *records;
    tell(json);
    return kDone;
  }
  std::printf("name     %s\nid       %s\nstate    %s\ncreated  %s\nkeys     %zu\nrecords  %lld\n", tenant.name.c_str(),
              tenant.id.c_str(), tenant.suspended ? "suspended" : "active", to_rfc3339(tenant.created).c_str(),
              keys->size(), static_cast<long long>((*records)["total"].get<std::int64_t>()));
  return kDone;
}

Exit change(const Result<void>& done, const TenantCommand& command, const Tenant& tenant, std::string_view state) {
  if (!done) return fail(done.error());
  if (command.json)
    tell({{"id", tenant.id}, {"name", tenant.name}, {"state", state}});
  else
    std::printf("%s: %s\n", tenant.name.c_str(), std::string(state).c_str());
  return kDone;
}

}  // namespace

Exit run_tenant(const TenantCommand& command, Desk& desk) {
  Admin& admin = desk.admin;
  if (command.what == TenantCommand::Do::create) return create(admin, command);
  if (command.what == TenantCommand::Do::list) return list(desk.control, command.json);

  const auto tenant = desk.control.tenant(command.name);
  if (!tenant) return fail(tenant.error());
  switch (command.what) {
    case TenantCommand::Do::create:
    case TenantCommand::Do::list: break;
    case TenantCommand::Do::show: return show(command, *tenant, desk);
    case TenantCommand::Do::suspend: return change(admin.set_suspended(*tenant, true), command, *tenant, "suspended");
    case TenantCommand::Do::resume: return change(admin.set_suspended(*tenant, false), command, *tenant, "active");
    case TenantCommand::Do::remove: return change(admin.remove_tenant(*tenant), command, *tenant, "deleted");
  }
  return kFailed;
}

}  // namespace fortium::service
