#include "otlp_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "service/limits.h"
#include "telemetry.h"
#include "wire.h"

namespace fortium::service {

namespace {

constexpr std::string_view kProtobuf = "application/x-protobuf";

bool is_protobuf(const Request& request) { return media_type(request) == kProtobuf; }

// The codes of google.rpc.Code.
int code_of(int status) {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422: return 3;   // INVALID_ARGUMENT
    case 401: return 16;  // UNAUTHENTICATED
    case 403: return 7;   // PERMISSION_DENIED
    case 404: return 5;   // NOT_FOUND
    case 429: return 8;   // RESOURCE_EXHAUSTED
    case 501: return 12;  // UNIMPLEMENTED
    case 503: return 14;  // UNAVAILABLE
    default: return 13;   // INTERNAL
  }
}

Response in_form_of(const Request& request, int status, std::string body) {
  Response response{.status = status, .body = std::move(body)};
  if (is_protobuf(request)) response.headers = {{"Content-Type", std::string(kProtobuf)}};
  return response;
}

struct Signal {
  const WireMessage& message;
  Result<Telemetry> (*read)(const Json&);
  std::string_view rejected;  // the name of that number
};

// Both numbers of a partial success are 1 and 2, and so is it in its answer.
Response answer(const Request& request, const Signal& signal, std::int64_t rejected, std::string_view why) {
  const bool wire = is_protobuf(request);
  if (why.empty()) return in_form_of(request, 200, wire ? "" : "{}");
  std::string partial;
  if (wire) {
    if (rejected > 0) append_wire_integer(partial, 1, static_cast<std::uint64_t>(rejected));
    append_wire_text(partial, 2, why);
    std::string body;
    append_wire_text(body, 1, partial);  // a message is laid out as text is
    return in_form_of(request, 200, std::move(body));
  }
  return in_form_of(request, 200,
                    "{\"partialSuccess\":{\"" + std::string(signal.rejected) + "\":\"" + std::to_string(rejected) +
                        "\",\"errorMessage\":" + json_string(why) + "}}");
}

Response take(Parts& parts, const Call& call, const Signal& signal) {
  const Request& request = call.request;
  const SteadyTime begin = parts.clock.steady();
  const auto refuse = [&](int status, std::string_view code, std::string_view why) {
    return as_status(request, problem(request, status, code, why));
  };
  auto plain = plain_body(request);
  if (auto* refused = std::get_if<Response>(&plain)) return as_status(request, std::move(*refused));
  const std::string_view body = std::get<Plain>(plain).text;
  const auto json = is_protobuf(request) ? read_wire(signal.message, body) : parse_json(body);
  if (!json) return refuse(400, "invalid_body", "the body cannot be read: " + json.error().what);
  auto telemetry = signal.read(*json);
  if (!telemetry) return refuse(400, "invalid_body", telemetry.error().what);
  if (telemetry->items > kMaxTelemetryItems)
    return refuse(413, "too_large",
                  "the request has " + std::to_string(telemetry->items) + " items, limit is " +
                      std::to_string(kMaxTelemetryItems));

  telemetry->batch.most = kMaxTelemetryItems;
  auto taken = parts.ingest.keep(request, call.who, body, telemetry->batch, begin);
  if (auto* refused = std::get_if<Response>(&taken)) return as_status(request, std::move(*refused));
  std::int64_t rejected = telemetry->strangers;
  std::string why = rejected > 0 ? "only the telemetry of Claude Code is kept" : "";
  for (const Line& line : std::get<Taken>(taken).checked.lines) {
    if (line.status == Status::accepted || line.status == Status::duplicate) continue;
    ++rejected;
    if (why.empty()) why = line.message;
  }
  return answer(request, signal, rejected, why);
}

Response logs(Parts& parts, const Call& call) {
  return take(parts, call, {kLogsRequest, read_logs, "rejectedLogRecords"});
}
Response points(Parts& parts, const Call& call) {
  return take(parts, call, {kMetricsRequest, read_points, "rejectedDataPoints"});
}

// Spans tell nothing that the events do not: to take them and to keep nothing would be a lie.
Response traces(Parts& /*parts*/, const Call& call) {
  return as_status(call.request, problem(call.request, 501, "not_implemented",
                                         "traces are not taken; send metrics and logs (OTEL_TRACES_EXPORTER=none)"));
}

}  // namespace

Response as_status(const Request& request, Response refused) {
  // Exporters give up on any other.
  if (refused.status == 507) {
    refused.status = 503;
    refused.headers.emplace_back("Retry-After", std::to_string(kRetryWhenBusy.count() / 1000));
  }
  const auto json = parse_json(refused.body);
  std::string message = json && json->is_object() ? json->value("message", "") : std::string();
  if (json && json->is_object() && json->contains("errors"))
    for (const Json& error : (*json)["errors"])
      message += "; " + error.value("field", "") + ": " + error.value("message", "");
  const int code = code_of(refused.status);
  std::string body;
  if (is_protobuf(request)) {
    append_wire_integer(body, 1, static_cast<std::uint64_t>(code));
    append_wire_text(body, 2, message);
  } else {
    body = "{\"code\":" + std::to_string(code) + ",\"message\":" + json_string(message) + "}";
  }
  Response out = in_form_of(request, refused.status, std::move(body));
  std::ranges::move(refused.headers, std::back_inserter(out.headers));
  return out;
}

std::span<const Route> otlp_routes() {
  static constexpr Route kRoutes[] = {
      {"POST", "/v1/logs", kWrite, Body::otlp, Cost::own, &logs, "Claude Code's own events, by OTLP."},
      {"POST", "/v1/metrics", kWrite, Body::otlp, Cost::own, &points, "Claude Code's own metrics, by OTLP."},
      {"POST", "/v1/traces", kWrite, Body::otlp, Cost::request, &traces, "Refused: traces are not taken."},
  };
  return kRoutes;
}

}  // namespace fortium::service
