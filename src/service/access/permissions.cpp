#include "permissions.h"

#include <algorithm>
#include <array>
#include <utility>

namespace fortium::service {

namespace {

using enum Role;

constexpr std::array<std::pair<Role, std::string_view>, 5> kRoles = {{{super_admin, "super_admin"},
                                                                      {tenant_admin, "tenant_admin"},
                                                                      {manager, "manager"},
                                                                      {developer, "developer"},
                                                                      {viewer, "viewer"}}};

}  // namespace

std::span<const Grant> grants() {
  // The documented matrix. A team is the organization, so a manager's metrics.view_team is metrics.view_all; what is
  // documented as reports.view is dashboard.view.
  static const std::array<Grant, 7> kGrants = {{
      {kWrite, "metrics.write", {super_admin, tenant_admin, manager, developer}, kIngest | kSuper},
      {kViewOwn, "metrics.view_own", {super_admin, tenant_admin, manager, developer}, kRead | kSuper},
      {kViewAll, "metrics.view_all", {super_admin, tenant_admin, manager}, kRead | kSuper},
      {kViewSummary, "dashboard.view", {super_admin, tenant_admin, manager, viewer}, kRead | kSuper},
      {kManage, "user.manage", {super_admin, tenant_admin}, kAdmin | kSuper},
      {kManageTenants, "tenants.manage", {super_admin}, kSuper},
      {kEditProfile, "profile.edit", {super_admin, tenant_admin, manager, developer, viewer}, 0},
  }};
  return kGrants;
}

Permissions permissions_of(Scopes scopes) {
  Permissions all = 0;
  for (const Grant& grant : grants())
    if ((grant.scopes & scopes) != 0) all |= grant.permission;
  return all;
}

Permissions permissions_of(Role role) {
  Permissions all = 0;
  for (const Grant& grant : grants())
    if (std::ranges::find(grant.roles, role) != grant.roles.end()) all |= grant.permission;
  return all;
}

std::vector<std::string> permission_list(Permissions permissions) {
  std::vector<std::string> names;
  for (const Grant& grant : grants())
    if ((permissions & grant.permission) != 0) names.emplace_back(grant.name);
  return names;
}

std::string permission_names(Permissions permissions) {
  std::string text;
  for (const std::string& name : permission_list(permissions)) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string_view role_name(Role role) {
  return std::ranges::find(kRoles, role, &std::pair<Role, std::string_view>::first)->second;
}

std::optional<Role> find_role(std::string_view name) {
  const auto found = std::ranges::find(kRoles, name, &std::pair<Role, std::string_view>::second);
  return found != kRoles.end() ? std::optional(found->first) : std::nullopt;
}

Result<Role> read_role(std::string_view name) {
  const auto role = find_role(name);
  if (!role || *role == super_admin)
    return Error{Errc::invalid, "a role must be one of tenant_admin, manager, developer, viewer"};
  return *role;
}

}  // namespace fortium::service
