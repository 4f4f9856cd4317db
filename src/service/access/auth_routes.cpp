#include "access_routes.h"
#include "auth.h"

namespace fortium::service {

namespace {

Response login(Parts& parts, const Call& call) { return parts.auth.login(call.request); }
Response refresh(Parts& parts, const Call& call) { return parts.auth.refresh(call.request); }
Response logout(Parts& parts, const Call& call) { return parts.auth.logout(call.request, call.who); }
Response profile(Parts& parts, const Call& call) { return parts.auth.profile(call.request, call.who); }
Response password(Parts& parts, const Call& call) { return parts.auth.change_password(call.request, call.who); }
Response keys(Parts& parts, const Call& call) { return parts.auth.keys(call.request); }

}  // namespace

std::span<const Route> auth_routes() {
  static constexpr Route kRoutes[] = {
      {"POST", "/api/v1/auth/login", 0, Body::json, Cost::nothing, &login,
       "Gives a token and a refresh token for a name and a password."},
      {"POST", "/api/v1/auth/refresh", 0, Body::json, Cost::nothing, &refresh,
       "Gives the next token and refresh token."},
      {"POST", "/api/v1/auth/logout", kAnyPermission, Body::json, Cost::request, &logout,
       "Ends the login of this token."},
      {"GET", "/api/v1/auth/profile", kAnyPermission, Body::none, Cost::request, &profile,
       "Who this credential is of, and what they may."},
      {"PUT", "/api/v1/auth/password", kEditProfile, Body::json, Cost::request, &password,
       "Changes one's own password, and ends all one's logins."},
      {"GET", "/.well-known/jwks.json", 0, Body::none, Cost::nothing, &keys,
       "The public keys that tokens are signed with (RFC 7517)."},
  };
  return kRoutes;
}

}  // namespace fortium::service
