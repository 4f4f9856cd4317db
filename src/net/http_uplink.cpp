#include "http_uplink.h"

#include <zlib.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "fortium/base/json.h"
#include "fortium/metrics/kind.h"
#include "receipt.h"

namespace fortium::net {

namespace {

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> texts_of(const Json& object, const char* name) {
  std::vector<std::string> texts;
  const auto found = object.find(name);
  if (found != object.end() && found->is_array())
    for (const Json& item : *found)
      if (item.is_string()) texts.push_back(item.get<std::string>());
  return texts;
}

std::int64_t limit_of(const Json& limits, const char* name) {
  const auto found = limits.find(name);
  if (found == limits.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() > INT64_MAX) return 0;
  return found->get<std::int64_t>();
}

// Nobody else's JSON looks like this: it names a service, or says what it takes.
std::optional<sync::Capabilities> read_capabilities(std::string_view body) {
  const auto answer = parse_json(body);
  if (!answer || !answer->is_object()) return std::nullopt;
  const auto limits = answer->find("limits");
  const bool limited = limits != answer->end() && limits->is_object();
  if (text_of(*answer, "service").empty() && !limited) return std::nullopt;
  sync::Capabilities told{.service = text_of(*answer, "service"),
                          .version = text_of(*answer, "version"),
                          .scopes = texts_of(*answer, "scopes"),
                          .features = texts_of(*answer, "features")};
  if (const auto organization = answer->find("organization");
      organization != answer->end() && organization->is_object()) {
    told.organization_id = text_of(*organization, "id");
    told.organization_name = text_of(*organization, "name");
  }
  if (const auto time = parse_rfc3339(text_of(*answer, "server_time"))) told.server_time = *time;
  if (limited) {
    told.max_records = limit_of(*limits, "max_batch_records");
    told.max_body_bytes = limit_of(*limits, "max_body_bytes");
  }
  for (const std::string& encoding : texts_of(*answer, "encodings")) told.gzip = told.gzip || encoding == "gzip";
  return told;
}

sync::Reply unreachable(const HttpOutcome& outcome) {
  return {.verdict = sync::Verdict::retry, .message = outcome.what, .unreachable = true};
}

}  // namespace

std::string render_batch(const sync::Batch& batch, std::string_view device_id, WallTime sent_at) {
  std::size_t size = 512;
  for (const sync::Waiting& record : batch.records) size += record.wire.size() + 1;
  std::string body;
  body.reserve(size);
  body += "{\"batch_id\":";
  append_json_string(body, batch.id);
  body += ",\"device_id\":";
  append_json_string(body, device_id);
  body += ",\"sent_at\":";
  append_json_string(body, to_rfc3339(sent_at));
  const std::vector<std::size_t> order = body_order(batch);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const sync::Waiting& record = batch.records[order[i]];
    const bool first = i == 0 || batch.records[order[i - 1]].kind != record.kind;
    if (first) {
      if (i > 0) body += ']';
      body += ",\"";
      body += metrics::kinds()[record.kind].batch_key;
      body += "\":[";
    } else {
      body += ',';
    }
    body += record.wire;
  }
  // The documented service wants at least one key, and `test-connection` posts no record.
  if (order.empty()) body += ",\"" + std::string(metrics::kinds().front().batch_key) + "\":[";
  body += "]}";
  return body;
}

HttpRequest authorized_request(const UplinkOptions& options, std::string_view method, std::string_view path) {
  HttpRequest request;
  request.method = method;
  request.path = options.origin.base_path + std::string(path);
  request.deadline = options.timeout;
  if (!options.api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + options.api_key.reveal());
  if (!options.organization_id.empty()) request.headers.emplace_back("X-Organization-ID", options.organization_id);
  request.headers.emplace_back("Accept", "application/json");
  request.headers.emplace_back("User-Agent", options.user_agent);
  return request;
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;  // the largest window, in gzip's frame
  if (deflateInit2(&stream, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib does not write there
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(done ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

HttpUplink::HttpUplink(HttpClient& client, UplinkOptions options, const Clock& clock)
    : client_(client), options_(std::move(options)), clock_(clock) {}

sync::Reply HttpUplink::send(const sync::Batch& batch) {
  HttpRequest post = authorized_request(options_, "POST", "/api/v1/metrics/batch");
  post.max_answer_bytes = kMostAnswerBytes;
  post.headers.emplace_back("Content-Type", "application/json");
  post.headers.emplace_back("Idempotency-Key", batch.id);
  post.body = render_batch(batch, options_.device_id, clock_.now());
  bool compressed = false;
  if (batch.gzip && post.body.size() >= kGzipFrom) {
    if (std::string small = gzip(post.body); !small.empty()) {
      post.body = std::move(small);
      post.headers.emplace_back("Content-Encoding", "gzip");
      compressed = true;
    }
  }
  const SteadyTime begin = clock_.steady();
  const HttpOutcome outcome = client_.perform(post);
  sync::Reply reply = outcome.ok ? read_answer(outcome.response, batch, compressed, options_.api_key, clock_.now())
                                 : unreachable(outcome);
  reply.took = std::chrono::duration_cast<Millis>(clock_.steady() - begin);
  return reply;
}

std::optional<sync::Capabilities> HttpUplink::capabilities(sync::Reply& reply) {
  HttpRequest get = authorized_request(options_, "GET", "/api/v1/capabilities");
  get.max_answer_bytes = kMostCapabilitiesBytes;
  const SteadyTime begin = clock_.steady();
  const HttpOutcome outcome = client_.perform(get);
  std::optional<sync::Capabilities> told;
  if (!outcome.ok) {
    reply = unreachable(outcome);
  } else {
    reply = read_answer(outcome.response, {}, /*compressed=*/false, options_.api_key, clock_.now());
    const int status = outcome.response.status;
    if (status == 200) told = read_capabilities(outcome.response.body);
    if (told) {
      reply = {.verdict = sync::Verdict::receipt};
    } else if (status != 429 && status != 503 && reply.verdict != sync::Verdict::unauthorized) {
      // A service that knows only the documented end points may answer anything here; the batch decides.
      reply.verdict = sync::Verdict::misconfigured;
      reply.message = "no capabilities: " + in_words(outcome.response, options_.api_key);
    }
  }
  reply.took = std::chrono::duration_cast<Millis>(clock_.steady() - begin);
  return told;
}

}  // namespace fortium::net
