#include <cstdio>
#include <nlohmann/json.hpp>

#include "access/admin.h"
#include "access/forms.h"
#include "commands.h"
#include "fortium/base/json.h"
#include "store/backend.h"

namespace fortium::service {

namespace {

void tell(const Json& json) { std::printf("%s\n", dump_json(json).c_str()); }

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

Exit create(Control& control, Admin& admin, const KeyCommand& command, WallTime now) {
  const auto tenant = control.tenant(command.tenant);
  if (!tenant) return fail(tenant.error());
  const auto issued = admin.create_key(*tenant, command.scopes, command.life);
  if (issued && command.units)
    if (auto done = admin.set_limit(tenant->id, issued->key.id, nullptr, command.units); !done)
      return fail(done.error());
  return tell_issued(issued, tenant->name, command.json, now);
}

Exit list(Control& control, const KeyCommand& command, WallTime now) {
  std::string tenant_id;
  if (!command.tenant.empty()) {
    const auto tenant = control.tenant(command.tenant);
    if (!tenant) return fail(tenant.error());
    tenant_id = tenant->id;
  }
  const auto keys = control.keys(tenant_id);
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

Exit revoke(Admin& admin, const Holder& holder, bool json, WallTime now) {
  const WallTime since = holder.key.revoked.value_or(now);
  if (auto done = admin.revoke_key(holder.key); !done) return fail(done.error());
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

Exit run_key(const KeyCommand& command) {
  const SystemClock clock;
  SystemEntropy entropy;
  auto opened = open_backend(command.store, clock, entropy);
  if (!opened) return fail(opened.error());
  Control& control = *opened->control;
  Admin admin(control, clock, entropy, kCommandLine);
  if (command.what == KeyCommand::Do::create) return create(control, admin, command, clock.now());
  if (command.what == KeyCommand::Do::list) return list(control, command, clock.now());

  const auto holder = control.holder(command.id);
  if (!holder) return fail(holder.error());
  if (!*holder) return fail(kFailed, "there is no such key: name it by its id, as `key list` shows it");
  if (command.what == KeyCommand::Do::revoke) return revoke(admin, **holder, command.json, clock.now());
  return tell_issued(admin.rotate_key((*holder)->key, command.overlap), (*holder)->tenant.name, command.json,
                     clock.now());
}

}  // namespace fortium::service
