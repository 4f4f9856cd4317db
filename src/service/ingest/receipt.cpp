#include "receipt.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "fortium/base/json.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

struct Words {
  std::string_view status;
  std::string_view code;  // empty: none
};

Words words_of(Status status) {
  switch (status) {
    case Status::accepted: return {"accepted", ""};
    case Status::duplicate: return {"duplicate", ""};
    case Status::conflict: return {"rejected", "id_conflict"};
    case Status::invalid: return {"rejected", "invalid"};
    case Status::too_large: return {"rejected", "too_large"};
    case Status::newer: return {"retry", "newer_version"};
  }
  return {"retry", ""};
}

bool present(Status status) { return status == Status::accepted || status == Status::duplicate; }

std::string number(double value) {
  std::string text;
  append_json_number(text, std::round(value * 1000) / 1000);
  return text;
}

std::string rate_of(const Taken& taken) {
  return number(taken.ms > 0 ? static_cast<double>(taken.checked.lines.size()) / taken.ms * 1000 : 0);
}

// ,"rate_limit":{…}
void append_rate_limit(std::string& body, const Standing& standing) {
  body += ",\"rate_limit\":{\"limit\":" + std::to_string(standing.limit) +
          ",\"remaining\":" + std::to_string(standing.remaining) + ",\"reset_time\":\"" + to_rfc3339(standing.reset) +
          "\"}";
}

// ,"performance":{…}
void append_performance(std::string& body, const Taken& taken) {
  body +=
      ",\"performance\":{\"processing_latency_ms\":" + number(taken.ms) + ",\"ingestion_rate\":" + rate_of(taken) + "}";
}

void add_limit_headers(Response& response, const Standing& standing) {
  response.headers.emplace_back("X-RateLimit-Limit", std::to_string(standing.limit));
  response.headers.emplace_back("X-RateLimit-Remaining", std::to_string(standing.remaining));
  response.headers.emplace_back("X-RateLimit-Reset", to_rfc3339(standing.reset));
}

Response with_headers(int status, std::string body, const Taken& taken) {
  Response response{.status = status, .body = std::move(body)};
  add_limit_headers(response, taken.standing);
  response.headers.emplace_back("X-Processing-Time", number(taken.ms));
  response.headers.emplace_back("X-Ingestion-Rate", rate_of(taken));
  return response;
}

Response limited(Response response, const Taken& taken) {
  add_limit_headers(response, taken.standing);
  return response;
}

void append_line(std::string& out, std::size_t index, const Line& line) {
  const Words words = words_of(line.status);
  out += "{\"index\":";
  out += std::to_string(index);
  if (!line.id.empty()) {
    out += ",\"id\":";
    append_json_string(out, line.id);
  }
  out += ",\"status\":\"";
  out += words.status;
  out += '"';
  if (!words.code.empty()) {
    out += ",\"code\":\"";
    out += words.code;
    out += "\",\"message\":";
    append_json_string(out, line.message);
  }
  out += '}';
}

}  // namespace

std::string limits_json(std::size_t most_body) {
  return "{\"max_batch_records\":" + std::to_string(kMaxBatchRecords) +
         ",\"max_body_bytes\":" + std::to_string(most_body) + "}";
}

std::optional<Response> refuse_whole(const Request& request, const Taken& taken) {
  std::vector<FieldError> errors;
  bool only_large = true;
  for (const Line& line : taken.checked.lines) {
    if (line.status == Status::newer) {
      Response later = problem(request, 503, "newer_version", line.message);
      later.headers.emplace_back("Retry-After", std::to_string(kRetryWhenNewer.count() / 1000));
      return limited(std::move(later), taken);
    }
    only_large = only_large && (line.errors.empty() || line.status == Status::too_large);
    errors.insert(errors.end(), line.errors.begin(), line.errors.end());
  }
  if (errors.empty()) return std::nullopt;
  if (only_large) return limited(problem(request, 413, "too_large", "the record is too large", errors), taken);
  return limited(invalid(request, errors), taken);
}

std::optional<Response> refuse_conflict(const Request& request, const Taken& taken) {
  for (const Line& line : taken.checked.lines)
    if (line.status == Status::conflict)
      return limited(problem(request, 409, "id_conflict", line.message, {{"id", line.message}}), taken);
  return std::nullopt;
}

Response success(int status, const Taken& taken, std::string_view data) {
  std::string body = "{\"success\":true,\"data\":{";
  body += data;
  body += '}';
  append_rate_limit(body, taken.standing);
  append_performance(body, taken);
  body += '}';
  return with_headers(status, std::move(body), taken);
}

Response single_receipt(const Request& request, const Taken& taken, std::string_view more) {
  if (auto refused = refuse_conflict(request, taken)) return std::move(*refused);
  const Line& line = taken.checked.lines.front();
  std::string data = "\"id\":" + json_string(line.id) + ",\"created_at\":\"" + to_rfc3339(taken.at) + "\"";
  data += more;
  return success(line.status == Status::accepted ? 201 : 200, taken, data);
}

Response receipt(const Taken& taken) {
  const std::vector<Line>& lines = taken.checked.lines;
  std::string body;
  body.reserve(1024 + lines.size() * 96);
  body += "{\"success\":true,\"batch_id\":";
  if (taken.batch_id)
    append_json_string(body, *taken.batch_id);
  else
    body += "null";
  body += ",\"data\":{";
  for (const metrics::Kind& kind : metrics::kinds()) {
    const auto count =
        std::ranges::count_if(lines, [&kind](const Line& line) { return line.kind == &kind && present(line.status); });
    body += '"';
    body += kind.batch_key;
    body += "\":" + std::to_string(count) + ",";
  }
  body += "\"processing_time_ms\":" + number(taken.ms) + "},\"results\":[";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) body += ',';
    append_line(body, i, lines[i]);
  }
  body += ']';
  append_rate_limit(body, taken.standing);
  body += ",\"limits\":" + limits_json(taken.most_body);
  append_performance(body, taken);
  body += '}';
  return with_headers(200, std::move(body), taken);
}

}  // namespace fortium::service
