// Bodies of the documented predecessors, made into records of today: what they said, under our names, and nothing that
// they did not say. Pure; any thread.
#pragma once

#include "batch.h"

namespace fortium::service {

// What is wrong is told by the fields of the shape as it came.
//
// {"tool_name", "session_id", "execution_time_ms", "success", "timestamp", "user_id" | "user", …}: whatever else is a
// number, true or false goes into `context`; of texts only words that are known to be short. Its token is dropped.
Batch read_hook_tool(const Json& json, WallTime now);
// {"session_id", "start_time"} and {"session_id", "end_time", "duration_hours", "productivity_score" of 10, "metrics"}.
Batch read_hook_start(const Json& json, WallTime now);
Batch read_hook_end(const Json& json, WallTime now);
// {"metrics": [{"tool_name", …}], "source", "timestamp"}: lines of the hybrid collector.
Batch read_hybrid(const Json& json, WallTime now);
// {"command", "execution_time_ms", "success", "session_id", "user_identifier", "agent_name", "error_details",
// "metadata", "timestamp"}: a command.
Batch read_collect(const Json& json, WallTime now);
// {"sessionId", "metrics": [{"name", "value", "unit", "timestamp", "tags"}], "userId", "projectId", "environment"}:
// names are those of productivity metrics.
Batch read_generic(const Json& json, WallTime now);

}  // namespace fortium::service
