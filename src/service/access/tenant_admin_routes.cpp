#include <nlohmann/json.hpp>

#include "access_routes.h"
#include "administer.h"
#include "forms.h"
#include "names.h"

namespace fortium::service {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr Field kNewTenant[] = {
    {.name = "name", .type = Text{.max_chars = 2 * kMaxNameChars}, .doc = "Of any script, unlike all others."},
};
constexpr Field kChangedTenant[] = {
    {.name = "state", .type = OneOf{kTenantStates}, .doc = "Who is suspended is refused, and keeps everything."},
};
static_assert(well_formed(kNewTenant) && well_formed(kChangedTenant));

constexpr Field kMade[] = {kTenantShape[0],
                           kTenantShape[1],
                           kTenantShape[2],
                           kTenantShape[3],
                           {.name = "key", .type = Text{}, .doc = "Of the scopes ingest, read and admin."}};

Result<Tenant> tenant_of(Control& control, const Call& call) {
  FM_TRY(auto tenant, control.tenant_with_id(call.names[0]));
  if (!tenant) return Error{Errc::not_found, "there is no such organization"};
  return std::move(*tenant);
}

Response list_tenants(Parts& parts, const Call& call) {
  const auto all = administer(parts, call, [&](Control& control, Admin&) { return control.tenants(); });
  if (!all) return store_problem(call.request, all.error());
  std::vector<std::pair<std::string, Json>> rows;
  for (const Tenant& tenant : *all) rows.emplace_back(tenant.id, to_json(tenant));
  return page_of(call, parts.clock.now(), std::move(rows));
}

Response show_tenant(Parts& parts, const Call& call) {
  const auto tenant = administer(parts, call, [&](Control& control, Admin&) { return tenant_of(control, call); });
  if (!tenant) return failed(call.request, tenant.error());
  return done(200, to_json(*tenant));
}

// With a first key, as there would be nobody to make one.
Response create_tenant(Parts& parts, const Call& call) {
  auto read = Fields::read(call, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const std::string name = fields.text("name");
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
  auto read = Fields::read(call, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const std::string state = fields.text("state");
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
      {"GET",
       "/api/v1/admin/tenants",
       kManageTenants,
       Body::none,
       Cost::request,
       &list_tenants,
       "All organizations.",
       kPageQuery,
       {},
       kGivesTenants},
      {"POST",
       "/api/v1/admin/tenants",
       kManageTenants,
       Body::json,
       Cost::request,
       &create_tenant,
       "Makes an organization and its first key, which is shown once.",
       {},
       kNewTenant,
       {Gives::As::data, kMade}},
      {"GET",
       "/api/v1/admin/tenants/{id}",
       kManageTenants,
       Body::none,
       Cost::request,
       &show_tenant,
       "One organization.",
       {},
       {},
       kGivesTenant},
      {"PUT",
       "/api/v1/admin/tenants/{id}",
       kManageTenants,
       Body::json,
       Cost::request,
       &change_tenant,
       "Suspends an organization, or ends that.",
       {},
       kChangedTenant,
       kGivesTenant},
      {"DELETE",
       "/api/v1/admin/tenants/{id}",
       kManageTenants,
       Body::none,
       Cost::request,
       &remove_tenant,
       "Removes an organization and all its records for good.",
       {},
       {},
       kGivesState},
  };
  return kRoutes;
}

}  // namespace fortium::service
