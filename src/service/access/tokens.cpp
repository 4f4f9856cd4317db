#include "tokens.h"

#include <algorithm>

#include "signing.h"

namespace fortium::service {

Result<Token> Tokens::make(const Person& person, std::string_view session) {
  return make({.subject = std::string(kUserSubject) + person.id,
               .tenant = person.tenant,
               .role = std::string(role_name(person.role)),
               .session = std::string(session)},
              permissions_of(person.role));
}

Result<Token> Tokens::make(const Key& key) {
  const WallTime now = clock_.now();
  if (key.revoked || key.expired(now)) return Error{Errc::conflict, "the key was revoked or has expired"};
  return make({.subject = std::string(kKeySubject) + key.id,
               .tenant = key.tenant,
               .role = "api_key",
               .expires = key.expires.value_or(WallTime::max())},
              permissions_of(key.scopes));
}

Result<Token> Tokens::make(Claims claims, Permissions may) {
  claims.issuer = options_.issuer;
  claims.audience = options_.audience;
  claims.permissions = permission_list(may);
  // Tokens count in whole seconds.
  claims.issued = std::chrono::floor<std::chrono::seconds>(clock_.now());
  const WallTime latest = claims.issued + kTokenLife;
  claims.expires = claims.expires == WallTime() ? latest : std::min(latest, claims.expires);
  claims.id = uuid7(claims.issued, entropy_);
  SigningKeys keys(control_.sql(), clock_, entropy_, options_.passphrase);
  FM_TRY(std::string text, keys.sign(claims));
  return Token{Secret(std::move(text)), claims.expires};
}

}  // namespace fortium::service
