#include "receipt.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "fortium/base/json.h"
#include "fortium/metrics/kind.h"
#include "fortium/sync/engine.h"

namespace fortium::net {

namespace {

using sync::RecordVerdict;
using sync::Verdict;

const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found != object.end() ? &*found : nullptr;
}

std::string text_of(const Json& object, const char* name) {
  const Json* value = member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// Of -1, where there is no such whole number.
std::int64_t count_of(const Json& object, const char* name) {
  const Json* value = member(object, name);
  if (value == nullptr || !value->is_number_integer()) return -1;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) return -1;
  return std::max<std::int64_t>(-1, value->get<std::int64_t>());
}

// One line of printable text: what the service says ends up on a terminal.
std::string shown(std::string text, const Secret& key) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return redact(text, key, kMostWords);
}

// The first of the violations, where they are listed.
std::string first_violation(const Json& answer) {
  const Json* errors = member(answer, "errors");
  if (errors == nullptr || !errors->is_array() || errors->empty()) return {};
  const std::string field = text_of(errors->front(), "field");
  return field + (field.empty() ? "" : ": ") + text_of(errors->front(), "message");
}

std::string said(const Json& answer) {
  if (std::string text = first_violation(answer); !text.empty()) return text;
  for (const char* name : {"message", "error", "detail", "title"}) {
    if (std::string text = text_of(answer, name); !text.empty()) return text;
    if (const Json* inner = member(answer, name); inner != nullptr)
      if (std::string text = text_of(*inner, "message"); !text.empty()) return text;
  }
  return {};
}

std::optional<RecordVerdict> verdict_named(std::string_view status) {
  if (status == "accepted") return RecordVerdict::accepted;
  if (status == "duplicate") return RecordVerdict::duplicate;
  if (status == "rejected") return RecordVerdict::rejected;
  if (status == "retry") return RecordVerdict::retry;
  return std::nullopt;
}

std::string reason_of(const Json& line, const Secret& key) {
  const std::string code = text_of(line, "code");
  const std::string message = text_of(line, "message");
  if (code.empty() && message.empty()) return "refused without a reason";
  return shown(code.empty() || message.empty() ? code + message : code + ": " + message, key);
}

// Lines name a record by its id; or, without one, by its index in the body.
std::string id_of(const Json& line, const sync::Batch& batch, std::span<const std::size_t> order) {
  if (member(line, "id") != nullptr) return text_of(line, "id");
  const std::int64_t index = count_of(line, "index");
  if (index < 0 || static_cast<std::size_t>(index) >= order.size()) return {};
  return batch.records[order[static_cast<std::size_t>(index)]].id;
}

void read_lines(const Json& lines, const sync::Batch& batch, const Secret& key, sync::Reply& reply) {
  const std::vector<std::size_t> order = body_order(batch);
  std::unordered_map<std::string_view, const sync::Waiting*> ours;
  for (const sync::Waiting& record : batch.records) ours.emplace(record.id, &record);
  std::unordered_map<std::string_view, std::size_t> seen;
  for (const Json& line : lines) {
    const auto verdict = verdict_named(text_of(line, "status"));
    const auto record = ours.find(id_of(line, batch, order));
    if (!verdict || record == ours.end()) continue;
    const auto [at, fresh] = seen.emplace(record->first, reply.outcomes.size());
    if (fresh)
      reply.outcomes.push_back(
          {record->second->id, *verdict, *verdict == RecordVerdict::rejected ? reason_of(line, key) : ""});
    else if (reply.outcomes[at->second].verdict != *verdict)  // who contradicts himself is asked again
      reply.outcomes[at->second] = {record->second->id, RecordVerdict::retry, ""};
  }
}

// The documented answer without a line for each record.
bool counts_add_up(const Json& answer, const sync::Batch& batch) {
  const Json* data = member(answer, "data");
  if (data == nullptr || !data->is_object()) return false;
  std::vector<std::int64_t> sent(metrics::kinds().size());
  for (const sync::Waiting& record : batch.records) ++sent[record.kind];
  for (const metrics::Kind& kind : metrics::kinds()) {
    const std::int64_t counted = count_of(*data, std::string(kind.batch_key).c_str());
    if (std::max<std::int64_t>(counted, 0) != sent[metrics::index_of(kind)]) return false;
  }
  return true;
}

Error no_receipt(std::string why) { return {Errc::unavailable, std::move(why)}; }

bool read_number(std::string_view text, int& out) {
  const auto end = text.data() + text.size();
  return !text.empty() && text.front() >= '0' && text.front() <= '9' &&
         std::from_chars(text.data(), end, out).ptr == end;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<Millis> retry_after_of(const HttpResponse& response, WallTime now) {
  // The service's own clock, if it tells: dates are then right however wrong ours is.
  const WallTime then = parse_http_date(response.header("Date")).value_or(now);
  if (const auto asked = parse_retry_after(response.header("Retry-After"), then)) return asked;
  if (!response.header("Retry-After").empty()) return std::nullopt;
  const auto answer = parse_json(response.body);
  if (!answer) return std::nullopt;
  const std::int64_t seconds = count_of(*answer, "retry_after");
  return seconds > 0 ? parse_retry_after(std::to_string(seconds), now) : std::nullopt;
}

}  // namespace

Meaning meaning_of(int status, bool compressed) {
  if (status >= 200 && status <= 299) return {.verdict = Verdict::receipt};
  switch (status) {
    case 400:
    case 422: return {.verdict = Verdict::bad_record};
    case 401:
    case 403: return {.verdict = Verdict::unauthorized};
    case 404:
    case 405:
    case 410: return {.verdict = Verdict::misconfigured};
    case 413: return {.verdict = Verdict::too_large};
    case 415:
      if (compressed) return {.verdict = Verdict::plain};
      break;
    case 408:
    case 425: return {.unreachable = true, .heeds_retry_after = true};
    case 429: return {.rate_limited = true, .heeds_retry_after = true};
    default: break;
  }
  // 3xx is not followed. Elsewhere a Retry-After could come from anybody on the way.
  return {.unreachable = true, .heeds_retry_after = status >= 500 && status <= 599};
}

std::optional<WallTime> parse_http_date(std::string_view value) {
  // "Sun, 06 Nov 1994 08:49:37 GMT"; the two obsolete forms are not worth the code.
  value = trimmed(value);
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (value.size() != 29 || value.substr(3, 2) != ", " || value.substr(25) != " GMT") return std::nullopt;
  const auto month = std::ranges::find(kMonths, value.substr(8, 3));
  int day, year, hour, minute, second;
  if (month == kMonths.end() || !read_number(value.substr(5, 2), day) || !read_number(value.substr(12, 4), year) ||
      !read_number(value.substr(17, 2), hour) || !read_number(value.substr(20, 2), minute) ||
      !read_number(value.substr(23, 2), second) || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month - kMonths.begin() + 1)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date).time_since_epoch() +
                  Millis((hour * 3600LL + minute * 60LL + second) * 1000));
}

std::optional<Millis> parse_retry_after(std::string_view value, WallTime now) {
  value = trimmed(value);
  if (value.empty()) return std::nullopt;
  if (std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
    std::int64_t seconds = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
    const std::int64_t most = sync::kRetryAfterMost.count() / 1000;
    if (read.ec != std::errc() || seconds > most) seconds = most;
    return seconds > 0 ? std::optional(Millis(seconds * 1000)) : std::nullopt;
  }
  const auto date = parse_http_date(value);
  if (!date || *date <= now) return std::nullopt;
  return std::min(*date - now, sync::kRetryAfterMost);
}

std::vector<std::size_t> body_order(const sync::Batch& batch) {
  std::vector<std::size_t> order(batch.records.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&batch](std::size_t i) { return batch.records[i].kind; });
  return order;
}

std::string in_words(const HttpResponse& response, const Secret& key) {
  const std::string status = "HTTP " + std::to_string(response.status);
  const auto answer = parse_json(response.body);
  const std::string words = answer ? said(*answer) : std::string();
  return words.empty() ? status : status + ": " + shown(words, key);
}

Result<void> read_receipt(std::string_view body, const sync::Batch& batch, const Secret& key, sync::Reply& reply) {
  const auto answer = parse_json(body);
  if (!answer) return no_receipt("the answer is no receipt: " + answer.error().what);
  if (!answer->is_object()) return no_receipt("the answer is no receipt: not an object");
  const Json* success = member(*answer, "success");
  if (success == nullptr || *success != true) {
    const std::string words = said(*answer);
    return no_receipt(words.empty() ? "the answer is no receipt: no success" : shown(words, key));
  }
  const Json* lines = member(*answer, "results");
  const Json* named = member(*answer, "batch_id");
  const bool ours = named != nullptr && named->is_string() && named->get_ref<const std::string&>() == batch.id;
  if (lines != nullptr && !lines->is_null()) {
    if (!lines->is_array()) return no_receipt("the answer is no receipt: results are not a list");
    if (!ours) return no_receipt("the receipt does not name this batch");
    read_lines(*lines, batch, key, reply);
  } else {
    if (named != nullptr && !named->is_null() && !ours) return no_receipt("the receipt names another batch");
    if (!counts_add_up(*answer, batch)) return no_receipt("the counts of the receipt are not those of the batch");
    for (const sync::Waiting& record : batch.records)
      reply.outcomes.push_back({record.id, RecordVerdict::accepted, ""});
  }
  if (const Json* limits = member(*answer, "limits"); limits != nullptr) {
    reply.max_records = std::max<std::int64_t>(0, count_of(*limits, "max_batch_records"));
    reply.max_body_bytes = std::max<std::int64_t>(0, count_of(*limits, "max_body_bytes"));
  }
  return {};
}

Result<std::vector<sync::RecordOutcome>> read_outcomes(std::string_view body, const Secret& key) {
  const auto answer = parse_json(body);
  const Json* lines = answer ? member(*answer, "results") : nullptr;
  if (lines == nullptr || !lines->is_array()) return no_receipt("no receipt: it has no results");
  std::vector<sync::RecordOutcome> outcomes;
  for (const Json& line : *lines) {
    const auto verdict = verdict_named(text_of(line, "status"));
    if (!verdict || text_of(line, "id").empty()) continue;
    outcomes.push_back(
        {text_of(line, "id"), *verdict, *verdict == RecordVerdict::rejected ? reason_of(line, key) : ""});
  }
  return outcomes;
}

sync::Reply read_answer(const HttpResponse& response, const sync::Batch& batch, bool compressed, const Secret& key,
                        WallTime now) {
  const Meaning meaning = meaning_of(response.status, compressed);
  sync::Reply reply{
      .verdict = meaning.verdict, .unreachable = meaning.unreachable, .rate_limited = meaning.rate_limited};
  if (meaning.heeds_retry_after) reply.retry_after = retry_after_of(response, now);
  if (meaning.verdict != Verdict::receipt) {
    reply.message = in_words(response, key);
    return reply;
  }
  if (auto read = read_receipt(response.body, batch, key, reply); !read) {
    reply = {.verdict = Verdict::retry, .unreachable = true};
    reply.message = "HTTP " + std::to_string(response.status) + ", but " + read.error().what;
  }
  return reply;
}

}  // namespace fortium::net
