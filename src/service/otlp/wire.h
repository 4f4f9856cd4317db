// Protocol buffers as JSON: the messages of OTLP that are read here, from their binary form into the JSON form that
// OTLP defines for them, so that both forms have one reader.
//
// Unknown fields are skipped, as protobuf demands. Refused, whatever a hostile sender does: what is cut off, a field of
// another wire type than its own, groups, text that is not UTF-8, more than kMaxJsonDepth levels, and more than
// kMostMessages messages. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fortium/base/json.h"

namespace fortium::service {

constexpr std::size_t kMostMessages = 1'000'000;

struct WireField;

struct WireMessage {
  std::span<const WireField> fields;
};

enum class WireType {
  text,     // string
  boolean,  // bool
  integer,  // int64 and enums, as varint
  fixed,    // fixed64
  sfixed,   // sfixed64
  number,   // double
  message,  // `of`
};

struct WireField {
  std::uint32_t number;
  std::string_view name;  // in JSON
  WireType type;
  const WireMessage* of = nullptr;
  bool repeated = false;
};

extern const WireMessage kLogsRequest;     // ExportLogsServiceRequest
extern const WireMessage kMetricsRequest;  // ExportMetricsServiceRequest

Result<Json> read_wire(const WireMessage& message, std::string_view bytes);

// The few answers, by hand: a field of a message, appended.
void append_wire_text(std::string& out, std::uint32_t number, std::string_view text);
void append_wire_integer(std::string& out, std::uint32_t number, std::uint64_t value);

}  // namespace fortium::service
