// Is this JSON what the shape says? Yes: a row of values. No: every violation, each with its place.
//
// The rules of numbers are owned here: 3.0 is a whole number, 18446744073709551615 is not -1, a fraction is kept where
// a fraction is allowed. null means absent. A field given under two of its names must have one value. Messages name
// what is allowed, never the text that was given. Pure; any thread.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/json.h"
#include "fortium/schema/field.h"

namespace fortium::schema {

// Boolean is 0 or 1, Timestamp is milliseconds, Object and List are canonical JSON text.
using Value = std::variant<std::monostate, std::int64_t, double, std::string>;

// One value a field, in the order of the shape; monostate where the field is absent.
using Row = std::vector<Value>;

struct Violation {
  std::string where;  // JSON pointer (RFC 6901); "" is the whole value
  std::string why;

  bool operator==(const Violation&) const = default;
};

struct Checked {
  Row row;
  std::vector<Violation> violations;  // the row counts only when this is empty

  bool ok() const { return violations.empty(); }
};

Checked check(Shape shape, const Json& value, Edge edge, WallTime now);

// "/status: must be one of success, error; /tool_name: is required"
std::string to_text(const std::vector<Violation>& violations);

// The value as JSON text, appended: what check() read, written back.
void append_value(std::string& out, const Field& field, const Value& value);

}  // namespace fortium::schema
