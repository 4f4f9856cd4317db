#include "ingest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fortium/base/hash.h"
#include "fortium/base/json.h"
#include "fortium/base/log.h"
#include "fortium/metrics/identity.h"
#include "receipt.h"
#include "service/http/gzip.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

using metrics::Stored;

constexpr std::string_view kConflict = "another record has this id";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_gzip(const Request& request) {
  const std::string encoding = lower(request.header("Content-Encoding"));
  return encoding == "gzip" || encoding == "x-gzip";
}

std::int64_t units_of(std::size_t records) {
  return std::max<std::int64_t>(1, (static_cast<std::int64_t>(records) + kRecordsPerUnit - 1) / kRecordsPerUnit);
}

bool is_key(std::string_view text) {
  return text.size() <= kMaxIdempotencyKeyChars &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

Status status_of(Stored stored) {
  switch (stored) {
    case Stored::fresh: return Status::accepted;
    case Stored::duplicate: return Status::duplicate;
    case Stored::conflict: return Status::conflict;
  }
  return Status::conflict;
}

void settle(Line& line, Status status) {
  line.status = status;
  if (status == Status::conflict) line.message = kConflict;
}

// What is named after a thing is that thing, whoever tells of it: whoever comes first says what is known of it.
Status status_of(Stored stored, const metrics::Event& event) {
  const bool same_thing = stored == Stored::conflict && metrics::is_derived(event.id());
  return same_thing ? Status::duplicate : status_of(stored);
}

// The statuses of the first answer, on what was read from the same body. False: they do not fit it.
bool replay(const Answered& answered, Checked& checked) {
  if (answered.statuses.size() != checked.lines.size()) return false;
  for (std::size_t i = 0; i < checked.lines.size(); ++i) {
    const auto then = static_cast<Status>(answered.statuses[i]);
    Line& line = checked.lines[i];
    if (line.message.empty() && (then == Status::invalid || then == Status::too_large))
      line.message = "was refused when it was first sent";  // by an older version of this service
    settle(line, then);
  }
  return true;
}

std::string letters(const std::vector<Line>& lines) {
  std::string out;
  for (const Line& line : lines) out += static_cast<char>(line.status);
  return out;
}

// A record that is asked for again later must not be answered from memory then.
bool is_final(const std::vector<Line>& lines) {
  return std::ranges::none_of(lines, [](const Line& line) { return line.status == Status::newer; });
}

}  // namespace

std::string media_type(const Request& request) {
  std::string type = lower(request.header("Content-Type"));
  type.resize(std::min(type.size(), type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  return type;
}

std::optional<Response> refuse_encoding(const Request& request, bool protobuf) {
  const std::string type = media_type(request);
  if (!type.empty() && type != "application/json" && !(protobuf && type == "application/x-protobuf"))
    return problem(
        request, 415, "unsupported_media_type",
        std::string("Content-Type must be application/json") + (protobuf ? " or application/x-protobuf" : ""));
  const std::string_view encoding = request.header("Content-Encoding");
  if (encoding.empty() || lower(encoding) == "identity" || is_gzip(request)) return std::nullopt;
  Response response = problem(request, 415, "unsupported_encoding", "Content-Encoding must be gzip or absent");
  response.headers.emplace_back("Accept-Encoding", "gzip");
  return response;
}

std::variant<Plain, Response> plain_body(const Request& request) {
  if (!is_gzip(request)) return Plain{"", request.body};
  auto plain = gunzip(request.body, kMaxPlainBytes);
  if (!plain && plain.error().code == Errc::full) return problem(request, 413, "too_large", plain.error().what);
  if (!plain) return problem(request, 400, "invalid_encoding", plain.error().what);
  Plain out{std::move(*plain), {}};
  out.text = out.unpacked;
  return out;
}

Response Ingest::batch(const Request& request, const Credential& who) const {
  auto taken = take(request, who, read_batch);
  if (auto* refused = std::get_if<Response>(&taken)) return std::move(*refused);
  return receipt(std::get<Taken>(taken));
}

std::variant<Taken, Response> Ingest::take(const Request& request, const Credential& who, const Read& read) const {
  const SteadyTime begin = clock_.steady();
  auto plain = plain_body(request);
  if (auto* refused = std::get_if<Response>(&plain)) return std::move(*refused);
  const std::string_view body = std::get<Plain>(plain).text;
  const auto json = parse_json(body);
  if (!json) return problem(request, 400, "invalid_json", "the body is not valid JSON: " + json.error().what);
  auto batch = read(*json, clock_.now());
  if (auto* answer = std::get_if<Response>(&batch)) return std::move(*answer);
  return keep(request, who, body, std::get<Batch>(batch), begin);
}

std::variant<Taken, Response> Ingest::keep(const Request& request, const Credential& who, std::string_view body,
                                           const Batch& batch, SteadyTime begin) const {
  const WallTime now = clock_.now();
  const std::string_view key = request.header("Idempotency-Key");
  if (!is_key(key))
    return problem(request, 400, "validation_error", "Validation failed",
                   {{"Idempotency-Key", "must be 1 to " + std::to_string(kMaxIdempotencyKeyChars) +
                                            " printable ASCII characters without spaces"}});
  if (!batch.errors.empty()) return invalid(request, batch.errors);
  if (batch.records.size() > batch.most)
    return problem(
        request, 413, "too_large",
        "the batch has " + std::to_string(batch.records.size()) + " records, limit is " + std::to_string(batch.most));

  Taken taken{.batch_id = batch.id,
              .standing = limit_.charge(who.tenant, units_of(std::max(batch.records.size(), batch.weight))),
              .at = now,
              .most_body = request.most_body};
  if (!taken.standing.ever)
    return problem(request, 413, "too_large", "the batch is larger than the rate limit of a minute");
  if (!taken.standing.allowed) return too_many(request, taken.standing);

  std::string hash;
  std::optional<Answered> answered;
  if (!key.empty()) {
    const Sha256 digest = sha256(body);
    hash = to_hex(digest.data(), digest.size());
    // What cannot be looked up is done again: ids are what counts once.
    auto found = answers_.find(who.tenant, key, now);
    if (!found) log_warn("answers: " + found.error().what);
    if (found) answered = std::move(*found);
    if (answered && answered->body_hash != hash)
      return problem(request, 422, "idempotency_key_reused", "this Idempotency-Key came with another body before");
    if (answered) taken.at = answered->at;
  }

  SystemEntropy entropy;
  const std::string name = key.empty() ? std::string() : std::string(key) + "\x1F" + hash;
  taken.checked = check_records(batch, {.tenant = who.tenant, .request = name, .now = taken.at, .entropy = &entropy});
  if (batch.whole)
    if (auto refused = refuse_whole(request, taken)) return std::move(*refused);

  if (!answered || !replay(*answered, taken.checked)) {
    if (auto failed = store(request, who, taken.checked)) return std::move(*failed);
    if (!key.empty() && !answered && is_final(taken.checked.lines))
      if (auto kept = answers_.keep(who.tenant, key, {hash, now, letters(taken.checked.lines)}); !kept)
        log_warn("answers: " + kept.error().what);
  }
  taken.ms = std::chrono::duration<double, std::milli>(clock_.steady() - begin).count();
  return taken;
}

std::optional<Response> Ingest::store(const Request& request, const Credential& who, Checked& checked) const {
  figures_.rejected(who.tenant, checked.lines.size() - checked.events.size());
  if (checked.events.empty()) return std::nullopt;
  const SteadyTime begin = clock_.steady();
  auto records = depot_.find(who.place);
  if (!records) return store_problem(request, records.error());
  const auto stored = (*records)->append(checked.events, checked.stamped);
  if (!stored) {
    figures_.store_failed();
    if (stored.error().code != Errc::busy && stored.error().code != Errc::invalid) depot_.forget(who.place);
    return store_problem(request, stored.error());
  }
  figures_.stored(who.tenant, *stored, clock_.steady() - begin);
  for (std::size_t i = 0; i < stored->size(); ++i)
    settle(checked.lines[checked.line_of[i]], status_of((*stored)[i], checked.events[i]));
  return std::nullopt;
}

Result<void> Ingest::ask(const Credential& who, const std::function<Result<void>(metrics::Reader&)>& work) const {
  FM_TRY(const auto records, depot_.find(who.place));
  return records->ask(work);
}

}  // namespace fortium::service
