// What Claude Code's own telemetry says, as records: events of logs and data points of metrics, from the JSON form of
// OTLP.
//
// Ids are derived from the names that Claude Code gives (fortium/metrics/identity.h), as hooks and transcripts do: what
// is sent again, or is known from there too, counts once. Nothing that somebody typed is taken: prompts, answers,
// arguments, paths and texts of errors stay behind whatever the exporter was told to send. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "service/ingest/batch.h"

namespace fortium::service {

struct Telemetry {
  Batch batch;
  std::size_t items = 0;       // log records or data points
  std::int64_t strangers = 0;  // of them, not of Claude Code: they are not kept
};

// invalid: it has not the form of OTLP.
Result<Telemetry> read_logs(const Json& request);
Result<Telemetry> read_points(const Json& request);

}  // namespace fortium::service
