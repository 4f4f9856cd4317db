#include <nlohmann/json.hpp>

#include "access_routes.h"
#include "administer.h"
#include "forms.h"

namespace fortium::service {

namespace {

Result<Tenant> tenant_of(Control& control, const Call& call) {
  FM_TRY(auto tenant, control.tenant_with_id(call.names[0]));
  if (!tenant) return Error{Errc::not_found, "there is no such organization"};
  return std::move(*tenant);
}

Response list_tenants(Parts& parts, const Call& call) {
  const auto all = administer(parts, call, [&](Control& control, Admin&) { return control.tenants(); });
  if (!all) return store_problem(call.request, all.error());
  Json rows = Json::array();
  for (const Tenant& tenant : *all) rows.push_back(to_json(tenant));
  return done(200, std::move(rows));
}

Response show_tenant(Parts& parts, const Call& call) {
  const auto tenant = administer(parts, call, [&](Control& control, Admin&) { return tenant_of(control, call); });
  if (!tenant) return failed(call.request, tenant.error());
  return done(200, to_json(*tenant));
}

// With a first key, as there would be nobody to make one.
Response create_tenant(Parts& parts, const Call& call) {
  auto read = Fields::read(call.request);
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const std::string name = fields.needed({"name"});
  if (auto refused = fields.refused(call.request)) return std::move(*refused);
  const auto made = administer(parts, call, [&](Control&, Admin& admin) -> Result<Json> {
    FM_TRY(const Tenant tenant, admin.create_tenant(name));
    FM_TRY(const Issued issued, admin.create_key(tenant, kGivenHere, std::nullopt));
    Json json = to_json(tenant);
    json["key"] = issued.text.reveal();
    return json;
  });
  if (!made) return failed(call.request, made.error());
  return done(201, *made);
}

Response change_tenant(Parts& parts, const Call& call) {
  auto read = Fields::read(call.request);
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const std::string state = fields.needed({"state"});
  if (!state.empty() && state != "active" && state != "suspended")
    fields.wrong("state", "must be one of active, suspended");
  if (auto refused = fields.refused(call.request)) return std::move(*refused);
  const auto tenant = administer(parts, call, [&](Control& control, Admin& admin) -> Result<Tenant> {
    FM_TRY(const Tenant found, tenant_of(control, call));
    FM_TRY_(admin.set_suspended(found, state == "suspended"));
    return tenant_of(control, call);
  });
  if (!tenant) return failed(call.request, tenant.error());
  return done(200, to_json(*tenant));
}

Response remove_tenant(Parts& parts, const Call& call) {
  const auto changed = administer(parts, call, [&](Control& control, Admin& admin) -> Result<void> {
    FM_TRY(const Tenant tenant, tenant_of(control, call));
    return admin.remove_tenant(tenant);
  });
  if (!changed) return failed(call.request, changed.error());
  return done(200, {{"id", call.names[0]}, {"state", "deleted"}});
}

}  // namespace

std::span<const Route> tenant_admin_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/api/v1/admin/tenants", kManageTenants, Body::none, Cost::request, &list_tenants, "All organizations."},
      {"POST", "/api/v1/admin/tenants", kManageTenants, Body::json, Cost::request, &create_tenant,
       "Makes an organization and its first key, which is shown once."},
      {"GET", "/api/v1/admin/tenants/{id}", kManageTenants, Body::none, Cost::request, &show_tenant,
       "One organization."},
      {"PUT", "/api/v1/admin/tenants/{id}", kManageTenants, Body::json, Cost::request, &change_tenant,
       "Suspends an organization, or ends that."},
      {"DELETE", "/api/v1/admin/tenants/{id}", kManageTenants, Body::none, Cost::request, &remove_tenant,
       "Removes an organization and all its records for good."},
  };
  return kRoutes;
}

}  // namespace fortium::service
