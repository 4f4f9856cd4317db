// Who asks, and may they: from the Authorization header to an organization, permissions and a person.
//
// The organization comes from the credential and from nothing else. A credential is an API key, looked up by id and
// compared in constant time, or a token that this service signed; what a token says its bearer may is cut by what the
// store says now. What was looked up is remembered for kCredentialLife, so that a revocation, a role that changed or a
// logout is effective within seconds, on every instance. Any thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>

#include "fortium/base/clock.h"
#include "fortium/base/guarded.h"
#include "permissions.h"
#include "rate_limit.h"
#include "refusals.h"
#include "service/http/http.h"
#include "service/store/control.h"
#include "tokens.h"

namespace fortium::service {

struct Credential {
  std::string tenant;  // id
  std::string tenant_name;
  std::string place;  // of its records
  Scopes scopes = 0;  // of a key
  Permissions may = 0;
  std::string person;      // user_id of who asks; empty: a program
  std::string actor;       // for the audit log: "key:<id>" or "user:<id>"
  std::string session;     // of a login
  bool own_limit = false;  // a key with a rate limit of its own
};

using SharedControl = Guarded<std::unique_ptr<Control>>;

class Access {
 public:
  // `limit`: of organizations; told what each may. All must outlive it.
  Access(SharedControl& control, RateLimit& limit, const Clock& clock, const TokenOptions& tokens);

  // The credential if it has any of the permissions, or the refusal: 401, 403, and 429 for an address that keeps
  // guessing.
  std::variant<Credential, Response> check(const Request& request, Permissions any_of);
  // What a key with a limit of its own has left.
  Standing charge_key(const Credential& who) { return keys_.charge(who.actor, 1); }
  // By what work for one organization is told from that of others, before anything is checked: without a question to
  // the store, so it may be wrong about who comes for the first time.
  std::string lane(const Request& request);
  // 401, counted against the address.
  Response refuse(const Request& request, std::string_view code, std::string_view message);
  Refusals& refusals() { return refusals_; }
  // What is known of a person or key is asked for again.
  void forget();
  // Writes down which keys were used, and what was refused.
  void rest();

 private:
  // What the store says of the bearer of a credential.
  struct Bearer {
    Credential who;
    Tenant tenant;
    std::string role;
    std::optional<Key> key;
    bool logged_out = false;
    std::optional<Quota> limit, key_limit;
  };
  struct Known {
    Bearer bearer;
    SteadyTime until{};
  };
  using Cache = std::unordered_map<std::string, Known>;
  struct KnownKey {
    PublicKey key;
    SteadyTime until{};
  };
  using Keyring = std::unordered_map<std::string, KnownKey>;
  using Found = Result<std::optional<Bearer>>;

  std::variant<Bearer, Response> by_key(const Request& request, std::string_view text);
  std::variant<Bearer, Response> by_token(const Request& request, std::string_view text);
  std::optional<Response> refuse_key(const Request& request, const Bearer& bearer);
  Response refuse_known(const Request& request, const Bearer& bearer, int status, std::string_view code,
                        std::string_view message);

  Found bearer(const std::string& subject, const std::string& tenant, const std::string& session);
  static Found look_up(Control& control, const std::string& subject, const std::string& tenant,
                       const std::string& session, const Clock& clock, Entropy& entropy);
  Result<std::optional<PublicKey>> public_key(std::string_view id);
  void note_used(const Key& key);

  SharedControl& control_;
  RateLimit& limit_;
  const Clock& clock_;
  const TokenOptions& tokens_;
  RateLimit strangers_;
  RateLimit keys_;
  Refusals refusals_;
  Guarded<Cache> cache_;
  Guarded<Keyring> keyring_;
  Guarded<std::unordered_set<std::string>> used_;
};

// What one address is for limits: of IPv6, the network that one customer gets.
std::string address_of(const Request& request);

// 429 in its documented form.
Response too_many(const Request& request, const Standing& standing);
// 503, 507 or 500 for an error of a store.
Response store_problem(const Request& request, const Error& error);

}  // namespace fortium::service
