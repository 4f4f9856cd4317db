#include "ledger.h"

#include <algorithm>
#include <optional>

#include "fortium/base/hash.h"
#include "fortium/base/json.h"
#include "fortium/metrics/kind.h"
#include "limits.h"
#include "query.h"

namespace fortium::service {

namespace {

// Where the next answer begins: after this row, or with ids after this id of it. "2026-01-02.tool_usage.<id>"
struct Cursor {
  std::string day;
  std::string kind;
  std::string id;

  std::string text() const { return day + "." + kind + (id.empty() ? "" : "." + id); }
};

struct Query {
  std::string from, to;
  std::string device_id;
  std::string kind;
  bool ids = false;
  Cursor after;
};

struct Row {
  std::string day;
  const metrics::Kind* kind = nullptr;
  std::int64_t count = 0;
  LedgerDigest digest;
  std::vector<std::string> ids;
};

struct Page {
  std::vector<Row> rows;
  std::optional<Cursor> next;
};

// Midnight UTC of "2026-01-02"; nothing for other text.
std::optional<WallTime> day_begin(std::string_view day) {
  if (day.size() != 10) return std::nullopt;
  const auto time = parse_rfc3339(std::string(day) + "T00:00:00Z");
  return time ? std::optional(*time) : std::nullopt;
}

std::optional<Cursor> read_cursor(std::string_view text) {
  const std::size_t first = text.find('.');
  if (first == text.npos) return std::nullopt;
  const std::size_t second = std::min(text.find('.', first + 1), text.size());
  Cursor cursor{std::string(text.substr(0, first)), std::string(text.substr(first + 1, second - first - 1)),
                second < text.size() ? std::string(text.substr(second + 1)) : std::string()};
  const metrics::Kind* kind = metrics::find_kind(cursor.kind);
  const bool known = kind != nullptr && kind->name == cursor.kind;
  if (!day_begin(cursor.day) || !known || (!cursor.id.empty() && !is_uuid(cursor.id))) return std::nullopt;
  return cursor;
}

Query read_query(const Parameters& given, std::vector<FieldError>& errors) {
  Query query;
  for (const auto& [name, value] : given) {
    if (name == "from" || name == "to") {
      if (!day_begin(value)) errors.push_back({name, "must be a day such as 2026-01-31"});
      (name == "from" ? query.from : query.to) = value;
    } else if (name == "device_id") {
      if (value.size() > 4 * kMaxDeviceIdChars) errors.push_back({name, "is too long"});
      query.device_id = value;
    } else if (name == "kind") {
      const metrics::Kind* kind = value.empty() ? nullptr : metrics::find_kind(value);
      if (!value.empty() && (kind == nullptr || kind->name != value))
        errors.push_back({name, "must be a kind of record such as tool_usage"});
      query.kind = value;
    } else if (name == "ids") {
      if (value != "1" && value != "0" && !value.empty()) errors.push_back({name, "must be 0 or 1"});
      query.ids = value == "1";
    } else if (name == "cursor") {
      const auto cursor = value.empty() ? std::optional(Cursor()) : read_cursor(value);
      if (!cursor) errors.push_back({name, "must be the next_cursor of an answer"});
      query.after = cursor.value_or(Cursor());
    } else {
      errors.push_back({name.substr(0, kMaxRefusalBytes), "is not a parameter of the ledger"});
    }
  }
  for (const auto& [name, value] : {std::pair("from", &query.from), std::pair("to", &query.to)})
    if (value->empty()) errors.push_back({name, "is required: a day such as 2026-01-31"});
  if (errors.empty() && query.to < query.from) errors.push_back({"to", "must not be before from"});
  return query;
}

// Rows of all devices (or of the one asked for), added up by day and kind; one more than fits tells that there are
// more.
Result<std::vector<Row>> sums(store::Db& db, const Query& query) {
  FM_TRY(store::Statement list,
         db.prepare("SELECT day, kind, count, digest FROM ledger WHERE day BETWEEN ?1 AND ?2 "
                    "AND (?3 = '' OR device_id = ?3) AND (?4 = '' OR kind = ?4) "
                    "AND ((day, kind) > (?5, ?6) OR (?7 AND (day, kind) = (?5, ?6))) ORDER BY day, kind"));
  // With ids, the row of the cursor goes on.
  list.bind(query.from, query.to, query.device_id, query.kind, query.after.day, query.after.kind,
            !query.after.id.empty());
  std::vector<Row> rows;
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return rows;
    const metrics::Kind* kind = metrics::find_kind(list.text(1));
    if (kind == nullptr) continue;
    if (rows.empty() || rows.back().day != list.text(0) || rows.back().kind != kind) {
      if (rows.size() > kMaxLedgerRows) return rows;
      rows.push_back({.day = std::string(list.text(0)), .kind = kind});
    }
    rows.back().count += list.integer(2);
    rows.back().digest.add(LedgerDigest::from_hex(list.text(3)));
  }
}

// Up to `most` ids of a row, in order, after one.
Result<void> read_ids(store::Db& db, Row& row, const std::string& device_id, const std::string& after,
                      std::size_t most) {
  FM_TRY(store::Statement list, db.prepare("SELECT id FROM " + std::string(row.kind->name) +
                                           " WHERE timestamp >= ?1 AND timestamp < ?2 AND (?3 = '' OR device_id = ?3) "
                                           "AND id > ?4 ORDER BY id LIMIT ?5"));
  const WallTime begin = *day_begin(row.day);
  list.bind(to_ms(begin), to_ms(begin + std::chrono::days(1)), device_id, after, static_cast<std::int64_t>(most));
  while (true) {
    FM_TRY(const bool more, list.step());
    if (!more) return {};
    row.ids.emplace_back(list.text(0));
  }
}

Result<Page> read_page(store::Db& db, const Query& query) {
  Page page;
  FM_TRY(page.rows, sums(db, query));
  if (page.rows.size() > kMaxLedgerRows) {
    page.rows.resize(kMaxLedgerRows);
    page.next = Cursor{page.rows.back().day, std::string(page.rows.back().kind->name), ""};
  }
  if (!query.ids) return page;

  std::size_t left = kMaxLedgerIds;
  std::vector<Row> rows;
  for (Row& row : page.rows) {
    const bool goes_on = row.day == query.after.day && row.kind->name == query.after.kind;
    FM_TRY_(read_ids(db, row, query.device_id, goes_on ? query.after.id : "", left));
    left -= row.ids.size();
    const Cursor here{row.day, std::string(row.kind->name), row.ids.empty() ? query.after.id : row.ids.back()};
    if (!goes_on || !row.ids.empty()) rows.push_back(std::move(row));
    if (left == 0) {
      page.next = here;
      break;
    }
  }
  page.rows = std::move(rows);
  return page;
}

void append_row(std::string& out, const Row& row, bool with_ids) {
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

Response ledger(const Request& request, const Credential& who, Tenants& tenants) {
  std::vector<FieldError> errors;
  const auto given = read_parameters(request.query);
  if (!given) return problem(request, 400, "validation_error", given.error().what);
  const Query query = read_query(*given, errors);
  if (!errors.empty()) return problem(request, 400, "validation_error", "Validation failed", errors);
  if ((who.scopes & kRead) == 0 && query.device_id.empty())
    return problem(request, 403, "insufficient_scope",
                   "without the scope read, this API key may read the ledger of one device: name its device_id");

  auto store = tenants.find(who.tenant_file);
  if (!store) return store_problem(request, store.error());
  const Result<Page> page = (*store)->read([&](store::Db& db) { return read_page(db, query); });
  if (!page) return store_problem(request, page.error());

  std::string body = "{\"success\":true,\"from\":\"" + query.from + "\",\"to\":\"" + query.to + "\",\"days\":[";
  for (std::size_t i = 0; i < page->rows.size(); ++i) {
    if (i > 0) body += ',';
    append_row(body, page->rows[i], query.ids);
  }
  body += "],\"next_cursor\":";
  body += page->next ? json_string(page->next->text()) : "null";
  body += '}';
  return {.status = 200, .body = std::move(body)};
}

}  // namespace fortium::service
