// `fortium-metrics-server key`: API keys of organizations.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "access/forms.h"
#include "commands.h"

namespace fortium::service {

namespace {

Exit tell_issued(const Result<Issued>& issued, const std::string& tenant, bool json, WallTime now) {
  if (!issued) return fail(issued.error());
  const Key& key = issued->key;
  if (json) {
    tell(to_json(*issued, tenant, now));
    return kDone;
  }
  std::printf("key      %s\nid       %s\ntenant   %s\nscopes   %s\nexpires  %s\n", issued->text.reveal().c_str(),
              key.id.c_str(), tenant.c_str(), to_text(key.scopes).c_str(),
              key.expires ? to_rfc3339(*key.expires).c_str() : "never");
  std::fprintf(stderr, "the key is shown only now\n");
  return kDone;
}

Exit create(const KeyCommand& command, Desk& desk) {
  const auto tenant = desk.control.tenant(command.tenant);
  if (!tenant) return fail(tenant.error());
  const auto issued = desk.admin.create_key(*tenant, command.scopes, command.life);
  if (issued && command.units)
    if (auto done = desk.admin.set_limit(tenant->id, issued->key.id, nullptr, command.units); !done)
      return fail(done.error());
  return tell_issued(issued, tenant->name, command.json, desk.clock.now());
}

Exit list(const KeyCommand& command, Desk& desk) {
  const WallTime now = desk.clock.now();
  std::string tenant_id;
  if (!command.tenant.empty()) {
    const auto tenant = desk.control.tenant(command.tenant);
    if (!tenant) return fail(tenant.error());
    tenant_id = tenant->id;
  }
  const auto keys = desk.control.keys(tenant_id);
  if (!keys) return fail(keys.error());
  Json rows = Json::array();
  for (const auto& [key, tenant] : *keys) {
    if (command.json)
      rows.push_back(to_json(Holder{key, tenant}, now));
    else
      std::printf("%s  %-7s  %-17s  used %-24s  %s\n", key.id.c_str(), std::string(state_of(key, now)).c_str(),
                  to_text(key.scopes).c_str(), key.used ? to_rfc3339(*key.used).c_str() : "never", tenant.name.c_str());
  }
  if (command.json)
    tell({{"keys", std::move(rows)}});
  else if (keys->empty())
    std::printf("no keys; make one with: fortium-metrics-server key create --tenant NAME\n");
  return kDone;
}

Exit revoke(const Holder& holder, bool json, Desk& desk) {
  const WallTime since = holder.key.revoked.value_or(desk.clock.now());
  if (auto done = desk.admin.revoke_key(holder.key); !done) return fail(done.error());
  if (json)
    tell({{"id", holder.key.id},
          {"tenant", holder.tenant.name},
          {"state", "revoked"},
          {"revoked_at", to_rfc3339(since)}});
  else
    std::printf("%s: revoked\n", holder.key.id.c_str());
  return kDone;
}

}  // namespace

Exit run_key(const KeyCommand& command, Desk& desk) {
  if (command.what == KeyCommand::Do::create) return create(command, desk);
  if (command.what == KeyCommand::Do::list) return list(command, desk);

  const auto holder = desk.control.holder(command.id);
  if (!holder) return fail(holder.error());
  if (!*holder) return fail(kFailed, "there is no such key: name it by its id, as `key list` shows it");
  if (command.what == KeyCommand::Do::revoke) return revoke(**holder, command.json, desk);
  return tell_issued(desk.admin.rotate_key((*holder)->key, command.overlap), (*holder)->tenant.name, command.json,
                     desk.clock.now());
}

}  // namespace fortium::service
