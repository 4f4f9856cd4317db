// The kinds of record: the one table (src/metrics/kinds.cpp) that tools, checks, tables, wire form and docs come from.
//
// Immutable; any thread. Limits are those of the wire protocol, so that what one end takes the other takes too.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "fortium/schema/field.h"

namespace fortium::metrics {

// Places of the envelope's fields in every record, whatever its kind. The order is that of the columns and of the wire.
enum Envelope : std::size_t {
  kId,
  kTimestamp,
  kRecordedAt,
  kSessionId,
  kUserId,
  kTeamId,
  kDeviceId,
  kSeq,
  kSource,
  kProject,
  kPromptId,
  kToolUseId,
  kRequestId,
  kMessageId,
  kEnvelopeSize,
};

struct Kind {
  std::string_view name;       // "tool_usage": also its table
  int version;                 // of its fields; within a version only optional fields are added
  std::string_view batch_key;  // "tool_usages"
  std::string_view tool;       // MCP tool that records it; empty where sessions have three of their own
  std::string_view path;       // below /api/v1/metrics/
  std::string_view title;      // for people
  std::string_view doc;
  schema::Shape shape;  // envelope, then its own fields
};

// In the order of the keys of a batch (interface: receipts count over the keys in this order).
std::span<const Kind> kinds();
constexpr std::size_t kKindCount = 6;  // of them
// By name or by batch key; nullptr when there is none.
const Kind* find_kind(std::string_view name);
std::size_t index_of(const Kind& kind);

// The longest command, agent or tool name, in characters.
constexpr std::int64_t kMaxNameChars = 255;
constexpr double kMaxDurationMs = 86'400'000;  // one day
constexpr std::int64_t kMaxTokens = 1'000'000'000'000;
constexpr std::int64_t kMaxMembers = 50;          // of context, metadata, command_args, dimensions
constexpr std::int64_t kMaxDetailBytes = 65'536;  // of their JSON text
constexpr std::int64_t kMaxErrorChars = 10'000;

inline constexpr std::string_view kStatuses[] = {"success", "error", "timeout", "cancelled"};
inline constexpr std::string_view kSources[] = {"mcp", "hook", "cli", "import", "sdk", "otlp"};
inline constexpr std::string_view kSessionChanges[] = {"start", "update", "end"};
inline constexpr std::string_view kSessionStatuses[] = {"active", "completed", "abandoned"};

}  // namespace fortium::metrics
