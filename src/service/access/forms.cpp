#include "forms.h"

#include <nlohmann/json.hpp>

namespace fortium::service {

Json time_json(const std::optional<WallTime>& time) { return time ? Json(to_rfc3339(*time)) : Json(); }

std::string_view state_of(const Key& key, WallTime now) {
  return key.revoked ? "revoked" : key.expired(now) ? "expired" : "active";
}

Json to_json(const Tenant& tenant) {
  return {{"id", tenant.id},
          {"name", tenant.name},
          {"state", tenant.suspended ? "suspended" : "active"},
          {"created_at", to_rfc3339(tenant.created)}};
}

Json to_json(const Holder& holder, WallTime now) {
  const Key& key = holder.key;
  return {{"id", key.id},
          {"tenant", holder.tenant.name},
          {"scopes", scope_names(key.scopes)},
          {"state", state_of(key, now)},
          {"created_at", to_rfc3339(key.created)},
          {"expires_at", time_json(key.expires)},
          {"revoked_at", time_json(key.revoked)},
          {"last_used_at", time_json(key.used)}};
}

Json to_json(const Issued& issued, std::string_view tenant_name, WallTime now) {
  Json json = to_json(Holder{.key = issued.key, .tenant = {.name = std::string(tenant_name)}}, now);
  json["key"] = issued.text.reveal();
  return json;
}

Json to_json(const Person& person) {
  return {{"id", person.id},
          {"name", person.name},
          {"user_id", person.label},
          {"role", role_name(person.role)},
          {"has_password", !person.password.empty()},
          {"created_at", to_rfc3339(person.created)},
          {"last_login_at", time_json(person.seen)}};
}

}  // namespace fortium::service
