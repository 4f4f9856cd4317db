// A line of a file that may be cut, torn or damaged: it carries the checksum of its JSON, so what can be read back is
// what was written. Functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fortium/base/json.h"
#include "sqlite_outbox.h"

namespace fortium::store {

// "<16 hex digits of SHA-256> {…}\n"
std::string checked_line(std::string_view json);
// Of a line without its end; nothing where it is not whole.
std::optional<Json> read_checked_line(std::string_view line);

// {"url":…,"organization":…,"credential":…}
std::string to_json(const Destination& to);
Destination destination_from(const Json& json);

}  // namespace fortium::store
