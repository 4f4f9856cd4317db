#include "http_ledger.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "fortium/base/entropy.h"
#include "fortium/base/json.h"
#include "fortium/metrics/kind.h"
#include "receipt.h"

namespace fortium::net {

namespace {

constexpr std::string_view kPath = "/api/v1/metrics/ledger";
constexpr std::string_view kHashesNoIds = "-";  // in the place of an organization's id

// RFC 3986: all but the unreserved characters.
std::string escaped(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
        c == '.' || c == '~')
      out += c;
    else
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

Error error_of(const HttpResponse& response, const Secret& key) {
  const std::string words = in_words(response, key);
  if (response.status >= 200 && response.status <= 299) return {Errc::unavailable, words + ", but no ledger"};
  switch (meaning_of(response.status, /*compressed=*/false).verdict) {
    case sync::Verdict::unauthorized: return {Errc::unauthorized, words};
    case sync::Verdict::misconfigured: return {Errc::not_found, words + ": the service keeps no ledger at this url"};
    case sync::Verdict::bad_record: return {Errc::invalid, words};
    case sync::Verdict::receipt:
    case sync::Verdict::retry:
    case sync::Verdict::too_large:
    case sync::Verdict::plain: break;
  }
  return {Errc::unavailable, words};
}

const Error kNoLedger{Errc::unavailable, "the answer is no ledger"};

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

struct HttpLedger::Page {
  struct Row {
    sync::LedgerKey key;
    sync::Tally tally;
    std::vector<std::string> ids;
  };
  std::vector<Row> rows;
  std::string next;  // cursor; empty: the last page
};

Result<Json> HttpLedger::get(const std::string& path) { return perform(authorized_request(options_, "GET", path)); }

Result<Json> HttpLedger::perform(HttpRequest request) {
  request.max_answer_bytes = kMostLedgerBytes;
  const HttpOutcome outcome = client_.perform(request);
  if (!outcome.ok) return Error{Errc::unavailable, outcome.what};
  if (outcome.response.status != 200) return error_of(outcome.response, options_.api_key);
  auto json = parse_json(outcome.response.body);
  if (!json || !json->is_object()) return kNoLedger;
  return std::move(*json);
}

Result<HttpLedger::Page> HttpLedger::page(const std::string& query, const std::string& cursor) {
  FM_TRY(const Json answer, get(std::string(kPath) + "?" + query + "&device_id=" + escaped(options_.device_id) +
                                (cursor.empty() ? "" : "&cursor=" + escaped(cursor))));
  const auto days = answer.find("days");
  if (days == answer.end() || !days->is_array() || answer.value("success", Json()) != true) return kNoLedger;
  Page page;
  for (const Json& day : *days) {
    if (!day.is_object()) return kNoLedger;
    const metrics::Kind* kind = metrics::find_kind(text_of(day, "kind"));
    if (kind == nullptr) continue;  // of a newer service
    const auto count = day.find("count");
    const std::string digest = text_of(day, "digest");
    if (count == day.end() || !count->is_number_integer() || *count < 0 || digest.size() != 32) return kNoLedger;
    Page::Row row{{text_of(day, "day"), metrics::index_of(*kind)},
                  {count->get<std::int64_t>(), LedgerDigest::from_hex(digest)},
                  {}};
    if (const auto ids = day.find("ids"); ids != day.end() && ids->is_array())
      for (const Json& id : *ids) {
        if (!id.is_string()) return kNoLedger;
        row.ids.push_back(id.get<std::string>());
      }
    page.rows.push_back(std::move(row));
  }
  page.next = text_of(answer, "next_cursor");
  return page;
}

Result<sync::Ledger> HttpLedger::tallies(const sync::Days& days) {
  sync::Ledger ledger;
  std::string cursor;
  for (int pages = 0; pages < kMostLedgerPages; ++pages) {
    FM_TRY(Page one, page("from=" + days.from + "&to=" + days.to, cursor));
    for (const Page::Row& row : one.rows) ledger[row.key] = row.tally;
    if (one.next.empty()) return ledger;
    cursor = std::move(one.next);
  }
  return kNoLedger;
}

Result<std::vector<std::string>> HttpLedger::ids(const sync::LedgerKey& key) {
  std::vector<std::string> ids;
  std::string cursor;
  const std::string query =
      "ids=1&from=" + key.day + "&to=" + key.day + "&kind=" + std::string(metrics::kinds()[key.kind].name);
  for (int pages = 0; pages < kMostLedgerPages; ++pages) {
    FM_TRY(Page one, page(query, cursor));
    for (Page::Row& row : one.rows)
      if (row.key == key) ids.insert(ids.end(), row.ids.begin(), row.ids.end());
    if (one.next.empty()) return ids;
    cursor = std::move(one.next);
  }
  return kNoLedger;
}

Result<std::vector<bool>> HttpLedger::counted(std::size_t kind, std::span<const std::string> ids) {
  std::unordered_set<std::string> found;
  for (std::span<const std::string> left = ids; !left.empty();) {
    const auto some = left.first(std::min(left.size(), kMostAskedIds));
    left = left.subspan(some.size());
    HttpRequest post = authorized_request(options_, "POST", kPath);
    post.headers.emplace_back("Content-Type", "application/json");
    post.body = dump_json({{"kind", metrics::kinds()[kind].name}, {"ids", std::vector(some.begin(), some.end())}});
    auto answer = perform(std::move(post));
    // A service from before this question was there.
    if (!answer && answer.error().code == Errc::not_found) return std::vector<bool>(ids.size(), false);
    if (!answer) return std::move(answer).error();
    const auto counted = answer->find("counted");
    if (counted == answer->end() || !counted->is_array()) return kNoLedger;
    for (const Json& id : *counted)
      if (id.is_string()) found.insert(id.get<std::string>());
  }
  std::vector<bool> known;
  for (const std::string& id : ids) known.push_back(found.contains(id));
  return known;
}

Result<std::string> HttpLedger::kept_as(std::string_view id) {
  if (is_uuid(id)) {
    std::string lower(id);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lower;
  }
  if (organization_.empty()) {
    FM_TRY(const Json told, get("/api/v1/capabilities"));
    const auto organization = told.find("organization");
    if (organization != told.end() && organization->is_object()) organization_ = text_of(*organization, "id");
    if (!is_uuid(organization_)) organization_ = kHashesNoIds;
  }
  return organization_ == kHashesNoIds ? std::string(id) : uuid5(organization_, id);
}

}  // namespace fortium::net
