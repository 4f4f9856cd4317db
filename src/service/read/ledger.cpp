#include "read_routes.h"

#include <algorithm>
#include <optional>

#include "fortium/base/hash.h"
#include "fortium/base/json.h"
#include "fortium/metrics/kind.h"
#include "service/access/fields.h"
#include "service/http/query.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

using Place = LedgerQuery::Place;

constexpr const char* kNoKind = "must be a kind of record such as tool_usage";

// "2026-01-02.tool_usage" or, with ids, "2026-01-02.tool_usage.<id>".
std::string cursor_of(const Place& place) {
  return place.day + "." + place.kind + (place.id.empty() ? "" : "." + place.id);
}

// Midnight UTC of "2026-01-02"; nothing for other text.
std::optional<WallTime> day_begin(std::string_view day) {
  if (day.size() != 10) return std::nullopt;
  const auto time = parse_rfc3339(std::string(day) + "T00:00:00Z");
  return time ? std::optional(*time) : std::nullopt;
}

std::optional<Place> read_cursor(std::string_view text) {
  const std::size_t first = text.find('.');
  if (first == text.npos) return std::nullopt;
  const std::size_t second = std::min(text.find('.', first + 1), text.size());
  Place cursor{std::string(text.substr(0, first)), std::string(text.substr(first + 1, second - first - 1)),
               second < text.size() ? std::string(text.substr(second + 1)) : std::string()};
  const metrics::Kind* kind = metrics::find_kind(cursor.kind);
  const bool known = kind != nullptr && kind->name == cursor.kind;
  if (!day_begin(cursor.day) || !known || (!cursor.id.empty() && !is_uuid(cursor.id))) return std::nullopt;
  return cursor;
}

LedgerQuery read_query(const Parameters& given, std::vector<FieldError>& errors) {
  LedgerQuery query;
  for (const auto& [name, value] : given) {
    if (name == "from" || name == "to") {
      if (!day_begin(value)) errors.push_back({name, "must be a day such as 2026-01-31"});
      (name == "from" ? query.from : query.to) = value;
    } else if (name == "device_id") {
      if (value.size() > 4 * kMaxDeviceIdChars) errors.push_back({name, "is too long"});
      query.device_id = value;
    } else if (name == "kind") {
      query.kind = value.empty() ? nullptr : metrics::find_kind(value);
      if (!value.empty() && (query.kind == nullptr || query.kind->name != value)) errors.push_back({name, kNoKind});
    } else if (name == "ids") {
      if (value != "1" && value != "0" && !value.empty()) errors.push_back({name, "must be 0 or 1"});
      query.ids = value == "1";
    } else if (name == "cursor") {
      const auto cursor = value.empty() ? std::optional(Place()) : read_cursor(value);
      if (!cursor) errors.push_back({name, "must be the next_cursor of an answer"});
      query.after = cursor.value_or(Place());
    } else {
      errors.push_back({name.substr(0, kMaxRefusalBytes), "is not a parameter of the ledger"});
    }
  }
  for (const auto& [name, value] : {std::pair("from", &query.from), std::pair("to", &query.to)})
    if (value->empty()) errors.push_back({name, "is required: a day such as 2026-01-31"});
  if (errors.empty() && query.to < query.from) errors.push_back({"to", "must not be before from"});
  return query;
}

void append_row(std::string& out, const LedgerRow& row, bool with_ids) {
  out += "{\"day\":\"" + row.day + "\",\"kind\":\"" + std::string(row.kind->name) +
         "\",\"count\":" + std::to_string(row.count) + ",\"digest\":\"" + row.digest.hex() + '"';
  if (with_ids) {
    out += ",\"ids\":[";
    for (std::size_t i = 0; i < row.ids.size(); ++i) {
      if (i > 0) out += ',';
      append_json_string(out, row.ids[i]);
    }
    out += ']';
  }
  out += '}';
}

}  // namespace

Response read_ledger(Parts& parts, const Call& call) {
  std::vector<FieldError> errors;
  const auto given = read_parameters(call.request.query);
  if (!given) return problem(call.request, 400, "validation_error", given.error().what);
  const LedgerQuery query = read_query(*given, errors);
  if (!errors.empty()) return invalid(call.request, errors);
  if ((call.who.may & kViewAll) == 0 && query.device_id.empty())
    return problem(call.request, 403, "insufficient_scope",
                   "without the scope read, this API key may read the ledger of one device: name its device_id");

  auto records = parts.depot.find(call.who.place);
  if (!records) return store_problem(call.request, records.error());
  const Result<LedgerPage> page = (*records)->ledger(query);
  if (!page) return store_problem(call.request, page.error());

  std::string body = "{\"success\":true,\"from\":\"" + query.from + "\",\"to\":\"" + query.to + "\",\"days\":[";
  for (std::size_t i = 0; i < page->rows.size(); ++i) {
    if (i > 0) body += ',';
    append_row(body, page->rows[i], query.ids);
  }
  body += "],\"next_cursor\":";
  body += page->next ? json_string(cursor_of(*page->next)) : "null";
  body += '}';
  return {.status = 200, .body = std::move(body)};
}

// Which of these ids are counted, whoever told them first: who knows an id learns no more than by posting its record.
Response read_counted(Parts& parts, const Call& call) {
  auto read = Fields::read(call, parts.clock.now());
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Fields& fields = std::get<Fields>(read);
  const metrics::Kind* kind = metrics::find_kind(fields.text("kind"));
  if (kind == nullptr && !fields.text("kind").empty()) fields.wrong("kind", kNoKind);
  if (auto refused = fields.refused(call.request)) return std::move(*refused);
  auto records = parts.depot.find(call.who.place);
  if (!records) return store_problem(call.request, records.error());
  std::vector<std::string> counted;
  const auto look = [&](Snapshot& now) -> Result<void> {
    FM_TRY(counted, now.counted(*kind, fields.words("ids")));
    return {};
  };
  if (auto done = (*records)->at_one_moment(look); !done) return store_problem(call.request, done.error());
  return {.body = dump_json({{"success", true}, {"counted", counted}})};
}

constexpr schema::Field kId{.name = "id", .type = schema::Text{.max_chars = 128}, .doc = "As the ledger names it."};
constexpr schema::List kIds{.item = &kId, .max_items = kMaxAskedIds};
constexpr schema::Field kAsked[] = {
    {.name = "kind", .type = schema::Text{}, .doc = "A kind of record such as tool_usage."},
    {.name = "ids", .type = kIds, .doc = "What is asked about."},
};
constexpr schema::Field kCounted[] = {
    {.name = "counted", .type = kIds, .doc = "Those that are counted, whichever installation told them."},
};

std::span<const Route> ledger_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/api/v1/metrics/ledger", kWrite | kViewAll, Body::none, Cost::request, &read_ledger,
       "What there is by day and kind, with a digest of the ids."},
      {"POST",
       "/api/v1/metrics/ledger",
       kWrite | kViewAll,
       Body::json,
       Cost::request,
       &read_counted,
       "Which ids are counted.",
       {},
       kAsked,
       {Gives::As::members, kCounted}},
  };
  return kRoutes;
}

}  // namespace fortium::service
