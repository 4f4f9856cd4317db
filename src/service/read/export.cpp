// GET /api/v1/metrics/export: every record of a kind as it came, page by page.
#include <nlohmann/json.hpp>

#include "filtered_reader.h"
#include "fortium/base/csv.h"
#include "fortium/base/entropy.h"
#include "fortium/base/json.h"
#include "read_period.h"
#include "read_routes.h"
#include "service/http/read_query.h"

namespace fortium::service {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr std::int64_t kDefaultRecords = 1'000;
constexpr std::int64_t kMostRecords = 10'000;

enum Parameter : std::size_t { kKind, kFrom, kTo, kUser, kSession, kDevice, kName, kLimit, kCursor, kFormat };
constexpr std::string_view kFormats[] = {"jsonl", "json", "csv"};

const std::vector<std::string_view>& kind_names() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const metrics::Kind& kind : metrics::kinds()) names.push_back(kind.name);
    return names;
  }();
  return kNames;
}

Shape query_shape() {
  static const Field kQuery[] = {
      {.name = "kind", .type = OneOf{kind_names()}, .doc = "Kind of record."},
      kFromParameter,
      kToParameter,
      {.name = "user_id", .type = Text{}, .doc = "Only this person's records.", .need = Need::optional},
      {.name = "session_id", .type = Text{}, .doc = "Only this session's.", .need = Need::optional},
      {.name = "device_id", .type = Text{}, .doc = "Only this installation's.", .need = Need::optional},
      {.name = "name", .type = Text{}, .doc = "Only of this tool, command, agent or model.", .need = Need::optional},
      {.name = "limit",
       .type = Integer{.min = 1, .max = kMostRecords},
       .doc = "Records at most; 1000, if absent.",
       .need = Need::optional},
      {.name = "cursor",
       .type = Text{},
       .doc = "What the answer before said in X-Next-Cursor; from and to stay the same.",
       .need = Need::optional},
      {.name = "format", .type = OneOf{kFormats}, .doc = "jsonl, if absent.", .need = Need::optional},
  };
  return kQuery;
}

std::string text_of(const schema::Row& row, Parameter parameter) {
  const auto* text = std::get_if<std::string>(&row[parameter]);
  return text != nullptr ? *text : std::string();
}

// "<milliseconds>.<id>" of the last record of the page before.
std::optional<Records::After> read_cursor(const std::string& text) {
  const std::size_t dot = std::min(text.find('.'), text.size());
  if (dot == 0 || dot > 15 || text.find_first_not_of("0123456789") != dot) return std::nullopt;
  Records::After after{from_ms(std::stoll(text.substr(0, dot))), text.substr(std::min(dot + 1, text.size()))};
  return is_uuid(after.id) ? std::optional(after) : std::nullopt;
}

// A line of RFC 4180.
void append_line(std::string& out, const metrics::Event& event) {
  for (std::size_t i = 0; i < event.row.size(); ++i) {
    if (i > 0) out += ',';
    if (event.row[i].index() == 0) continue;
    if (const auto* text = std::get_if<std::string>(&event.row[i])) {
      append_csv_for_people(out, *text);
      continue;
    }
    std::string json;
    schema::append_value(json, event.kind->shape[i], event.row[i]);
    std::erase(json, '"');  // of times
    out += json;
  }
  out += "\r\n";
}

std::string header_line(const metrics::Kind& kind) {
  std::string out;
  for (const Field& field : kind.shape) out += (out.empty() ? "" : ",") + std::string(field.name);
  return out + "\r\n";
}

Response export_records(Parts& parts, const Call& call) {
  const WallTime now = parts.clock.now();
  auto checked = read_query(call.request, query_shape(), now);
  if (auto* refused = std::get_if<Response>(&checked)) return std::move(*refused);
  const auto& row = std::get<schema::Row>(checked);
  const auto period = read_period(row[kFrom], row[kTo], now);
  if (const auto* wrong = std::get_if<FieldError>(&period)) return invalid(call.request, {*wrong});
  std::optional<Records::After> after;
  if (row[kCursor].index() != 0 && !(after = read_cursor(text_of(row, kCursor))))
    return invalid(call.request, {{"cursor", "must be the X-Next-Cursor of an answer"}});
  const auto filter =
      allowed(call.who, {text_of(row, kUser), text_of(row, kSession), text_of(row, kDevice), text_of(row, kName)});
  if (!filter) return not_allowed(call.request);
  auto records = parts.depot.find(call.who.place);
  if (!records) return store_problem(call.request, records.error());

  const metrics::Kind& kind = *metrics::find_kind(text_of(row, kKind));
  const auto* asked = std::get_if<std::int64_t>(&row[kLimit]);
  const std::int64_t limit = asked != nullptr ? *asked : kDefaultRecords;
  const std::string format = text_of(row, kFormat);
  std::string body = format == "csv" ? header_line(kind) : format == "json" ? "[" : "";
  std::string next, last;
  std::int64_t count = 0;
  const auto done =
      (*records)->each_record(kind, std::get<metrics::Period>(period), after, [&](const metrics::Event& event) {
        if (!filter->takes(event)) return true;
        if (count == limit) {
          next = last;
          return false;
        }
        if (format == "json" && count > 0) body += ',';
        if (format == "csv")
          append_line(body, event);
        else
          append_wire(body, event, /*named=*/true);
        if (format.empty() || format == "jsonl") body += '\n';
        last = std::to_string(to_ms(event.timestamp())) + "." + std::string(event.id());
        ++count;
        return true;
      });
  if (!done) return store_problem(call.request, done.error());
  if (format == "json") body += ']';
  Response response{.body = std::move(body)};
  response.headers.emplace_back("Content-Type", format == "csv"    ? "text/csv; charset=utf-8; header=present"
                                                : format == "json" ? "application/json"
                                                                   : "application/jsonl");
  if (!next.empty()) response.headers.emplace_back("X-Next-Cursor", next);
  return response;
}

}  // namespace

std::span<const Route> export_routes() {
  static const Route kRoutes[] = {
      {"GET", "/api/v1/metrics/export", kViewRecords, Body::none, Cost::request, &export_records,
       "Every record of a kind, as it came, page by page.", query_shape()},
  };
  return kRoutes;
}

}  // namespace fortium::service
