// `fortium-metrics-server user`: people of organizations.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "access/forms.h"
#include "access/passwords.h"
#include "commands.h"

namespace fortium::service {

namespace {

// A line of standard input, so that it stands in no list of processes and no history.
Secret read_password() {
  std::string line;
  std::getline(std::cin, line);
  return Secret(std::move(line));
}

Result<std::string> new_hash(Entropy& entropy) {
  Passwords passwords;
  return passwords.hash(read_password(), entropy);
}

Exit show(const Result<Person>& person, bool json) {
  if (!person) return fail(person.error());
  if (json)
    tell(to_json(*person));
  else
    std::printf("name     %s\nid       %s\nrole     %s\nrecords  of user_id %s\n", person->name.c_str(),
                person->id.c_str(), std::string(role_name(person->role)).c_str(), person->label.c_str());
  return kDone;
}

Exit list(Desk& desk, const Tenant& tenant, bool json) {
  const auto all = desk.admin.people().all(tenant.id);
  if (!all) return fail(all.error());
  Json rows = Json::array();
  for (const Person& person : *all) {
    if (json)
      rows.push_back(to_json(person));
    else
      std::printf("%s  %-12s  %s\n", person.id.c_str(), std::string(role_name(person.role)).c_str(),
                  person.name.c_str());
  }
  if (json) tell({{"users", std::move(rows)}});
  return kDone;
}

Exit create(const UserCommand& command, const Tenant& tenant, Desk& desk) {
  std::string hash;
  if (command.password) {
    auto made = new_hash(desk.entropy);
    if (!made) return fail(made.error());
    hash = std::move(*made);
  }
  return show(desk.admin.create_person(tenant.id, command.name, command.label, command.role, hash), command.json);
}

}  // namespace

Result<Person> person_of(Desk& desk, const Tenant& tenant, const std::string& name) {
  People people = desk.admin.people();
  FM_TRY(auto person, people.named(tenant.id, name));
  if (!person) {
    FM_TRY(person, people.find(tenant.id, name));
  }
  if (!person) return Error{Errc::not_found, "there is no such person: name them as `user list` shows them"};
  return std::move(*person);
}

Exit run_user(const UserCommand& command, Desk& desk) {
  const auto tenant = desk.control.tenant(command.tenant);
  if (!tenant) return fail(tenant.error());
  if (command.what == UserCommand::Do::list) return list(desk, *tenant, command.json);
  if (command.what == UserCommand::Do::create) return create(command, *tenant, desk);

  auto person = person_of(desk, *tenant, command.name);
  if (!person) return fail(person.error());
  Result<void> done;
  if (command.what == UserCommand::Do::set_role) {
    done = desk.admin.set_role(*person, command.role);
  } else if (command.what == UserCommand::Do::set_password) {
    const auto hash = new_hash(desk.entropy);
    done = hash ? desk.admin.set_password(*person, *hash) : Result<void>(hash.error());
  } else {
    done = desk.admin.remove_person(*person);
    if (done && command.json) tell({{"id", person->id}, {"state", "deleted"}});
    if (done && !command.json) std::printf("%s: deleted; their records stay\n", person->name.c_str());
    return done ? kDone : fail(done.error());
  }
  if (!done) return fail(done.error());
  return show(person_of(desk, *tenant, person->id), command.json);
}

}  // namespace fortium::service
