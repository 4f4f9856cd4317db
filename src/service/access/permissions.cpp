#include "permissions.h"

#include <array>
#include <utility>

namespace fortium::service {

namespace {

constexpr std::array<std::pair<Permissions, std::string_view>, 6> kNames = {{{kWrite, "metrics.write"},
                                                                             {kViewOwn, "metrics.view_own"},
                                                                             {kViewAll, "metrics.view_all"},
                                                                             {kViewSummary, "dashboard.view"},
                                                                             {kManage, "organization.manage"},
                                                                             {kManageTenants, "tenants.manage"}}};

}  // namespace

Permissions permissions_of(Scopes scopes) {
  Permissions all = 0;
  if ((scopes & kIngest) != 0) all |= kWrite;
  if ((scopes & kRead) != 0) all |= kViewOwn | kViewAll | kViewSummary;
  if ((scopes & kAdmin) != 0) all |= kManage;
  return all;
}

std::string permission_names(Permissions permissions) {
  std::string text;
  for (const auto& [one, name] : kNames)
    if ((permissions & one) != 0) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

}  // namespace fortium::service
