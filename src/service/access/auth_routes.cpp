#include "access_routes.h"
#include "auth.h"
#include "fields.h"
#include "passwords.h"
#include "service/route.h"

namespace fortium::service {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr Alias kNames[] = {{"username"}, {"email"}};
constexpr Alias kOrganizations[] = {{"organization_id"}, {"tenant"}};
constexpr Alias kCurrent[] = {{"current_password"}};
// One that is to be compared may have any size: what is wrong with it is no answer to a stranger.
constexpr Text kPassword{.max_chars = kMaxFieldsBytes, .multiline = true};
constexpr Text kNewOne{.max_chars = kMaxPasswordBytes, .multiline = true};

constexpr Field kLogin[] = {
    {.name = "organization",
     .type = Text{},
     .doc = "Name of the organization; by X-Organization-ID, if absent.",
     .need = Need::optional,
     .aliases = kOrganizations},
    {.name = "name", .type = Text{}, .doc = "Who logs in.", .aliases = kNames},
    {.name = "password", .type = kPassword, .doc = "Their password."},
};
constexpr Field kRefresh[] = {
    {.name = "refresh_token", .type = Text{}, .doc = "That of the answer before; it works once."},
};
constexpr Field kNewPassword[] = {
    {.name = "password", .type = kPassword, .doc = "The one so far.", .aliases = kCurrent},
    {.name = "new_password", .type = kNewOne, .doc = "12 bytes or more."},
};
static_assert(well_formed(kLogin) && well_formed(kRefresh) && well_formed(kNewPassword));

constexpr Field kOrganization[] = {
    {.name = "id", .type = Text{}, .doc = "UUID."},
    {.name = "name", .type = Text{}, .doc = "Its name."},
};
constexpr Field kPermission{.name = "permission", .type = Text{}, .doc = "A row of the table of permissions."};
constexpr Field kPermissions{
    .name = "permissions", .type = List{.item = &kPermission}, .doc = "What this credential may."};
constexpr Field kItsOrganization{
    .name = "organization", .type = Object{.fields = kOrganization}, .doc = "The only one that it reaches."};
constexpr Field kUser[] = {
    {.name = "id", .type = Text{}, .doc = "UUID."},
    {.name = "name", .type = Text{}, .doc = "Who logged in."},
    {.name = "user_id", .type = Text{}, .doc = "The user_id of their records."},
    {.name = "role", .type = Text{}, .doc = "What they may, in a word."},
    kPermissions,
    kItsOrganization,
};
constexpr Field kTokens[] = {
    {.name = "access_token", .type = Text{.max_chars = 4096}, .doc = "What requests carry as Bearer."},
    {.name = "token_type", .type = Text{}, .doc = "Bearer."},
    {.name = "expires_in", .type = Integer{.max = INT64_MAX}, .doc = "Seconds."},
    {.name = "refresh_token", .type = Text{}, .doc = "What brings the next pair, once."},
    {.name = "refresh_expires_in", .type = Integer{.max = INT64_MAX}, .doc = "Seconds."},
    {.name = "user", .type = Object{.fields = kUser}, .doc = "Who logged in."},
};
constexpr Field kScope{.name = "scope", .type = Text{}, .doc = "Of a key."};
constexpr Field kProfile[] = {
    {.name = "id", .type = Text{}, .doc = "Of the person or key."},
    {.name = "name", .type = Text{}, .doc = "Of a person.", .need = Need::optional},
    {.name = "user_id", .type = Text{}, .doc = "Of a person's records.", .need = Need::optional},
    {.name = "role", .type = Text{}, .doc = "Of a person.", .need = Need::optional},
    {.name = "scopes", .type = List{.item = &kScope}, .doc = "Of a key.", .need = Need::optional},
    kPermissions,
    kItsOrganization,
};

Response login(Parts& parts, const Call& call) { return parts.auth.login(call); }
Response refresh(Parts& parts, const Call& call) { return parts.auth.refresh(call); }
Response logout(Parts& parts, const Call& call) { return parts.auth.logout(call.request, call.who); }
Response profile(Parts& parts, const Call& call) { return parts.auth.profile(call.request, call.who); }
Response password(Parts& parts, const Call& call) { return parts.auth.change_password(call); }
Response keys(Parts& parts, const Call& call) { return parts.auth.keys(call.request); }

}  // namespace

std::span<const Route> auth_routes() {
  static constexpr Route kRoutes[] = {
      {"POST",
       "/api/v1/auth/login",
       0,
       Body::json,
       Cost::nothing,
       &login,
       "Gives a token and a refresh token for a name and a password.",
       {},
       kLogin,
       {Gives::As::members, kTokens}},
      {"POST",
       "/api/v1/auth/refresh",
       0,
       Body::json,
       Cost::nothing,
       &refresh,
       "Gives the next token and refresh token.",
       {},
       kRefresh,
       {Gives::As::members, kTokens}},
      {"POST", "/api/v1/auth/logout", kAnyPermission, Body::json, Cost::request, &logout,
       "Ends the login of this token."},
      {"GET",
       "/api/v1/auth/profile",
       kAnyPermission,
       Body::none,
       Cost::request,
       &profile,
       "Who this credential is of, and what they may.",
       {},
       {},
       {Gives::As::data, kProfile}},
      {"PUT",
       "/api/v1/auth/password",
       kEditProfile,
       Body::json,
       Cost::request,
       &password,
       "Changes one's own password, and ends all one's logins.",
       {},
       kNewPassword},
      {"GET", "/.well-known/jwks.json", 0, Body::none, Cost::nothing, &keys,
       "The public keys that tokens are signed with (RFC 7517)."},
  };
  return kRoutes;
}

}  // namespace fortium::service
