// The keys that tokens are signed with: made, rotated and retired by the calendar, shared by all instances of a
// service.
//
// A key signs for kSigningLife. Its successor is published kPublishAhead before it signs, so that who keeps a copy of
// /.well-known/jwks.json has it in time, and a key is known until the last token that it signed has expired. The
// private half is in the store, encrypted if a passphrase is set, and is removed when it signs no more. One instance
// belongs to one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/entropy.h"
#include "fortium/base/secret.h"
#include "jwt.h"
#include "service/store/sql.h"

namespace fortium::service {

constexpr Millis kSigningLife{30LL * 24 * 3'600'000};
constexpr Millis kPublishAhead{24 * 3'600'000};

class SigningKeys {
 public:
  SigningKeys(Sql& sql, const Clock& clock, Entropy& entropy, Secret passphrase)
      : sql_(sql), clock_(clock), entropy_(entropy), passphrase_(std::move(passphrase)) {}

  // The whole token. Makes the keys that are wanted by now.
  Result<std::string> sign(const Claims& claims);
  // Nothing for a key that is not ours, or that no valid token can be of any more.
  Result<std::optional<PublicKey>> find(std::string_view key_id);
  Result<std::vector<PublicKey>> published();
  // From now on another key signs. What the old ones signed stays valid, or ends at once if they leaked.
  enum class Old { stays, ends };
  Result<std::string> rotate(Old old);

 private:
  struct Current {
    std::string id;
    Secret private_pem;
    WallTime until{};
  };
  Result<std::optional<Current>> current();
  Result<std::string> make(WallTime from);

  Sql& sql_;
  const Clock& clock_;
  Entropy& entropy_;
  Secret passphrase_;
};

}  // namespace fortium::service
