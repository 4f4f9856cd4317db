// `fortium-metrics-server user`: people of organizations.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "access/admin.h"
#include "access/forms.h"
#include "access/passwords.h"
#include "commands.h"
#include "fortium/base/json.h"
#include "store/backend.h"

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

Exit tell(const Result<Person>& person, bool json) {
  if (!person) return fail(person.error());
  if (json)
    std::printf("%s\n", dump_json(to_json(*person)).c_str());
  else
    std::printf("name     %s\nid       %s\nrole     %s\nrecords  of user_id %s\n", person->name.c_str(),
                person->id.c_str(), std::string(role_name(person->role)).c_str(), person->label.c_str());
  return kDone;
}

Exit list(People& people, const Tenant& tenant, bool json) {
  const auto all = people.all(tenant.id);
  if (!all) return fail(all.error());
  Json rows = Json::array();
  for (const Person& person : *all) {
    if (json)
      rows.push_back(to_json(person));
    else
      std::printf("%s  %-12s  %s\n", person.id.c_str(), std::string(role_name(person.role)).c_str(),
                  person.name.c_str());
  }
  if (json) std::printf("%s\n", dump_json({{"users", std::move(rows)}}).c_str());
  return kDone;
}

Exit create(Admin& admin, const Tenant& tenant, const UserCommand& command, Entropy& entropy) {
  std::string hash;
  if (command.password) {
    auto made = new_hash(entropy);
    if (!made) return fail(made.error());
    hash = std::move(*made);
  }
  return tell(admin.create_person(tenant.id, command.name, command.label, command.role, hash), command.json);
}

Result<Person> find(People& people, const Tenant& tenant, const std::string& name) {
  FM_TRY(auto person, people.named(tenant.id, name));
  if (!person) {
    FM_TRY(person, people.find(tenant.id, name));
  }
  if (!person) return Error{Errc::not_found, "there is no such person: name them as `user list` shows them"};
  return std::move(*person);
}

}  // namespace

Exit run_user(const UserCommand& command) {
  const SystemClock clock;
  SystemEntropy entropy;
  auto opened = open_backend(command.store, clock, entropy);
  if (!opened) return fail(opened.error());
  Control& control = *opened->control;
  Admin admin(control, clock, entropy, kCommandLine);
  People people(control.sql(), clock, entropy);
  const auto tenant = control.tenant(command.tenant);
  if (!tenant) return fail(tenant.error());
  if (command.what == UserCommand::Do::list) return list(people, *tenant, command.json);
  if (command.what == UserCommand::Do::create) return create(admin, *tenant, command, entropy);

  auto person = find(people, *tenant, command.name);
  if (!person) return fail(person.error());
  Result<void> done;
  if (command.what == UserCommand::Do::set_role) {
    done = admin.set_role(*person, command.role);
  } else if (command.what == UserCommand::Do::set_password) {
    const auto hash = new_hash(entropy);
    done = hash ? admin.set_password(*person, *hash) : Result<void>(hash.error());
  } else {
    done = admin.remove_person(*person);
    if (done && command.json) std::printf("%s\n", dump_json({{"id", person->id}, {"state", "deleted"}}).c_str());
    if (done && !command.json) std::printf("%s: deleted; their records stay\n", person->name.c_str());
    return done ? kDone : fail(done.error());
  }
  if (!done) return fail(done.error());
  return tell(find(people, *tenant, person->id), command.json);
}

}  // namespace fortium::service
