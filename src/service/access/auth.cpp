#include "auth.h"

#include <nlohmann/json.hpp>

#include "admin.h"
#include "fields.h"
#include "fortium/base/hash.h"
#include "fortium/base/json.h"
#include "names.h"
#include "service/limits.h"
#include "service/route.h"
#include "sessions.h"
#include "signing.h"

namespace fortium::service {

namespace {

constexpr auto kCachedKeys = "public, max-age=300";  // well below kPublishAhead

std::string bucket_of(std::string_view organization, std::string_view name) {
  const Sha256 hash = sha256(folded(organization) + '\x1F' + folded(name));
  return to_hex(hash.data(), 16);
}

Json json_of(const Person& person, std::string_view tenant_name) {
  return {{"id", person.id},
          {"name", person.name},
          {"user_id", person.label},
          {"role", role_name(person.role)},
          {"permissions", permission_list(permissions_of(person.role))},
          {"organization", {{"id", person.tenant}, {"name", tenant_name}}}};
}

}  // namespace

Auth::Auth(SharedControl& control, Access& access, const Clock& clock, const TokenOptions& tokens)
    : control_(control),
      access_(access),
      clock_(clock),
      tokens_(tokens),
      by_address_({.units = kLogins}, clock, kLoginTime),
      by_name_({.units = kLogins}, clock, kLoginTime),
      refreshes_({.units = kRefreshes}, clock) {}

Result<Auth::Found> Auth::find(std::string_view organization, std::string_view name) {
  SystemEntropy entropy;
  return control_.with([&](auto& control) -> Result<Found> {
    Found found;
    auto tenant = control->tenant(organization);
    if (!tenant && tenant.error().code != Errc::not_found) return std::move(tenant).error();
    if (!tenant) return found;
    found.tenant = std::move(*tenant);
    FM_TRY(found.person, People(control->sql(), clock_, entropy).named(found.tenant->id, name));
    return found;
  });
}

Response Auth::login(const Call& call) {
  const Request& request = call.request;
  auto read = Fields::read(call, clock_.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  std::string organization = fields.text("organization");
  if (organization.empty()) organization = request.header("X-Organization-ID");
  const std::string name = fields.text("name");
  const Secret password(fields.text("password"));
  if (organization.empty()) fields.wrong("organization", "is required");
  if (auto refused = fields.refused(request)) return std::move(*refused);

  const std::string bucket = bucket_of(organization, name);
  for (RateLimit* limit : {&by_address_, &by_name_})
    if (const Standing standing = limit->look(limit == &by_name_ ? bucket : address_of(request)); !standing.allowed)
      return too_many(request, standing);
  auto found = find(organization, name);
  if (!found) return store_problem(request, found.error());
  const std::string hash = found->person ? found->person->password : std::string();
  const bool sizes = check_password(password).ok();
  const auto right = passwords_.matches(sizes ? password : Secret("-"), hash);
  if (!right) return store_problem(request, right.error());
  if (!*right || !sizes) {
    (void)by_address_.charge(address_of(request), 1);
    (void)by_name_.charge(bucket, 1);
    if (found->person)
      access_.refusals().note(
          {found->tenant->id, std::string(kUserSubject) + found->person->id, "refused.login", found->person->id},
          request.peer);
    return access_.refuse(request, "wrong_credentials", "organization, name or password is wrong");
  }
  if (found->tenant->suspended) return problem(request, 403, "tenant_suspended", "this organization is suspended");
  SystemEntropy entropy;
  const auto login = control_.with([&](auto& control) {
    Result<Login> opened = Sessions(control->sql(), clock_, entropy).open(found->tenant->id, found->person->id);
    if (opened) (void)People(control->sql(), clock_, entropy).note_login(*found->person);
    return opened;
  });
  if (!login) return store_problem(request, login.error());
  return give(request, *found->person, *login);
}

Response Auth::give(const Request& request, const Person& person, const Login& login) {
  SystemEntropy entropy;
  std::string tenant_name;
  const auto token = control_.with([&](auto& control) -> Result<Token> {
    FM_TRY(const auto tenant, control->tenant_with_id(person.tenant));
    if (tenant) tenant_name = tenant->name;
    return Tokens(*control, clock_, entropy, tokens_).make(person, login.session);
  });
  if (!token) return store_problem(request, token.error());
  return {.body = dump_json({{"success", true},
                             {"access_token", token->text.reveal()},
                             {"token_type", "Bearer"},
                             {"expires_in", kTokenLife.count() / 1000},
                             {"refresh_token", login.refresh.reveal()},
                             {"refresh_expires_in", kRefreshLife.count() / 1000},
                             {"user", json_of(person, tenant_name)}})};
}

Response Auth::refresh(const Call& call) {
  const Request& request = call.request;
  auto read = Fields::read(call, clock_.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const Secret token(fields.text("refresh_token"));
  if (auto refused = fields.refused(request)) return std::move(*refused);

  SystemEntropy entropy;
  const auto known =
      control_.with([&](auto& control) { return Sessions(control->sql(), clock_, entropy).find(token); });
  if (!known) return store_problem(request, known.error());
  // Who is refused for haste keeps a token that works.
  if (*known)
    if (const Standing standing = refreshes_.charge((*known)->session, 1); !standing.allowed)
      return too_many(request, standing);
  Login reused;
  std::optional<Person> person;
  bool suspended = false;
  const auto login = control_.with([&](auto& control) -> Result<Login> {
    Login next;
    FM_TRY(next, Sessions(control->sql(), clock_, entropy).refresh(token, reused));
    FM_TRY(person, People(control->sql(), clock_, entropy).find(next.tenant, next.person));
    FM_TRY(const auto tenant, control->tenant_with_id(next.tenant));
    suspended = !tenant || tenant->suspended;
    return next;
  });
  if (!login && login.error().code == Errc::conflict) {
    const std::string actor = std::string(kUserSubject) + reused.person;
    access_.refusals().note({reused.tenant, actor, "refused.refresh_reused", reused.session}, request.peer);
    access_.forget();
    return access_.refuse(request, "refresh_reused", login.error().what);
  }
  if (!login && login.error().code == Errc::unauthorized)
    return access_.refuse(request, "unknown_refresh_token", login.error().what);
  if (!login) return store_problem(request, login.error());
  if (!person) return access_.refuse(request, "unknown_refresh_token", "whom this login is of is not there any more");
  if (suspended) return problem(request, 403, "tenant_suspended", "this organization is suspended");
  return give(request, *person, *login);
}

Response Auth::logout(const Request& request, const Credential& who) {
  if (who.session.empty())
    return problem(request, 400, "no_login",
                   "this credential is of no login: an API key is ended by its administrator");
  SystemEntropy entropy;
  const auto done =
      control_.with([&](auto& control) { return Sessions(control->sql(), clock_, entropy).end(who.session); });
  if (!done) return store_problem(request, done.error());
  access_.forget();
  return {.body = R"({"success":true})"};
}

Result<std::optional<Person>> Auth::person_of(const Credential& who) {
  if (!who.actor.starts_with(kUserSubject)) return std::optional<Person>();
  SystemEntropy entropy;
  return control_.with([&](auto& control) {
    return People(control->sql(), clock_, entropy).find(who.tenant, who.actor.substr(kUserSubject.size()));
  });
}

Response Auth::profile(const Request& request, const Credential& who) {
  const auto person = person_of(who);
  if (!person) return store_problem(request, person.error());
  Json data = {{"id", who.actor},
               {"scopes", scope_names(who.scopes)},
               {"permissions", permission_list(who.may)},
               {"organization", {{"id", who.tenant}, {"name", who.tenant_name}}}};
  if (*person) {
    data = json_of(**person, who.tenant_name);
    data["permissions"] = permission_list(who.may);
  }
  return {.body = dump_json({{"success", true}, {"data", std::move(data)}})};
}

Response Auth::change_password(const Call& call) {
  const Request& request = call.request;
  const Credential& who = call.who;
  auto read = Fields::read(call, clock_.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const Secret old(fields.text("password"));
  const Secret fresh(fields.text("new_password"));
  if (auto fits = check_password(fresh); !fits && !fresh.empty()) fields.wrong("new_password", fits.error().what);
  if (auto refused = fields.refused(request)) return std::move(*refused);
  const auto person = person_of(who);
  if (!person) return store_problem(request, person.error());
  if (!*person) return problem(request, 403, "no_person", "this credential is of no person");
  if (const Standing standing = by_name_.look(who.actor); !standing.allowed) return too_many(request, standing);
  const auto right = passwords_.matches(old, (*person)->password);
  if (!right) return store_problem(request, right.error());
  if (!*right) {
    (void)by_name_.charge(who.actor, 1);
    return problem(request, 403, "wrong_credentials", "the password is wrong");
  }
  SystemEntropy entropy;
  const auto hash = passwords_.hash(fresh, entropy);
  if (!hash) return store_problem(request, hash.error());
  const auto done = control_.with(
      [&](auto& control) { return Admin(*control, clock_, entropy, who.actor).set_password(**person, *hash); });
  if (!done) return store_problem(request, done.error());
  access_.forget();
  return {.body = R"({"success":true})"};
}

Response Auth::keys(const Request& request) {
  SystemEntropy entropy;
  const auto keys = control_.with(
      [&](auto& control) { return SigningKeys(control->sql(), clock_, entropy, tokens_.passphrase).published(); });
  if (!keys) return store_problem(request, keys.error());
  return {.body = jwks(*keys), .headers = {{"Cache-Control", kCachedKeys}}};
}

}  // namespace fortium::service
