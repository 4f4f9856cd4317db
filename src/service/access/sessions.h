// Logins of people: each a chain of refresh tokens, every one of which works once.
//
// A token that is shown a second time was copied: then the whole login ends, for the thief and for the owner, who logs
// in again. Only hashes are kept. One instance belongs to one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fortium/base/entropy.h"
#include "fortium/base/secret.h"
#include "service/store/sql.h"

namespace fortium::service {

constexpr Millis kRefreshLife{7LL * 24 * 3'600'000};  // of a token that was not used

struct Login {
  std::string session;  // id
  std::string tenant, person;
  Secret refresh;  // the next token
};

class Sessions {
 public:
  Sessions(Sql& sql, const Clock& clock, Entropy& entropy) : sql_(sql), clock_(clock), entropy_(entropy) {}

  Result<Login> open(std::string_view tenant, std::string_view person);
  // Whose token that is, used before or not; nothing: it is unknown, or its login has ended. `refresh` is empty.
  Result<std::optional<Login>> find(const Secret& token);
  // The next token for this one. unauthorized: it is unknown, or its login has ended. conflict: it was used before, by
  // whom `reused` says.
  Result<Login> refresh(const Secret& token, Login& reused);
  Result<bool> alive(std::string_view session);
  Result<void> end(std::string_view session);
  Result<void> end_all(std::string_view person);

 private:
  Result<Secret> add_token(std::string_view session);

  Sql& sql_;
  const Clock& clock_;
  Entropy& entropy_;
};

}  // namespace fortium::service
