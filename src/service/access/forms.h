// How organizations, keys and people look as JSON: at the command line and over HTTP alike. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "fortium/base/json.h"
#include "people.h"
#include "quotas.h"
#include "service/route.h"
#include "service/store/control.h"

namespace fortium::service {

Json time_json(const std::optional<WallTime>& time);
std::string_view state_of(const Key& key, WallTime now);

Json to_json(const Tenant& tenant);
Json to_json(const Holder& holder, WallTime now);
// With the key's text: shown once.
Json to_json(const Issued& issued, std::string_view tenant_name, WallTime now);
Json to_json(const Person& person);

// The same as shapes, by which end points are described.
inline constexpr std::string_view kTenantStates[] = {"active", "suspended"};
inline constexpr schema::Field kTenantShape[] = {
    {.name = "id", .type = schema::Text{}, .doc = "UUID."},
    {.name = "name", .type = schema::Text{}, .doc = "As it was given."},
    {.name = "state", .type = schema::OneOf{kTenantStates}, .doc = "Who is suspended is refused."},
    {.name = "created_at", .type = schema::Timestamp{}, .doc = "When it was made."},
};
inline constexpr std::string_view kKeyStates[] = {"active", "expired", "revoked"};
inline constexpr schema::Field kScopeName{
    .name = "scope", .type = schema::Text{}, .doc = "One of ingest, read, admin, super_admin."};
inline constexpr schema::Field kKeyShape[] = {
    {.name = "id", .type = schema::Text{}, .doc = "The part of the key that is no secret."},
    {.name = "tenant", .type = schema::Text{}, .doc = "Name of its organization."},
    {.name = "scopes", .type = schema::List{.item = &kScopeName}, .doc = "What it may."},
    {.name = "state", .type = schema::OneOf{kKeyStates}, .doc = "Whether it is taken."},
    {.name = "created_at", .type = schema::Timestamp{}, .doc = "When it was made."},
    {.name = "expires_at", .type = schema::Timestamp{}, .doc = "When it ends.", .need = schema::Need::optional},
    {.name = "revoked_at", .type = schema::Timestamp{}, .doc = "When it was ended.", .need = schema::Need::optional},
    {.name = "last_used_at",
     .type = schema::Timestamp{},
     .doc = "When it was last used, to the minute.",
     .need = schema::Need::optional},
    {.name = "key",
     .type = schema::Text{},
     .doc = "Its text: in the answer that makes it, and never again.",
     .need = schema::Need::optional},
};
inline constexpr std::string_view kRoleNames[] = {"tenant_admin", "manager", "developer", "viewer"};
inline constexpr schema::Field kPersonShape[] = {
    {.name = "id", .type = schema::Text{}, .doc = "UUID."},
    {.name = "name", .type = schema::Text{}, .doc = "What they log in with."},
    {.name = "user_id", .type = schema::Text{}, .doc = "The user_id of their records."},
    {.name = "role", .type = schema::OneOf{kRoleNames}, .doc = "What they may."},
    {.name = "has_password", .type = schema::Boolean{}, .doc = "Whether they can log in."},
    {.name = "created_at", .type = schema::Timestamp{}, .doc = "When they were added."},
    {.name = "last_login_at",
     .type = schema::Timestamp{},
     .doc = "When they last logged in.",
     .need = schema::Need::optional},
};
inline constexpr schema::Field kEndedShape[] = {
    {.name = "id", .type = schema::Text{}, .doc = "Of what was ended."},
    {.name = "state", .type = schema::Text{}, .doc = "What it is now."},
};
inline constexpr Gives kGivesTenant{Gives::As::data, kTenantShape}, kGivesTenants{Gives::As::rows, kTenantShape};
inline constexpr Gives kGivesKey{Gives::As::data, kKeyShape}, kGivesKeys{Gives::As::rows, kKeyShape};
inline constexpr Gives kGivesPerson{Gives::As::data, kPersonShape}, kGivesPeople{Gives::As::rows, kPersonShape};
inline constexpr Gives kGivesState{Gives::As::data, kEndedShape};

}  // namespace fortium::service
