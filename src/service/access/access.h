// Who asks, and may they: from the Authorization header to an organization and the scopes of a key.
//
// The organization comes from the key and from nothing else. Keys are looked up by id, compared in constant time, and
// remembered for kCredentialLife, so that a revocation is effective within seconds. Any thread.
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
#include "service/http/http.h"
#include "service/store/control.h"

namespace fortium::service {

struct Credential {
  std::string tenant;  // id
  std::string tenant_name;
  std::string place;  // of its records
  Scopes scopes = 0;
  Permissions may = 0;
  std::string person;  // user_id of who asks; empty: a program
};

using SharedControl = Guarded<std::unique_ptr<Control>>;

class Access {
 public:
  Access(SharedControl& control, const Clock& clock);

  // The credential if it has any of the permissions, or the refusal: 401, 403, and 429 for an address that keeps
  // guessing.
  std::variant<Credential, Response> check(const Request& request, Permissions any_of);
  // Writes down which keys were used.
  void rest();

 private:
  struct Known {
    Holder holder;
    SteadyTime until{};
  };
  using Cache = std::unordered_map<std::string, Known>;

  Result<std::optional<Holder>> holder(const std::string& key_id);
  void note_used(const Key& key);
  Response refuse(const Request& request, std::string_view code, std::string_view message);

  SharedControl& control_;
  const Clock& clock_;
  RateLimit strangers_;
  Guarded<Cache> cache_;
  Guarded<std::unordered_set<std::string>> used_;
};

// 429 in its documented form.
Response too_many(const Request& request, const Standing& standing);
// 503, 507 or 500 for an error of a store.
Response store_problem(const Request& request, const Error& error);

}  // namespace fortium::service
