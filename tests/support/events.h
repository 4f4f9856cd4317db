// Records for tests, made without JSON.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "fortium/metrics/event.h"
#include "support/fakes.h"

namespace fortium::test {

inline schema::Value& value_of(metrics::Event& event, std::string_view field) {
  for (std::size_t i = 0; i < event.row.size(); ++i)
    if (event.kind->shape[i].name == field) return event.row[i];
  throw std::out_of_range("no field " + std::string(field));
}

// A whole record of any kind, as a recorder stamps it, but without what the store fills in.
inline metrics::Event event_of(std::string_view kind_name, std::string id, std::string session = "s1",
                               std::int64_t at = FakeClock::kStart) {
  metrics::Event event{metrics::find_kind(kind_name), {}};
  event.row.resize(event.kind->shape.size());
  event.row[metrics::kId] = std::move(id);
  event.row[metrics::kTimestamp] = at;
  event.row[metrics::kRecordedAt] = at;
  if (!session.empty()) event.row[metrics::kSessionId] = std::move(session);
  event.row[metrics::kSource] = std::string("mcp");
  const auto set = [&event](std::string_view field, schema::Value value) { value_of(event, field) = std::move(value); };
  const auto outcome = [&set] {
    set("execution_time_ms", 10.0);
    set("status", std::string("success"));
  };
  if (kind_name == "command_execution") {
    set("command_name", std::string("build"));
    outcome();
  } else if (kind_name == "tool_usage") {
    set("tool_name", std::string("Edit"));
    outcome();
  } else if (kind_name == "agent_interaction") {
    set("agent_name", std::string("planner"));
    set("interaction_type", std::string("response"));
    outcome();
  } else if (kind_name == "productivity_metric") {
    set("metric_type", std::string("error_rate"));
    set("value", 0.5);
  } else if (kind_name == "model_usage") {
    set("model", std::string("m"));
    set("input_tokens", std::int64_t{1});
    set("output_tokens", std::int64_t{2});
  }
  return event;
}

inline metrics::Event tool_call(std::string id, std::string session = "s1", std::int64_t at = FakeClock::kStart) {
  return event_of("tool_usage", std::move(id), std::move(session), at);
}

// Any JSON text up to this size fits a record's context.
inline void set_detail(metrics::Event& event, std::size_t bytes) {
  value_of(event, "context") = "{\"x\":\"" + std::string(bytes, 'x') + "\"}";
}

inline std::string wire_of(const metrics::Event& event) {
  std::string wire;
  append_wire(wire, event);
  return wire;
}

}  // namespace fortium::test
