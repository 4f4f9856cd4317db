#include "access.h"

#include <algorithm>

#include "fortium/base/hash.h"
#include "fortium/base/json.h"
#include "fortium/base/log.h"
#include "names.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

constexpr std::size_t kMostKnown = 10'000;  // keys in the cache

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The token of "Bearer <token>", or nothing.
std::string_view bearer(std::string_view header) {
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

}  // namespace

Access::Access(SharedControl& control, const Clock& clock)
    : control_(control), clock_(clock), strangers_(kStrangerUnitsPerMinute, clock) {}

std::variant<Credential, Response> Access::check(const Request& request, Permissions any_of) {
  const std::string_view header = trimmed(request.header("Authorization"));
  if (header.empty()) return refuse(request, "missing_credentials", "send Authorization: Bearer <API key>");
  const auto parts = read_key(bearer(header));
  if (!parts) return refuse(request, "malformed_key", "the credential is no API key of this service, or mistyped");
  auto found = holder(parts->id);
  if (!found) return store_problem(request, found.error());
  // One answer for a wrong id and a wrong secret; what else is wrong is told only to who knows the secret.
  if (!*found || !equal_constant_time((*found)->key.hash, parts->hash))
    return refuse(request, "unknown_key", "this API key is not known");
  const Key& key = (*found)->key;
  const Tenant& tenant = (*found)->tenant;
  if (key.revoked) return refuse(request, "revoked_key", "this API key was revoked");
  if (key.expired(clock_.now())) return refuse(request, "expired_key", "this API key has expired");
  if (tenant.suspended) return problem(request, 403, "tenant_suspended", "this organization is suspended");
  const std::string_view organization = trimmed(request.header("X-Organization-ID"));
  if (!organization.empty() && !names(organization, tenant))
    return problem(request, 403, "organization_mismatch", "X-Organization-ID is not the organization of this API key");
  const Permissions may = permissions_of(key.scopes);
  if ((may & any_of) == 0)
    return problem(request, 403, "insufficient_scope",
                   "this API key lacks the permission: " + permission_names(any_of));
  note_used(key);
  return Credential{tenant.id, tenant.name, tenant.place, key.scopes, may};
}

Result<std::optional<Holder>> Access::holder(const std::string& key_id) {
  const SteadyTime now = clock_.steady();
  std::optional<Holder> known = cache_.with([&](Cache& cache) -> std::optional<Holder> {
    const auto at = cache.find(key_id);
    if (at == cache.end() || at->second.until <= now) return std::nullopt;
    return at->second.holder;
  });
  if (known) return known;
  FM_TRY(known, control_.with([&](auto& control) { return control->holder(key_id); }));
  cache_.with([&](Cache& cache) {
    if (cache.size() >= kMostKnown) cache.clear();
    if (known)
      cache[key_id] = {*known, now + kCredentialLife};
    else
      cache.erase(key_id);
  });
  return known;
}

void Access::note_used(const Key& key) {
  if (key.used && clock_.now() - *key.used < kUseNoted) return;
  used_.with([&](auto& used) { used.insert(key.id); });
}

void Access::rest() {
  const auto used = used_.with([](auto& ids) { return std::exchange(ids, {}); });
  if (used.empty()) return;
  const auto noted = control_.with([&](auto& control) { return control->note_used({used.begin(), used.end()}); });
  if (!noted) log_warn("last use of keys is not noted: " + noted.error().what);
  cache_.with([&](Cache& cache) {
    for (const std::string& id : used)
      if (const auto at = cache.find(id); at != cache.end()) at->second.holder.key.used = clock_.now();
  });
}

Response Access::refuse(const Request& request, std::string_view code, std::string_view message) {
  if (const Standing standing = strangers_.charge(request.peer, 1); !standing.allowed)
    return too_many(request, standing);
  log_info("refused " + request.peer + ": " + std::string(code));
  Response response = problem(request, 401, code, message);
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"fortium-metrics\"");
  return response;
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
