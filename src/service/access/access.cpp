#include "access.h"

#include <arpa/inet.h>

#include <algorithm>

#include "fortium/base/hash.h"
#include "fortium/base/json.h"
#include "fortium/base/log.h"
#include "names.h"
#include "quotas.h"
#include "service/limits.h"
#include "sessions.h"
#include "signing.h"

namespace fortium::service {

namespace {

constexpr std::size_t kMostKnown = 10'000;  // keys in the cache

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The token of "Bearer <token>", or nothing.
std::string_view bearer_of(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  header = trimmed(header);
  if (header.size() <= kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i)
    if ((header[i] | 0x20) != kScheme[i]) return {};
  return trimmed(header.substr(kScheme.size()));
}

bool names(std::string_view organization, const Tenant& tenant) {
  if (organization == tenant.id || organization == tenant.name) return true;
  return folded(organization) == tenant.id || folded(organization) == folded(tenant.name);
}

std::string seconds(Millis time) { return std::to_string((time.count() + 999) / 1000); }

// The permissions of a list, as tokens spell them.
Permissions permissions_in(const std::vector<std::string>& names) {
  Permissions all = 0;
  for (const Grant& grant : grants())
    if (std::ranges::find(names, grant.name) != names.end()) all |= grant.permission;
  return all;
}

std::string key_subject(std::string_view id) { return std::string(kKeySubject) + std::string(id); }

constexpr auto kKeyOnly = "";  // of `session`: asked for by the key itself

}  // namespace

Access::Access(SharedControl& control, RateLimit& limit, const Clock& clock, const TokenOptions& tokens)
    : control_(control),
      limit_(limit),
      clock_(clock),
      tokens_(tokens),
      strangers_({.units = kStrangerUnitsPerMinute}, clock, Millis(60'000), Insisting::counted),
      keys_({.units = kMaxUnitsPerMinute}, clock),
      refusals_(clock) {}

std::variant<Credential, Response> Access::check(const Request& request, Permissions any_of) {
  const std::string_view header = trimmed(request.header("Authorization"));
  if (header.empty()) return refuse(request, "missing_credentials", "send Authorization: Bearer <API key or token>");
  const std::string_view text = bearer_of(header);
  auto found = looks_like_token(text) ? by_token(request, text) : by_key(request, text);
  if (auto* refused = std::get_if<Response>(&found)) return std::move(*refused);
  Bearer& bearer = std::get<Bearer>(found);
  if (bearer.tenant.suspended)
    return refuse_known(request, bearer, 403, "tenant_suspended", "this organization is suspended");
  const std::string_view organization = trimmed(request.header("X-Organization-ID"));
  if (!organization.empty() && !names(organization, bearer.tenant))
    return refuse_known(request, bearer, 403, "organization_mismatch",
                        "X-Organization-ID is not the organization of this credential");
  if ((bearer.who.may & any_of) == 0)
    return refuse_known(request, bearer, 403, "insufficient_scope",
                        "this credential lacks the permission: " + permission_names(any_of));
  if (bearer.key) note_used(*bearer.key);
  return std::move(bearer.who);
}

std::variant<Access::Bearer, Response> Access::by_key(const Request& request, std::string_view text) {
  const auto parts = read_key(text);
  if (!parts)
    return refuse(request, "malformed_key", "the credential is no API key or token of this service, or mistyped");
  auto found = bearer(key_subject(parts->id), "", kKeyOnly);
  if (!found) return store_problem(request, found.error());
  // One answer for a wrong id and a wrong secret; what else is wrong is told only to who knows the secret.
  if (!*found || !equal_constant_time((*found)->key->hash, parts->hash))
    return refuse(request, "unknown_key", "this API key is not known");
  if (auto refused = refuse_key(request, **found)) return std::move(*refused);
  return std::move(**found);
}

std::optional<Response> Access::refuse_key(const Request& request, const Bearer& bearer) {
  if (bearer.key->revoked) return refuse_known(request, bearer, 401, "revoked_key", "this API key was revoked");
  if (bearer.key->expired(clock_.now()))
    return refuse_known(request, bearer, 401, "expired_key", "this API key has expired");
  return std::nullopt;
}

std::variant<Access::Bearer, Response> Access::by_token(const Request& request, std::string_view text) {
  const auto claims = read_token(
      text, [this](std::string_view id) { return public_key(id); }, {tokens_.issuer, tokens_.audience}, clock_.now());
  if (!claims && claims.error().code != Errc::unauthorized) return store_problem(request, claims.error());
  if (!claims) {
    const bool expired = claims.error().what == kTokenExpired;
    return refuse(request, expired ? "expired_token" : "invalid_token", claims.error().what);
  }
  auto found = bearer(claims->subject, claims->tenant, claims->session);
  if (!found) return store_problem(request, found.error());
  if (!*found) return refuse(request, "revoked_token", "whom this token is for is not there any more");
  Bearer& known = **found;
  if (known.logged_out) return refuse_known(request, known, 401, "revoked_token", "this login has ended");
  if (known.key)
    if (auto refused = refuse_key(request, known)) return std::move(*refused);
  known.who.may &= permissions_in(claims->permissions);
  known.who.session = claims->session;
  return std::move(known);
}

Access::Found Access::bearer(const std::string& subject, const std::string& tenant, const std::string& session) {
  const SteadyTime now = clock_.steady();
  const std::string name = subject + ' ' + tenant + ' ' + session;
  std::optional<Bearer> known = cache_.with([&](Cache& cache) -> std::optional<Bearer> {
    const auto at = cache.find(name);
    if (at == cache.end() || at->second.until <= now) return std::nullopt;
    return at->second.bearer;
  });
  if (known) return known;
  SystemEntropy entropy;
  FM_TRY(known,
         control_.with([&](auto& control) { return look_up(*control, subject, tenant, session, clock_, entropy); }));
  if (known) {
    limit_.set(known->tenant.id, known->limit);
    keys_.set(known->who.actor, known->key_limit);
  }
  cache_.with([&](Cache& cache) {
    if (cache.size() >= kMostKnown) cache.clear();
    if (known)
      cache[name] = {*known, now + kCredentialLife};
    else
      cache.erase(name);
  });
  return known;
}

// `tenant`: as a token has it; empty for a key that was shown itself.
Access::Found Access::look_up(Control& control, const std::string& subject, const std::string& tenant,
                              const std::string& session, const Clock& clock, Entropy& entropy) {
  Bearer bearer{.who = {.actor = subject}};
  Sql& sql = control.sql();
  if (subject.starts_with(kKeySubject)) {
    const std::string id = subject.substr(kKeySubject.size());
    FM_TRY(const auto holder, control.holder(id));
    if (!holder || (!tenant.empty() && holder->tenant.id != tenant)) return std::optional<Bearer>();
    bearer.tenant = holder->tenant;
    bearer.key = holder->key;
    bearer.who.scopes = holder->key.scopes;
    bearer.who.may = permissions_of(holder->key.scopes);
    FM_TRY(const auto limit, Quotas(sql).find(id));
    if (limit) bearer.key_limit = limit->quota;
    bearer.who.own_limit = limit.has_value();
  } else if (subject.starts_with(kUserSubject)) {
    FM_TRY(const auto known, control.tenant_with_id(tenant));
    if (!known) return std::optional<Bearer>();
    bearer.tenant = *known;
    FM_TRY(const auto person, People(sql, clock, entropy).find(tenant, subject.substr(kUserSubject.size())));
    if (!person) return std::optional<Bearer>();
    bearer.who.person = person->label;
    bearer.who.may = permissions_of(person->role);
    bearer.role = role_name(person->role);
    if (!session.empty()) {
      FM_TRY(const bool alive, Sessions(sql, clock, entropy).alive(session));
      bearer.logged_out = !alive;
    }
  } else {
    return std::optional<Bearer>();
  }
  FM_TRY(const auto limit, Quotas(sql).find(bearer.tenant.id));
  if (limit) bearer.limit = limit->quota;
  bearer.who.tenant = bearer.tenant.id;
  bearer.who.tenant_name = bearer.tenant.name;
  bearer.who.place = bearer.tenant.place;
  return std::optional(std::move(bearer));
}

Result<std::optional<PublicKey>> Access::public_key(std::string_view id) {
  const SteadyTime now = clock_.steady();
  std::optional<PublicKey> known = keyring_.with([&](Keyring& keys) -> std::optional<PublicKey> {
    const auto at = keys.find(std::string(id));
    if (at == keys.end() || at->second.until <= now) return std::nullopt;
    return at->second.key;
  });
  if (known) return known;
  SystemEntropy entropy;
  FM_TRY(known, control_.with([&](auto& control) {
    return SigningKeys(control->sql(), clock_, entropy, tokens_.passphrase).find(id);
  }));
  keyring_.with([&](Keyring& keys) {
    std::erase_if(keys, [now](const auto& entry) { return entry.second.until <= now; });
    if (known) keys[std::string(id)] = {*known, now + kCredentialLife};
  });
  return known;
}

void Access::forget() {
  cache_.with([](Cache& cache) { cache.clear(); });
}

std::string Access::lane(const Request& request) {
  const std::string_view text = bearer_of(trimmed(request.header("Authorization")));
  std::string name;
  if (looks_like_token(text)) {
    // Unproven, as a signature costs more than what it would put in order.
    name = std::string(text.substr(0, text.rfind('.')));
  } else if (const auto parts = read_key(text)) {
    name = key_subject(parts->id) + "  ";
    const std::string tenant = cache_.with([&](Cache& cache) {
      const auto at = cache.find(name);
      return at != cache.end() ? at->second.bearer.tenant.id : std::string();
    });
    if (!tenant.empty()) return tenant;
  }
  return name.empty() ? address_of(request) : name;
}

void Access::note_used(const Key& key) {
  if (key.used && clock_.now() - *key.used < kUseNoted) return;
  used_.with([&](auto& used) { used.insert(key.id); });
}

void Access::rest() {
  if (refusals_.due())
    if (auto done = control_.with([&](auto& control) { return refusals_.write(*control); }); !done)
      log_warn("refusals are not in the audit log: " + done.error().what);
  const auto used = used_.with([](auto& ids) { return std::exchange(ids, {}); });
  if (used.empty()) return;
  const auto noted = control_.with([&](auto& control) { return control->note_used({used.begin(), used.end()}); });
  if (!noted) log_warn("last use of keys is not noted: " + noted.error().what);
  cache_.with([&](Cache& cache) {
    for (auto& [name, known] : cache)
      if (known.bearer.key && used.contains(known.bearer.key->id)) known.bearer.key->used = clock_.now();
  });
}

Response Access::refuse(const Request& request, std::string_view code, std::string_view message) {
  if (const Standing standing = strangers_.charge(address_of(request), 1); !standing.allowed)
    return too_many(request, standing);
  log_info("refused " + request.peer + ": " + std::string(code));
  Response response = problem(request, 401, code, message);
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"fortium-metrics\"");
  return response;
}

Response Access::refuse_known(const Request& request, const Bearer& bearer, int status, std::string_view code,
                              std::string_view message) {
  refusals_.note({bearer.tenant.id, bearer.who.actor, "refused." + std::string(code), request.method}, request.peer);
  return status == 401 ? refuse(request, code, message) : problem(request, status, code, message);
}

std::string address_of(const Request& request) {
  in6_addr six{};
  if (inet_pton(AF_INET6, request.peer.c_str(), &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six)) return request.peer;
  constexpr std::size_t kNetwork = 8;  // bytes: a /64
  return to_hex(six.s6_addr, kNetwork);
}

Response too_many(const Request& request, const Standing& standing) {
  Response response = problem(request, 429, "rate_limited", "Rate limit exceeded");
  const std::string wait = seconds(standing.retry_after);
  const std::string reset = to_rfc3339(standing.reset);
  response.body.pop_back();
  response.body += ",\"rate_limit\":{\"limit\":" + std::to_string(standing.limit) +
                   ",\"remaining\":0,\"reset_time\":\"" + reset + "\",\"retry_after\":" + wait + "}}";
  response.headers = {{"Retry-After", wait},
                      {"X-RateLimit-Limit", std::to_string(standing.limit)},
                      {"X-RateLimit-Remaining", "0"},
                      {"X-RateLimit-Reset", reset}};
  return response;
}

Response store_problem(const Request& request, const Error& error) {
  log_error("request " + request.id + ": " + error.what);
  switch (error.code) {
    case Errc::full: return problem(request, 507, "storage_full", "no space left to keep records");
    case Errc::busy:
    case Errc::unavailable:
    case Errc::cancelled: {
      Response response = problem(request, 503, "unavailable", "Database temporarily unavailable");
      const std::string wait = seconds(kRetryWhenBusy);
      response.body.pop_back();
      response.body += ",\"retry_after\":" + wait + "}";
      response.headers = {{"Retry-After", wait}};
      return response;
    }
    case Errc::not_found: return problem(request, 404, "not_found", "the organization is gone");
    case Errc::invalid:
    case Errc::conflict:
    case Errc::unauthorized:
    case Errc::corrupt:
    case Errc::internal: break;
  }
  return problem(request, 500, "internal", "the service failed; nothing of this request was kept");
}

}  // namespace fortium::service
