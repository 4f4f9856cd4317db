// What somebody may do: the one table that routes, tests, tokens and documents read. A row is a permission, a column
// who has it: a role of people, or a scope of keys. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keys.h"

namespace fortium::service {

// Or'ed together.
using Permissions = unsigned;
constexpr Permissions kWrite = 1;        // add records; read the ledger of one's own installation
constexpr Permissions kViewOwn = 2;      // one's own records
constexpr Permissions kViewAll = 4;      // every record of the organization
constexpr Permissions kViewSummary = 8;  // what records add up to
constexpr Permissions kViewRecords = kViewOwn | kViewAll;
constexpr Permissions kManage = 16;          // people, keys, settings and audit log of the organization
constexpr Permissions kManageTenants = 32;   // organizations
constexpr Permissions kEditProfile = 64;     // one's own password
constexpr Permissions kAnyPermission = ~0U;  // of a row: whoever has a credential

enum class Role { super_admin, tenant_admin, manager, developer, viewer };

struct Grant {
  Permissions permission;
  std::string_view name;  // as tokens spell it
  std::vector<Role> roles;
  Scopes scopes;
};
std::span<const Grant> grants();

Permissions permissions_of(Scopes scopes);
Permissions permissions_of(Role role);
std::vector<std::string> permission_list(Permissions permissions);
// "metrics.write, metrics.view_all"
std::string permission_names(Permissions permissions);

std::string_view role_name(Role role);
std::optional<Role> find_role(std::string_view name);
// Of a person; super_admin is for keys alone, which only the command line makes.
Result<Role> read_role(std::string_view name);

}  // namespace fortium::service
