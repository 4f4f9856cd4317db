// Logging in: a name and a password for a short token and a refresh token, which brings the next pair. Any thread.
//
// An unknown name, a person without a password and a wrong password are one answer and take one time. After kLogins
// wrong ones in kLoginTime an address, and a name, wait; who is locked out that way is told when it ends. Each instance
// counts by itself.
#pragma once

#include "access.h"
#include "passwords.h"
#include "rate_limit.h"
#include "sessions.h"
#include "tokens.h"

namespace fortium::service {

struct Call;

class Auth {
 public:
  Auth(SharedControl& control, Access& access, const Clock& clock, const TokenOptions& tokens);

  Response login(const Call& call);
  Response refresh(const Call& call);
  Response logout(const Request& request, const Credential& who);
  Response profile(const Request& request, const Credential& who);
  Response change_password(const Call& call);
  Response keys(const Request& request);

  Passwords& passwords() { return passwords_; }

 private:
  struct Found {
    std::optional<Tenant> tenant;
    std::optional<Person> person;
  };
  Result<Found> find(std::string_view organization, std::string_view name);
  Response give(const Request& request, const Person& person, const Login& login);
  Result<std::optional<Person>> person_of(const Credential& who);

  SharedControl& control_;
  Access& access_;
  const Clock& clock_;
  const TokenOptions& tokens_;
  Passwords passwords_;
  RateLimit by_address_, by_name_, refreshes_;
};

}  // namespace fortium::service
