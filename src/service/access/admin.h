// Every change of who there is and what they may: made and written into the audit log in one transaction, whoever asks
// for it, the command line or an administrator. One instance belongs to one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "audit.h"
#include "people.h"
#include "quotas.h"
#include "retention.h"
#include "service/store/control.h"

namespace fortium::service {

class Admin {
 public:
  // `actor`: as in the audit log.
  Admin(Control& control, const Clock& clock, Entropy& entropy, std::string actor)
      : control_(control), clock_(clock), entropy_(entropy), actor_(std::move(actor)) {}

  Result<Tenant> create_tenant(std::string_view name);
  Result<void> set_suspended(const Tenant& tenant, bool suspended);
  Result<void> remove_tenant(const Tenant& tenant);

  Result<Issued> create_key(const Tenant& tenant, Scopes scopes, std::optional<Millis> life);
  Result<Issued> rotate_key(const Key& key, Millis overlap);
  Result<void> revoke_key(const Key& key);

  Result<Person> create_person(std::string_view tenant, std::string_view name, std::string_view label, Role role,
                               std::string_view password_hash);
  Result<void> set_role(const Person& person, Role role);
  Result<void> set_password(const Person& person, std::string_view password_hash);
  Result<void> remove_person(const Person& person);

  // Of an organization, or of one of its keys (`who`): a tier, a number, or neither.
  Result<void> set_limit(std::string_view tenant, std::string_view who, const Tier* tier,
                         std::optional<std::int64_t> units_per_minute);

  Result<void> set_kept(const Kept& kept);

  // Anything else that is to be known.
  Result<void> note(std::string_view tenant, std::string_view action, std::string_view subject, const Json& detail);

  People people() { return {control_.sql(), clock_, entropy_}; }

 private:
  template <class Work>
  Result<void> together(Work&& work) {
    return control_.sql().write(std::forward<Work>(work));
  }

  Control& control_;
  const Clock& clock_;
  Entropy& entropy_;
  const std::string actor_;
};

}  // namespace fortium::service
