#include <nlohmann/json.hpp>

#include "access_routes.h"
#include "administer.h"
#include "forms.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr std::string_view kScopesGiven[] = {"ingest", "read", "admin"};
constexpr Field kScope{.name = "scope", .type = OneOf{kScopesGiven}, .doc = "What it may."};
constexpr Field kNewKey[] = {
    {.name = "scopes",
     .type = List{.item = &kScope, .max_items = 3},
     .doc = "What it may; ingest, if absent.",
     .need = Need::optional},
    {.name = "expires_in",
     .type = Text{.max_chars = 32},
     .doc = "For how long it lives, such as 90d; for ever, if absent.",
     .need = Need::optional},
    {.name = "requests_per_minute",
     .type = Integer{.min = 1, .max = kMaxUnitsPerMinute},
     .doc = "A limit of its own, within that of the organization.",
     .need = Need::optional},
};
constexpr Field kRotation[] = {
    {.name = "overlap",
     .type = Text{.max_chars = 32},
     .doc = "For how long the old one goes on; 24h, if absent.",
     .need = Need::optional},
};
static_assert(well_formed(kNewKey) && well_formed(kRotation));

constexpr Millis kShortestLife{1'000};
constexpr Millis kOverlap{24 * 3'600'000};

Result<Holder> key_of(Control& control, const Call& call) {
  FM_TRY(auto holder, control.holder(call.names[0]));
  if (!holder || holder->tenant.id != call.who.tenant) return Error{Errc::not_found, "there is no such key"};
  return std::move(*holder);
}

Response list_keys(Parts& parts, const Call& call) {
  const auto keys = administer(parts, call, [&](Control& control, Admin&) { return control.keys(call.who.tenant); });
  if (!keys) return store_problem(call.request, keys.error());
  std::vector<std::pair<std::string, Json>> rows;
  for (const Holder& holder : *keys) {
    const std::string made = to_rfc3339(holder.key.created);  // ids of keys have no order
    rows.emplace_back(made + "." + holder.key.id, to_json(holder, parts.clock.now()));
  }
  return page_of(call, parts.clock.now(), std::move(rows));
}

Response create_key(Parts& parts, const Call& call) {
  auto read = Fields::read(call, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  Scopes scopes = 0;
  for (const std::string& word : fields.words("scopes"))
    if (const auto one = parse_scopes(word)) scopes |= *one;
  if (scopes == 0) scopes = kIngest;
  const auto life = duration(fields, "expires_in");
  if (life && *life < kShortestLife) fields.wrong("expires_in", "must be 1s or more");
  const auto units = fields.integer("requests_per_minute");
  if (auto refused = fields.refused(call.request)) return std::move(*refused);
  const auto issued = administer(parts, call, [&](Control& control, Admin& admin) -> Result<Issued> {
    std::optional<Issued> made;
    FM_TRY_(control.sql().write([&]() -> Result<void> {
      FM_TRY(made, admin.create_key({.id = call.who.tenant}, scopes, life));
      if (units) FM_TRY_(admin.set_limit(call.who.tenant, made->key.id, nullptr, units));
      return {};
    }));
    return std::move(*made);
  });
  if (!issued) return failed(call.request, issued.error());
  return done(201, to_json(*issued, call.who.tenant_name, parts.clock.now()));
}

Response revoke_key(Parts& parts, const Call& call) {
  const auto changed = administer(parts, call, [&](Control& control, Admin& admin) -> Result<void> {
    FM_TRY(const Holder holder, key_of(control, call));
    return admin.revoke_key(holder.key);
  });
  if (!changed) return failed(call.request, changed.error());
  return done(200, {{"id", call.names[0]}, {"state", "revoked"}});
}

Response rotate_key(Parts& parts, const Call& call) {
  auto read = Fields::read(call, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const Millis overlap = duration(fields, "overlap").value_or(kOverlap);
  if (auto refused = fields.refused(call.request)) return std::move(*refused);
  const auto issued = administer(parts, call, [&](Control& control, Admin& admin) -> Result<Issued> {
    FM_TRY(const Holder holder, key_of(control, call));
    // Who has it may pass it on only if they may have it given.
    if ((holder.key.scopes & ~kGivenHere) != 0)
      return Error{Errc::conflict, "a key of the scope super_admin is rotated at the command line"};
    return admin.rotate_key(holder.key, overlap);
  });
  if (!issued) return failed(call.request, issued.error());
  return done(201, to_json(*issued, call.who.tenant_name, parts.clock.now()));
}

}  // namespace

std::span<const Route> key_admin_routes() {
  static constexpr Route kRoutes[] = {
      {"GET",
       "/api/v1/admin/keys",
       kManage,
       Body::none,
       Cost::request,
       &list_keys,
       "The API keys of the organization, without their texts.",
       kPageQuery,
       {},
       kGivesKeys},
      {"POST",
       "/api/v1/admin/keys",
       kManage,
       Body::json,
       Cost::request,
       &create_key,
       "Makes an API key; its text is shown once.",
       {},
       kNewKey,
       kGivesKey},
      {"DELETE",
       "/api/v1/admin/keys/{id}",
       kManage,
       Body::none,
       Cost::request,
       &revoke_key,
       "Ends an API key within seconds.",
       {},
       {},
       kGivesState},
      {"POST",
       "/api/v1/admin/keys/{id}/rotate",
       kManage,
       Body::json,
       Cost::request,
       &rotate_key,
       "Makes an API key in the place of one, which goes on for a while.",
       {},
       kRotation,
       kGivesKey},
  };
  return kRoutes;
}

}  // namespace fortium::service
