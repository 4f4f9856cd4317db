// People of organizations: a name to log in with, a role, and whose records are theirs.
//
// Names are unique in an organization, without regard to case. One instance belongs to one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/entropy.h"
#include "permissions.h"
#include "service/store/control.h"
#include "service/store/sql.h"

namespace fortium::service {

struct Person {
  std::string id;  // UUID
  std::string tenant;
  std::string name;
  std::string label;  // the `user_id` of their records
  Role role = Role::viewer;
  std::string password;  // hash; empty: logs in with none
  WallTime created{};
  std::optional<WallTime> seen;  // the last login
};

class People {
 public:
  People(Sql& sql, const Clock& clock, Entropy& entropy) : sql_(sql), clock_(clock), entropy_(entropy) {}

  // `label`: the name, if empty. conflict: there is one of that name.
  Result<Person> create(std::string_view tenant, std::string_view name, std::string_view label, Role role,
                        std::string_view password_hash);
  Result<std::vector<Person>> all(std::string_view tenant);
  // Of the organization only.
  Result<std::optional<Person>> find(std::string_view tenant, std::string_view id);
  Result<std::optional<Person>> named(std::string_view tenant, std::string_view name);
  Result<void> set_role(const Person& person, Role role);
  // Ends their logins, too.
  Result<void> set_password(const Person& person, std::string_view password_hash);
  Result<void> remove(const Person& person);
  Result<void> note_login(const Person& person);

 private:
  Sql& sql_;
  const Clock& clock_;
  Entropy& entropy_;
};

}  // namespace fortium::service
