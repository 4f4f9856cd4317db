// The audit log, the rate limits and the retention of an organization.
#include <nlohmann/json.hpp>

#include "access_routes.h"
#include "administer.h"
#include "forms.h"
#include "service/http/read_query.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

constexpr std::int64_t kPage = 100;
constexpr std::int64_t kMostOfPage = 1000;

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

enum Parameter : std::size_t { kLimit, kCursor, kChain };
constexpr std::string_view kChains[] = {"organization", "service"};
constexpr Field kAuditQuery[] = {
    {.name = "limit",
     .type = Integer{.min = 1, .max = kMostOfPage},
     .doc = "Lines at most; 100, if absent.",
     .need = Need::optional},
    {.name = "cursor",
     .type = Integer{.min = 1, .max = INT64_MAX},
     .doc = "The next_cursor of the answer before.",
     .need = Need::optional},
    {.name = "chain",
     .type = OneOf{kChains},
     .doc = "service: what happened to organizations; for who administers them.",
     .need = Need::optional},
};

constexpr Field kAuditLine[] = {
    {.name = "seq", .type = Integer{.min = 1, .max = INT64_MAX}, .doc = "Number of the line in its chain."},
    {.name = "at", .type = Timestamp{}, .doc = "When it was done."},
    {.name = "actor", .type = Text{}, .doc = "Who did it."},
    {.name = "action", .type = Text{}, .doc = "What was done, or refused."},
    {.name = "subject", .type = Text{.min_chars = 0}, .doc = "To whom or what."},
    {.name = "detail", .type = Object{}, .doc = "The rest of it.", .need = Need::optional},
    {.name = "hash", .type = Text{}, .doc = "Covers this line and the hash before it."},
};

constexpr std::string_view kTierNames[] = {"free", "professional", "enterprise"};
constexpr Field kUnits{.name = "requests_per_minute",
                       .type = Integer{.min = 1, .max = kMaxUnitsPerMinute},
                       .doc = "A number of its own; null sets the default.",
                       .need = Need::optional};
constexpr Field kOwnTier{
    .name = "tier", .type = OneOf{kTierNames}, .doc = "One of those that there are.", .need = Need::optional};
constexpr Field kNewLimit[] = {
    {.name = "key", .type = Text{}, .doc = "A key's id, to limit that.", .need = Need::optional},
    {.name = "organization",
     .type = Text{},
     .doc = "An organization's id; one's own, if absent.",
     .need = Need::optional},
    kOwnTier,
    kUnits,
};
static_assert(well_formed(kNewLimit));
constexpr Field kChangedLimit[] = {
    {.name = "organization", .type = Text{}, .doc = "Whose limit it is."},
    {.name = "key", .type = Text{}, .doc = "The key, if it is one's.", .need = Need::optional},
    kOwnTier,
    kUnits,
};

constexpr Field kKeyLimits[] = {{.name = "id", .type = Text{}, .doc = "A key's."}, kUnits};
constexpr Field kKeyLimit{.name = "key", .type = Object{.fields = kKeyLimits}, .doc = "A key that has a limit."};
constexpr Field kLimits[] = {
    kOwnTier,
    kUnits,
    {.name = "burst", .type = Integer{.max = INT64_MAX}, .doc = "Requests beyond that, for a moment."},
    {.name = "backlog_records", .type = Integer{.max = INT64_MAX}, .doc = "Records of batches beside that."},
    {.name = "default", .type = Boolean{}, .doc = "Whether nothing was set for this organization."},
    {.name = "remaining", .type = Integer{.max = INT64_MAX}, .doc = "Requests that are left now."},
    {.name = "reset_time", .type = Timestamp{}, .doc = "When all of them are back."},
    {.name = "keys",
     .type = List{.item = &kKeyLimit, .max_items = INT64_MAX},
     .doc = "Keys that have limits of their own."},
    {.name = "tiers", .type = Object{}, .doc = "What there is to choose from."},
};

// A field for each kind of record.
Shape kept_shape() {
  static const std::vector<Field> kFields = [] {
    std::vector<Field> fields;
    for (const metrics::Kind& kind : metrics::kinds())
      fields.push_back({.name = kind.name,
                        .type = Integer{.min = 1, .max = kMaxKeptDays},
                        .doc = "Days that its records are kept; null: for ever.",
                        .need = Need::optional});
    return fields;
  }();
  return kFields;
}

Response read_audit(Parts& parts, const Call& call) {
  auto query = read_query(call.request, call.route.query, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&query)) return std::move(*refused);
  const auto& row = std::get<schema::Row>(query);
  const auto* limit = std::get_if<std::int64_t>(&row[kLimit]);
  const auto* before = std::get_if<std::int64_t>(&row[kCursor]);
  const auto* chain = std::get_if<std::string>(&row[kChain]);
  const bool of_service = chain != nullptr && *chain == "service";
  if (of_service && (call.who.may & kManageTenants) == 0)
    return problem(call.request, 403, "insufficient_scope", "the chain of the service needs tenants.manage");
  const auto lines = administer(parts, call, [&](Control& control, Admin&) {
    return Audit(control.sql(), parts.clock)
        .page(of_service ? std::string_view(kServiceChain) : call.who.tenant,
              before != nullptr ? std::optional(*before) : std::nullopt, limit != nullptr ? *limit : kPage);
  });
  if (!lines) return store_problem(call.request, lines.error());
  Json rows = Json::array();
  for (const AuditLine& line : *lines) rows.push_back(to_json(line));
  const bool more = !lines->empty() && lines->back().seq > 1;
  return {.body = dump_json({{"success", true},
                             {"data", std::move(rows)},
                             {"next_cursor", more ? Json(std::to_string(lines->back().seq)) : Json()}})};
}

Json json_of(const Quota& quota, const std::optional<Limit>& own) {
  return {{"tier", own && !own->tier.empty() ? Json(own->tier) : Json()},
          {"requests_per_minute", quota.units},
          {"burst", quota.units / 10},
          {"backlog_records", quota.backlog * kRecordsPerUnit},
          {"default", !own}};
}

Response read_limits(Parts& parts, const Call& call) {
  std::vector<Holder> holders;
  std::vector<std::pair<std::string, Limit>> keys;
  const auto own = administer(parts, call, [&](Control& control, Admin&) -> Result<std::optional<Limit>> {
    Quotas quotas(control.sql());
    FM_TRY(holders, control.keys(call.who.tenant));
    for (const Holder& holder : holders) {
      FM_TRY(const auto limit, quotas.find(holder.key.id));
      if (limit) keys.emplace_back(holder.key.id, *limit);
    }
    return quotas.find(call.who.tenant);
  });
  if (!own) return store_problem(call.request, own.error());
  const Standing standing = parts.limit.look(call.who.tenant);
  Json data = json_of(*own ? (*own)->quota : parts.limit.quota(call.who.tenant), *own);
  data["remaining"] = standing.remaining;
  data["reset_time"] = to_rfc3339(standing.reset);
  data["keys"] = Json::array();
  for (const auto& [id, limit] : keys) data["keys"].push_back({{"id", id}, {"requests_per_minute", limit.quota.units}});
  data["tiers"] = Json::object();
  for (const Tier& tier : tiers()) data["tiers"][tier.name] = tier.units_per_minute;
  return done(200, data);
}

// An organization limits its keys; who administers organizations limits those.
Response change_limits(Parts& parts, const Call& call) {
  auto read = Fields::read(call, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const std::string key = fields.text("key"), organization = fields.text("organization");
  const std::string tier_name = fields.text("tier");
  const auto units = fields.integer("requests_per_minute");
  const Tier* tier = find_tier(tier_name);
  if (tier != nullptr && units) fields.wrong("requests_per_minute", "goes without a tier");
  if (!fields.given("tier") && !fields.given("requests_per_minute"))
    fields.wrong("requests_per_minute", "is required, or a tier; null sets the default");
  if (!key.empty() && (!organization.empty() || !tier_name.empty()))
    fields.wrong("key", "goes with requests_per_minute alone");
  if (auto refused = fields.refused(call.request)) return std::move(*refused);
  if (key.empty() && (call.who.may & kManageTenants) == 0)
    return problem(call.request, 403, "insufficient_scope",
                   "the limit of an organization is set by a super_admin; those of its keys are yours: name a key");

  const auto changed = administer(parts, call, [&](Control& control, Admin& admin) -> Result<void> {
    if (!key.empty()) {
      FM_TRY(const auto holder, control.holder(key));
      if (!holder || holder->tenant.id != call.who.tenant) return Error{Errc::not_found, "there is no such key"};
      return admin.set_limit(call.who.tenant, key, nullptr, units);
    }
    const std::string id = organization.empty() ? call.who.tenant : organization;
    FM_TRY(const auto tenant, control.tenant_with_id(id));
    if (!tenant) return Error{Errc::not_found, "there is no such organization"};
    return admin.set_limit(id, id, tier, units);
  });
  if (!changed) return failed(call.request, changed.error());
  return done(200, {{"organization", organization.empty() ? call.who.tenant : organization},
                    {"key", key.empty() ? Json() : Json(key)},
                    {"tier", tier != nullptr ? Json(tier->name) : Json()},
                    {"requests_per_minute", tier != nullptr ? Json(tier->units_per_minute)
                                            : units         ? Json(*units)
                                                            : Json()}});
}

Response retention_of(Parts& parts, const Call& call) {
  const auto all =
      administer(parts, call, [&](Control& control, Admin&) { return kept(control.sql(), call.who.tenant); });
  if (!all) return store_problem(call.request, all.error());
  Json days = Json::object();
  for (const metrics::Kind& kind : metrics::kinds()) days[kind.name] = nullptr;
  for (const Kept& one : *all) days[one.kind->name] = one.days;
  return done(200, days);
}

Response change_retention(Parts& parts, const Call& call) {
  auto read = Fields::read(call, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  std::vector<Kept> wanted;
  for (const metrics::Kind& kind : metrics::kinds())
    if (fields.given(kind.name)) wanted.push_back({call.who.tenant, &kind, fields.integer(kind.name).value_or(0)});
  if (auto refused = fields.refused(call.request)) return std::move(*refused);
  const auto changed = administer(parts, call, [&](Control& control, Admin& admin) -> Result<void> {
    return control.sql().write([&]() -> Result<void> {
      for (const Kept& one : wanted) FM_TRY_(admin.set_kept(one));
      return {};
    });
  });
  if (!changed) return failed(call.request, changed.error());
  return retention_of(parts, call);
}

}  // namespace

std::span<const Route> admin_routes() {
  static const Route kRoutes[] = {
      {"GET",
       "/api/v1/admin/audit",
       kManage,
       Body::none,
       Cost::request,
       &read_audit,
       "The audit log, the newest line first.",
       kAuditQuery,
       {},
       {Gives::As::rows, kAuditLine}},
      {"GET",
       "/api/v1/admin/rate-limits",
       kManage,
       Body::none,
       Cost::request,
       &read_limits,
       "What the organization and its keys may ask for in a minute, and what is left.",
       {},
       {},
       {Gives::As::data, kLimits}},
      {"PUT",
       "/api/v1/admin/rate-limits",
       kManage,
       Body::json,
       Cost::request,
       &change_limits,
       "Sets the limit of a key, or, for who administers organizations, of an organization.",
       {},
       kNewLimit,
       {Gives::As::data, kChangedLimit}},
      {"GET",
       "/api/v1/admin/retention",
       kManage,
       Body::none,
       Cost::request,
       &retention_of,
       "Days that records of each kind are kept; null: for ever.",
       {},
       {},
       {Gives::As::data, kept_shape()}},
      {"PUT",
       "/api/v1/admin/retention",
       kManage,
       Body::json,
       Cost::request,
       &change_retention,
       "Sets for how many days records of a kind are kept; what they add up to stays.",
       {},
       kept_shape(),
       {Gives::As::data, kept_shape()}},
  };
  return kRoutes;
}

}  // namespace fortium::service
