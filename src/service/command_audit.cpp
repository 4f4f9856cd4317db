// `fortium-metrics-server audit`: who changed what, and whether the log of it is whole.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "access/audit.h"
#include "commands.h"
#include "fortium/base/json.h"

namespace fortium::service {

namespace {

struct Chain {
  std::string tenant;  // id
  std::string name;
};

Result<std::vector<Chain>> chains(Control& control, const std::string& tenant) {
  if (!tenant.empty()) {
    FM_TRY(const Tenant found, control.tenant(tenant));
    return std::vector<Chain>{{found.id, found.name}};
  }
  std::vector<Chain> all = {{kServiceChain, "(service)"}};
  FM_TRY(const auto tenants, control.tenants());
  for (const Tenant& one : tenants) all.push_back({one.id, one.name});
  return all;
}

Exit list(Audit& audit, const Chain& chain, const AuditCommand& command) {
  const auto lines = audit.page(chain.tenant, std::nullopt, command.limit);
  if (!lines) return fail(lines.error());
  Json rows = Json::array();
  for (const AuditLine& line : *lines) {
    if (command.json)
      rows.push_back(to_json(line));
    else
      std::printf("%lld  %s  %-20s  %s  %s  %s\n", static_cast<long long>(line.seq), to_rfc3339(line.at).c_str(),
                  line.action.c_str(), line.actor.c_str(), line.subject.c_str(), line.detail.c_str());
  }
  if (command.json) tell({{"lines", std::move(rows)}});
  return kDone;
}

Exit verify(Audit& audit, const std::vector<Chain>& all, const AuditCommand& command) {
  Json rows = Json::array();
  bool whole = true;
  for (const Chain& chain : all) {
    const auto head = audit.verify(chain.tenant, command.known);
    if (!head && head.error().code != Errc::corrupt) return fail(head.error());
    whole = whole && head;
    if (command.json)
      rows.push_back({{"tenant", chain.name},
                      {"ok", head.ok()},
                      {"lines", head ? Json(head->lines) : Json()},
                      {"hash", head ? Json(head->hash) : Json()},
                      {"error", head ? Json() : Json(head.error().what)}});
    else if (head)
      std::printf("ok     %6lld lines  %.64s  %s\n", static_cast<long long>(head->lines), head->hash.c_str(),
                  chain.name.c_str());
    else
      std::printf("WRONG  %s: %s\n", chain.name.c_str(), head.error().what.c_str());
  }
  if (command.json) tell({{"ok", whole}, {"chains", std::move(rows)}});
  return whole ? kDone : kPartly;
}

}  // namespace

Exit run_audit(const AuditCommand& command, Desk& desk) {
  const auto all = chains(desk.control, command.tenant);
  if (!all) return fail(all.error());
  Audit audit(desk.control.sql(), desk.clock);
  if (command.what == AuditCommand::Do::list) return list(audit, all->front(), command);
  return verify(audit, *all, command);
}

}  // namespace fortium::service
