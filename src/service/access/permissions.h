// What somebody may do: the one list that routes, roles of people and scopes of keys are written in. Pure; any thread.
#pragma once

#include <string>

#include "keys.h"

namespace fortium::service {

// Or'ed together.
using Permissions = unsigned;
constexpr Permissions kWrite = 1;        // add records; read the ledger of one's own installation
constexpr Permissions kViewOwn = 2;      // one's own records
constexpr Permissions kViewAll = 4;      // every record of the organization
constexpr Permissions kViewSummary = 8;  // what records add up to
constexpr Permissions kViewRecords = kViewOwn | kViewAll;
constexpr Permissions kManage = 16;         // people, keys, settings and audit log of the organization
constexpr Permissions kManageTenants = 32;  // organizations

Permissions permissions_of(Scopes scopes);
// "metrics.write, metrics.view_all"
std::string permission_names(Permissions permissions);

}  // namespace fortium::service
