#include "receipt.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "fortium/base/json.h"
#include "fortium/metrics/kind.h"
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

std::string limits_json() {
  return "{\"max_batch_records\":" + std::to_string(kMaxBatchRecords) +
         ",\"max_body_bytes\":" + std::to_string(kMaxBodyBytes) + "}";
}

Response receipt(const std::optional<std::string>& batch_id, std::span<const Line> lines, const Standing& standing,
                 double processing_ms) {
  const std::string ms = number(processing_ms);
  const std::string rate = number(processing_ms > 0 ? static_cast<double>(lines.size()) / processing_ms * 1000 : 0);
  const std::string reset = to_rfc3339(standing.reset);

  std::string body;
  body.reserve(1024 + lines.size() * 96);
  body += "{\"success\":true,\"batch_id\":";
  if (batch_id)
    append_json_string(body, *batch_id);
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
  body += "\"processing_time_ms\":" + ms + "},\"results\":[";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) body += ',';
    append_line(body, i, lines[i]);
  }
  body += "],\"rate_limit\":{\"limit\":" + std::to_string(standing.limit) +
          ",\"remaining\":" + std::to_string(standing.remaining) + ",\"reset_time\":\"" + reset +
          "\"},\"limits\":" + limits_json() + ",\"performance\":{\"processing_latency_ms\":" + ms +
          ",\"ingestion_rate\":" + rate + "}}";

  return {.status = 200,
          .body = std::move(body),
          .headers = {{"X-RateLimit-Limit", std::to_string(standing.limit)},
                      {"X-RateLimit-Remaining", std::to_string(standing.remaining)},
                      {"X-RateLimit-Reset", reset},
                      {"X-Processing-Time", ms},
                      {"X-Ingestion-Rate", rate}}};
}

}  // namespace fortium::service
