// OTLP over HTTP: where Claude Code's own telemetry is sent to, in JSON or protobuf, and its answers in the same form.
// Any thread.
#pragma once

#include <span>

#include "service/route.h"

namespace fortium::service {

std::span<const Route> otlp_routes();

// A refusal as OTLP demands it: a Status, in the form of the request. What our own clients would send again later has a
// status that exporters send again, too.
Response as_status(const Request& request, Response refused);

}  // namespace fortium::service
