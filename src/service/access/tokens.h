// Short-lived tokens for people and keys: who they are for, and how they are made.
#pragma once

#include <string>

#include "jwt.h"
#include "people.h"
#include "service/store/control.h"

namespace fortium::service {

struct TokenOptions {
  std::string issuer = "fortium-metrics-service";
  std::string audience = "fortium-client";
  Secret passphrase;  // of the signing keys in the store; empty: they are kept as they are
};

struct Token {
  Secret text;
  WallTime expires{};
};

constexpr std::string_view kUserSubject = "user:";
constexpr std::string_view kKeySubject = "key:";

class Tokens {
 public:
  // For one thread; all must outlive it.
  Tokens(Control& control, const Clock& clock, Entropy& entropy, const TokenOptions& options)
      : control_(control), clock_(clock), entropy_(entropy), options_(options) {}

  // `session`: of a login; empty without one.
  Result<Token> make(const Person& person, std::string_view session);
  // Ends with the key, if that is sooner.
  Result<Token> make(const Key& key);

 private:
  Result<Token> make(Claims claims, Permissions may);

  Control& control_;
  const Clock& clock_;
  Entropy& entropy_;
  const TokenOptions& options_;
};

}  // namespace fortium::service
