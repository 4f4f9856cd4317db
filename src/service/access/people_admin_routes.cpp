#include <nlohmann/json.hpp>

#include "access_routes.h"
#include "administer.h"
#include "forms.h"

namespace fortium::service {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr Alias kNames[] = {{"username"}, {"email"}};
constexpr Field kPasswordField{.name = "password",
                               .type = Text{.max_chars = kMaxPasswordBytes, .multiline = true},
                               .doc = "12 bytes or more; without one they cannot log in.",
                               .need = Need::optional};
constexpr Field kNewPerson[] = {
    {.name = "name", .type = Text{}, .doc = "What they log in with.", .aliases = kNames},
    {.name = "role", .type = OneOf{kRoleNames}, .doc = "What they may."},
    {.name = "user_id",
     .type = Text{},
     .doc = "The user_id of their records; their name, if absent.",
     .need = Need::optional},
    kPasswordField,
};
constexpr Field kChangedPerson[] = {
    {.name = "role", .type = OneOf{kRoleNames}, .doc = "What they may from now on.", .need = Need::optional},
    kPasswordField,
};
static_assert(well_formed(kNewPerson) && well_formed(kChangedPerson));

constexpr Field kErased[] = {
    {.name = "user_id", .type = Text{}, .doc = "Whose records they were."},
    {.name = "erased", .type = Integer{.max = INT64_MAX}, .doc = "How many records are gone."},
};

Result<Person> person_of(Admin& admin, const Call& call) {
  FM_TRY(auto person, admin.people().find(call.who.tenant, call.names[0]));
  if (!person) return Error{Errc::not_found, "there is no such user"};
  return std::move(*person);
}

Response list_people(Parts& parts, const Call& call) {
  const auto all = administer(parts, call, [&](Control&, Admin& admin) { return admin.people().all(call.who.tenant); });
  if (!all) return store_problem(call.request, all.error());
  std::vector<std::pair<std::string, Json>> rows;
  for (const Person& person : *all) rows.emplace_back(person.id, to_json(person));
  return page_of(call, parts.clock.now(), std::move(rows));
}

Response show_person(Parts& parts, const Call& call) {
  const auto person = administer(parts, call, [&](Control&, Admin& admin) { return person_of(admin, call); });
  if (!person) return failed(call.request, person.error());
  return done(200, to_json(*person));
}

// The hash of a password that was given, or none.
Result<std::string> hash_of(Parts& parts, const Secret& password) {
  if (password.empty()) return std::string();
  SystemEntropy entropy;
  return parts.auth.passwords().hash(password, entropy);
}

Secret password_in(Fields& fields) {
  Secret password(fields.text("password"));
  if (auto fits = check_password(password); !fits && !password.empty()) fields.wrong("password", fits.error().what);
  return password;
}

Response create_person(Parts& parts, const Call& call) {
  auto read = Fields::read(call, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const std::string name = fields.text("name"), label = fields.text("user_id");
  const auto role = find_role(fields.text("role"));
  const Secret password = password_in(fields);
  if (auto refused = fields.refused(call.request)) return std::move(*refused);
  const auto hash = hash_of(parts, password);
  if (!hash) return failed(call.request, hash.error());
  const auto person = administer(parts, call, [&](Control&, Admin& admin) {
    return admin.create_person(call.who.tenant, name, label, *role, *hash);
  });
  if (!person) return failed(call.request, person.error());
  return done(201, to_json(*person));
}

Response change_person(Parts& parts, const Call& call) {
  auto read = Fields::read(call, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const auto role = find_role(fields.text("role"));
  const Secret password = password_in(fields);
  if (auto refused = fields.refused(call.request)) return std::move(*refused);
  const auto hash = hash_of(parts, password);
  if (!hash) return failed(call.request, hash.error());
  const auto person = administer(parts, call, [&](Control& control, Admin& admin) -> Result<Person> {
    FM_TRY(const Person found, person_of(admin, call));
    FM_TRY_(control.sql().write([&]() -> Result<void> {
      if (role) FM_TRY_(admin.set_role(found, *role));
      if (!hash->empty()) FM_TRY_(admin.set_password(found, *hash));
      return {};
    }));
    return person_of(admin, call);
  });
  if (!person) return failed(call.request, person.error());
  return done(200, to_json(*person));
}

Response remove_person(Parts& parts, const Call& call) {
  const auto changed = administer(parts, call, [&](Control&, Admin& admin) -> Result<void> {
    FM_TRY(const Person person, person_of(admin, call));
    return admin.remove_person(person);
  });
  if (!changed) return failed(call.request, changed.error());
  return done(200, {{"id", call.names[0]}, {"state", "deleted"}});
}

// Their records, whether or not they can log in: by the id of a person, else by the `user_id` of records itself.
Response erase_data(Parts& parts, const Call& call) {
  std::string label = call.names[0];
  const auto noted = administer(parts, call, [&](Control&, Admin& admin) -> Result<void> {
    FM_TRY(const auto person, admin.people().find(call.who.tenant, label));
    if (person) label = person->label;
    // Said before it is done: what is gone could not be brought back if the line was not kept.
    return admin.note(call.who.tenant, "user.erase_data", person ? person->id : "", {{"user_id", label}});
  });
  if (!noted) return failed(call.request, noted.error());
  auto records = parts.depot.find(call.who.place);
  if (!records) return store_problem(call.request, records.error());
  const auto erased = (*records)->erase(label);
  if (!erased) return store_problem(call.request, erased.error());
  return done(200, {{"user_id", label}, {"erased", *erased}});
}

}  // namespace

std::span<const Route> people_admin_routes() {
  static constexpr Route kRoutes[] = {
      {"GET",
       "/api/v1/admin/users",
       kManage,
       Body::none,
       Cost::request,
       &list_people,
       "The people of the organization.",
       kPageQuery,
       {},
       kGivesPeople},
      {"POST",
       "/api/v1/admin/users",
       kManage,
       Body::json,
       Cost::request,
       &create_person,
       "Adds a person.",
       {},
       kNewPerson,
       kGivesPerson},
      {"GET",
       "/api/v1/admin/users/{id}",
       kManage,
       Body::none,
       Cost::request,
       &show_person,
       "One person.",
       {},
       {},
       kGivesPerson},
      {"PUT",
       "/api/v1/admin/users/{id}",
       kManage,
       Body::json,
       Cost::request,
       &change_person,
       "Gives a person another role or password.",
       {},
       kChangedPerson,
       kGivesPerson},
      {"DELETE",
       "/api/v1/admin/users/{id}",
       kManage,
       Body::none,
       Cost::request,
       &remove_person,
       "Removes a person; their records stay.",
       {},
       {},
       kGivesState},
      {"DELETE",
       "/api/v1/admin/users/{id}/data",
       kManage,
       Body::none,
       Cost::request,
       &erase_data,
       "Removes the records of a person, by their id or by the user_id of the records.",
       {},
       {},
       {Gives::As::data, kErased}},
  };
  return kRoutes;
}

}  // namespace fortium::service
