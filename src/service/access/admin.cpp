#include "admin.h"

#include <nlohmann/json.hpp>

namespace fortium::service {

namespace {

Json time_or_null(const std::optional<WallTime>& time) { return time ? Json(to_rfc3339(*time)) : Json(); }

}  // namespace

Result<void> Admin::note(std::string_view tenant, std::string_view action, std::string_view subject,
                         const Json& detail) {
  return Audit(control_.sql(), clock_)
      .add(tenant, {.actor = actor_, .action = action, .subject = subject, .detail = dump_json(detail)});
}

Result<Tenant> Admin::create_tenant(std::string_view name) {
  std::optional<Tenant> tenant;
  FM_TRY_(together([&]() -> Result<void> {
    FM_TRY(tenant, control_.create_tenant(name));
    FM_TRY_(note(kServiceChain, "tenant.create", tenant->id, {{"name", tenant->name}}));
    return note(tenant->id, "tenant.create", tenant->id, {{"name", tenant->name}});
  }));
  return std::move(*tenant);
}

Result<void> Admin::set_suspended(const Tenant& tenant, bool suspended) {
  const std::string_view action = suspended ? "tenant.suspend" : "tenant.resume";
  return together([&]() -> Result<void> {
    FM_TRY_(control_.set_suspended(tenant, suspended));
    FM_TRY_(note(kServiceChain, action, tenant.id, Json::object()));
    return note(tenant.id, action, tenant.id, Json::object());
  });
}

Result<void> Admin::remove_tenant(const Tenant& tenant) {
  // Said before it is done: records that are gone could not be brought back if the line was not kept.
  FM_TRY_(note(kServiceChain, "tenant.delete", tenant.id, {{"name", tenant.name}}));
  return control_.remove_tenant(tenant);
}

Result<Issued> Admin::create_key(const Tenant& tenant, Scopes scopes, std::optional<Millis> life) {
  std::optional<Issued> issued;
  FM_TRY_(together([&]() -> Result<void> {
    FM_TRY(issued, control_.create_key(tenant, scopes, life));
    return note(tenant.id, "key.create", issued->key.id,
                {{"scopes", scope_names(scopes)}, {"expires_at", time_or_null(issued->key.expires)}});
  }));
  return std::move(*issued);
}

Result<Issued> Admin::rotate_key(const Key& key, Millis overlap) {
  std::optional<Issued> issued;
  FM_TRY_(together([&]() -> Result<void> {
    FM_TRY(issued, control_.rotate_key(key, overlap));
    FM_TRY(const auto limit, Quotas(control_.sql()).find(key.id));
    if (limit) FM_TRY_(Quotas(control_.sql()).set_units(issued->key.id, limit->quota.units));
    return note(key.tenant, "key.rotate", key.id,
                {{"successor", issued->key.id}, {"overlap_seconds", overlap.count() / 1000}});
  }));
  return std::move(*issued);
}

Result<void> Admin::revoke_key(const Key& key) {
  return together([&]() -> Result<void> {
    FM_TRY_(control_.revoke_key(key));
    return note(key.tenant, "key.revoke", key.id, Json::object());
  });
}

Result<Person> Admin::create_person(std::string_view tenant, std::string_view name, std::string_view label, Role role,
                                    std::string_view password_hash) {
  std::optional<Person> person;
  FM_TRY_(together([&]() -> Result<void> {
    FM_TRY(person, people().create(tenant, name, label, role, password_hash));
    return note(tenant, "user.create", person->id,
                {{"name", person->name}, {"user_id", person->label}, {"role", role_name(role)}});
  }));
  return std::move(*person);
}

Result<void> Admin::set_role(const Person& person, Role role) {
  return together([&]() -> Result<void> {
    FM_TRY_(people().set_role(person, role));
    return note(person.tenant, "user.set_role", person.id, {{"from", role_name(person.role)}, {"to", role_name(role)}});
  });
}

Result<void> Admin::set_password(const Person& person, std::string_view password_hash) {
  return together([&]() -> Result<void> {
    FM_TRY_(people().set_password(person, password_hash));
    return note(person.tenant, "user.set_password", person.id, Json::object());
  });
}

Result<void> Admin::remove_person(const Person& person) {
  return together([&]() -> Result<void> {
    FM_TRY_(people().remove(person));
    return note(person.tenant, "user.delete", person.id, {{"name", person.name}});
  });
}

Result<void> Admin::set_kept(const Kept& kept) {
  return together([&]() -> Result<void> {
    FM_TRY_(keep(control_.sql(), kept));
    return note(kept.tenant, "retention.set", "", {{"kind", kept.kind->name}, {"days", kept.days}});
  });
}

Result<void> Admin::set_limit(std::string_view tenant, std::string_view who, const Tier* tier,
                              std::optional<std::int64_t> units_per_minute) {
  return together([&]() -> Result<void> {
    Quotas quotas(control_.sql());
    FM_TRY_(tier != nullptr    ? quotas.set_tier(who, *tier)
            : units_per_minute ? quotas.set_units(who, *units_per_minute)
                               : quotas.clear(who));
    return note(tenant, "limit.set", who,
                {{"tier", tier != nullptr ? Json(tier->name) : Json()},
                 {"requests_per_minute", units_per_minute ? Json(*units_per_minute) : Json()}});
  });
}

}  // namespace fortium::service
