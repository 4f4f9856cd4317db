#include "people.h"

#include "names.h"
#include "sessions.h"

namespace fortium::service {

namespace {

constexpr std::string_view kAll =
    "SELECT id, tenant, name, label, role, password, created_at, last_login_at FROM people "
    "WHERE tenant = $1 ORDER BY folded";
constexpr std::string_view kById =
    "SELECT id, tenant, name, label, role, password, created_at, last_login_at FROM people "
    "WHERE tenant = $1 AND id = $2";
constexpr std::string_view kByName =
    "SELECT id, tenant, name, label, role, password, created_at, last_login_at FROM people "
    "WHERE tenant = $1 AND folded = $2";

Result<Person> person_of(const schema::Row& row) {
  FM_TRY(const Role role, read_role(text_at(row, 4)));
  return Person{.id = text_at(row, 0),
                .tenant = text_at(row, 1),
                .name = text_at(row, 2),
                .label = text_at(row, 3),
                .role = role,
                .password = text_at(row, 5),
                .created = time_at(row, 6),
                .seen = maybe_time_at(row, 7)};
}

Result<std::optional<Person>> one_of(const Result<Rows>& found) {
  if (!found) return found.error();
  if (found->empty()) return std::optional<Person>();
  FM_TRY(Person person, person_of(found->rows.front()));
  return std::optional(std::move(person));
}

Result<void> changed_one(const Result<Rows>& done) {
  if (!done) return done.error();
  if (done->changed == 0) return Error{Errc::not_found, "there is no such person"};
  return {};
}

}  // namespace

Result<Person> People::create(std::string_view tenant, std::string_view name, std::string_view label, Role role,
                              std::string_view password_hash) {
  Person person{
      .tenant = std::string(tenant), .role = role, .password = std::string(password_hash), .created = clock_.now()};
  FM_TRY(person.name, read_name(name));
  FM_TRY(person.label, read_name(label.empty() ? name : label));
  person.id = uuid7(person.created, entropy_);
  FM_TRY_(sql_.write([&]() -> Result<void> {
    FM_TRY(const Rows there, sql_.run("SELECT id FROM tenants WHERE id = $1", tenant));
    if (there.empty()) return Error{Errc::not_found, "there is no such organization"};
    FM_TRY(const auto taken, named(tenant, person.name));
    if (taken) return Error{Errc::conflict, "there is a person of this name"};
    FM_TRY_(
        sql_.run("INSERT INTO people (id, tenant, name, folded, label, role, password, created_at) "
                 "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                 person.id, person.tenant, person.name, folded(person.name), person.label, role_name(role),
                 person.password, person.created));
    return {};
  }));
  return person;
}

Result<std::vector<Person>> People::all(std::string_view tenant) {
  FM_TRY(const Rows found, sql_.run(kAll, tenant));
  std::vector<Person> people;
  for (const schema::Row& row : found.rows) {
    FM_TRY(Person person, person_of(row));
    people.push_back(std::move(person));
  }
  return people;
}

Result<std::optional<Person>> People::find(std::string_view tenant, std::string_view id) {
  return one_of(sql_.run(kById, tenant, id));
}

Result<std::optional<Person>> People::named(std::string_view tenant, std::string_view name) {
  return one_of(sql_.run(kByName, tenant, folded(name)));
}

Result<void> People::set_role(const Person& person, Role role) {
  return sql_.write(
      [&] { return changed_one(sql_.run("UPDATE people SET role = $1 WHERE id = $2", role_name(role), person.id)); });
}

Result<void> People::set_password(const Person& person, std::string_view password_hash) {
  return sql_.write([&]() -> Result<void> {
    FM_TRY_(Sessions(sql_, clock_, entropy_).end_all(person.id));
    return changed_one(sql_.run("UPDATE people SET password = $1 WHERE id = $2", password_hash, person.id));
  });
}

Result<void> People::remove(const Person& person) {
  return sql_.write([&]() -> Result<void> {
    FM_TRY_(Sessions(sql_, clock_, entropy_).end_all(person.id));
    return changed_one(sql_.run("DELETE FROM people WHERE id = $1", person.id));
  });
}

Result<void> People::note_login(const Person& person) {
  return sql_.write([&] {
    return changed_one(sql_.run("UPDATE people SET last_login_at = $1 WHERE id = $2", clock_.now(), person.id));
  });
}

}  // namespace fortium::service
