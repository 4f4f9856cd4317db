// GET /api/v1/metrics/<question> and /api/v1/dashboard/…: the questions of `report`, asked of an organization's
// records.
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "filtered_reader.h"
#include "fortium/base/json.h"
#include "fortium/report/questions.h"
#include "fortium/report/render.h"
#include "read_period.h"
#include "read_routes.h"
#include "service/http/etag.h"
#include "service/http/read_query.h"

namespace fortium::service {

namespace {

using namespace schema;  // NOLINT(google-build-using-namespace): shapes are written in its words

constexpr std::int64_t kDefaultRows = 100;
constexpr std::int64_t kMostRows = 1'000;

enum Parameter : std::size_t {
  kFrom,
  kTo,
  kUser,
  kSession,
  kDevice,
  kProject,
  kName,
  kSource,
  kBy,
  kLimit,
  kCursor,
  kFormat
};
constexpr std::string_view kFormats[] = {"json", "csv"};
constexpr Field kQuery[] = {
    kFromParameter,
    kToParameter,
    {.name = "user_id", .type = Text{}, .doc = "Only this person's records.", .need = Need::optional},
    {.name = "session_id", .type = Text{}, .doc = "Only this session's.", .need = Need::optional},
    {.name = "device_id", .type = Text{}, .doc = "Only this installation's.", .need = Need::optional},
    {.name = "project", .type = Text{}, .doc = "Only this project's.", .need = Need::optional},
    {.name = "name", .type = Text{}, .doc = "Only of this tool, command, agent or model.", .need = Need::optional},
    {.name = "source",
     .type = OneOf{metrics::kSources},
     .doc = "Only what was recorded this way.",
     .need = Need::optional},
    {.name = "by",
     .type = OneOf{report::kBys},
     .doc = "What a row of days is; a day, if absent.",
     .need = Need::optional},
    {.name = "limit",
     .type = Integer{.min = 1, .max = kMostRows},
     .doc = "Rows at most; 100, if absent.",
     .need = Need::optional},
    {.name = "cursor",
     .type = Text{},
     .doc = "The next_cursor of the answer before; it brings the period along.",
     .need = Need::optional},
    {.name = "format",
     .type = OneOf{kFormats},
     .doc = "What the answer is written in; also by Accept.",
     .need = Need::optional},
};
static_assert(well_formed(kQuery));

std::string text_of(const schema::Row& row, Parameter parameter) {
  const auto* text = std::get_if<std::string>(&row[parameter]);
  return text != nullptr ? *text : std::string();
}

// Where an answer goes on: "<since>.<until>.<rows before it>".
struct Cursor {
  metrics::Period period;
  std::int64_t offset = 0;

  std::string text() const {
    return std::to_string(to_ms(period.since)) + "." + std::to_string(to_ms(period.until)) + "." +
           std::to_string(offset);
  }
  static std::optional<Cursor> read(std::string_view text) {
    std::array<std::int64_t, 3> numbers{};
    for (std::int64_t& number : numbers) {
      const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
      const auto length = static_cast<std::size_t>(read.ptr - text.data());
      const bool last = &number == &numbers.back();
      if (read.ec != std::errc() || number < 0 ||
          (last ? length != text.size() : !text.substr(length).starts_with('.')))
        return std::nullopt;
      text.remove_prefix(last ? length : length + 1);
    }
    return Cursor{{from_ms(numbers[0]), from_ms(numbers[1])}, numbers[2]};
  }
};

struct Wanted {
  report::Asked asked;
  Filter filter;
  std::int64_t offset = 0, limit = kDefaultRows;
  bool csv = false;
};

std::variant<Wanted, Response> read_wanted(Parts& parts, const Call& call, const report::Question& question) {
  const WallTime now = parts.clock.now();
  auto checked = read_query(call.request, kQuery, now);
  if (auto* refused = std::get_if<Response>(&checked)) return std::move(*refused);
  const auto& row = std::get<schema::Row>(checked);
  Wanted wanted{.asked = {.zone = report::Zone::system(),
                          .project = text_of(row, kProject),
                          .source = text_of(row, kSource),
                          .by = report::find_by(text_of(row, kBy))},
                .filter = {text_of(row, kUser), text_of(row, kSession), text_of(row, kDevice), text_of(row, kName)}};
  if (row[kBy].index() != 0 && !question.by)
    return invalid(call.request, {{"by", "is a parameter of /api/v1/metrics/days"}});
  if (const auto* limit = std::get_if<std::int64_t>(&row[kLimit])) wanted.limit = *limit;
  wanted.csv = text_of(row, kFormat) == "csv" ||
               (row[kFormat].index() == 0 && call.request.header("Accept").starts_with("text/csv"));
  const auto period = read_period(row[kFrom], row[kTo], now);
  if (const auto* wrong = std::get_if<FieldError>(&period)) return invalid(call.request, {*wrong});
  wanted.asked.period = std::get<metrics::Period>(period);
  if (row[kCursor].index() != 0) {
    const auto cursor = Cursor::read(text_of(row, kCursor));
    if (!cursor) return invalid(call.request, {{"cursor", "must be the next_cursor of an answer"}});
    wanted.asked.period = cursor->period;
    wanted.offset = cursor->offset;
  }
  return wanted;
}

// The rows of one page; the cursor of the next, if there is one.
std::optional<std::string> cut(report::Report& report, const Wanted& wanted) {
  auto& rows = report.tables.front().rows;
  const auto size = static_cast<std::int64_t>(rows.size());
  const std::int64_t begin = std::min(wanted.offset, size), end = std::min(begin + wanted.limit, size);
  rows.erase(rows.begin() + end, rows.end());
  rows.erase(rows.begin(), rows.begin() + begin);
  if (end == size) return std::nullopt;
  return Cursor{wanted.asked.period, end}.text();
}

Response as_json(const report::Report& report, const std::optional<std::string>& next) {
  Json json = to_json(report);
  json["success"] = true;
  if (report.tables.front().layout == report::Layout::card) {
    json["data"] = json["totals"];
  } else {
    json["data"] = std::move(json["rows"]);
    json.erase("rows");
  }
  json["next_cursor"] = next ? Json(*next) : Json();
  return {.body = dump_json(json)};
}

Response as_csv(const report::Report& report, const std::optional<std::string>& next) {
  Response response{.body = report::find_form("csv")->render(report, {})};
  response.headers = {{"Content-Type", "text/csv; charset=utf-8; header=present"},
                      {"Content-Disposition", "attachment; filename=\"" + std::string(report.question) + ".csv\""}};
  if (next) response.headers.emplace_back("X-Next-Cursor", *next);
  return response;
}

// The question is the last word of the row's path.
Response answer(Parts& parts, const Call& call) {
  const std::string_view path = call.route.path;
  const report::Question& question = *report::find_question(path.substr(path.rfind('/') + 1));
  auto read = read_wanted(parts, call, question);
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  Wanted& wanted = std::get<Wanted>(read);
  auto records = parts.depot.find(call.who.place);
  if (!records) return store_problem(call.request, records.error());
  auto filter = allowed(call.who, std::move(wanted.filter));
  if (!filter) return not_allowed(call.request);
  FilteredReader reader(**records, std::move(*filter));
  auto report = question.answer(reader, wanted.asked);
  if (!report) return store_problem(call.request, report.error());
  const auto next = cut(*report, wanted);
  return with_etag(call.request, wanted.csv ? as_csv(*report, next) : as_json(*report, next));
}

}  // namespace

Response not_allowed(const Request& request) {
  return problem(request, 403, "insufficient_scope", "this credential may not see single people, or not this one");
}

std::span<const Route> question_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/api/v1/metrics/summary", kViewRecords | kViewSummary, Body::none, Cost::request, &answer,
       "What was done in a period, against the one before.", kQuery},
      {"GET", "/api/v1/metrics/sessions", kViewRecords, Body::none, Cost::request, &answer, "Sessions, a row each.",
       kQuery},
      {"GET", "/api/v1/metrics/tools", kViewRecords, Body::none, Cost::request, &answer, "Tools, by calls.", kQuery},
      {"GET", "/api/v1/metrics/commands", kViewRecords, Body::none, Cost::request, &answer,
       "Slash commands and skills, by calls.", kQuery},
      {"GET", "/api/v1/metrics/agents", kViewRecords, Body::none, Cost::request, &answer, "Agents, by calls.", kQuery},
      {"GET", "/api/v1/metrics/models", kViewRecords, Body::none, Cost::request, &answer,
       "Models: tokens, cache and cost.", kQuery},
      {"GET", "/api/v1/metrics/projects", kViewRecords, Body::none, Cost::request, &answer, "Projects, a row each.",
       kQuery},
      {"GET", "/api/v1/metrics/errors", kViewRecords, Body::none, Cost::request, &answer, "What fails most.", kQuery},
      {"GET", "/api/v1/metrics/days", kViewRecords | kViewSummary, Body::none, Cost::request, &answer,
       "Days, weeks or months, a row each.", kQuery},
      {"GET", "/api/v1/metrics/hours", kViewRecords | kViewSummary, Body::none, Cost::request, &answer,
       "Hours of the day, a row each.", kQuery},
  };
  return kRoutes;
}

}  // namespace fortium::service
