// The words in which every record, tool argument, tool answer and setting is described.
//
// A Shape is constexpr data. From it come the JSON schema, the check, the table and the documentation, so they cannot
// disagree. Everything here is immutable; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

namespace fortium::schema {

struct Field;

// Characters are Unicode code points, as in JSON Schema's maxLength. Control characters (U+0000 to U+001F and U+007F)
// are refused; in `multiline` text, tab, line feed and carriage return are allowed.
struct Text {
  std::int64_t min_chars = 1;
  std::int64_t max_chars = 255;
  bool multiline = false;
};
// A whole number; 3.0 and 3e0 are whole, as in JSON Schema.
struct Integer {
  std::int64_t min = 0;
  std::int64_t max = 0;
};
struct Number {
  double min = 0;
  double max = 0;
};
struct Boolean {};
struct OneOf {
  std::span<const std::string_view> words;
};
// RFC 3339 from 2000-01-01 to one day ahead of the clock; kept as milliseconds since 1970 UTC.
struct Timestamp {};
// With fields: exactly these members. Without: free-form detail, kept verbatim as JSON text.
struct Object {
  std::span<const Field> fields = {};
  std::int64_t max_members = 50;
  std::int64_t max_bytes = 65536;  // of its JSON text
};
struct List {
  const Field* item = nullptr;
  std::int64_t max_items = 100;
};
using Type = std::variant<Text, Integer, Number, Boolean, OneOf, Timestamp, Object, List>;

// measured: a caller must tell it; a complete record may lack it, as some sources (imports, hooks of calls that were
// cancelled) cannot know. Absent means unknown, never zero.
enum class Need { required, measured, optional };

// Who may give a field: anybody, or only a complete record (a synced batch, an import, `record --json`).
enum class Given { caller, record };

// How a documented synonym's value becomes the field's own.
enum class Convert { same, success_flag, minutes_to_ms };

struct Alias {
  std::string_view name;
  Convert convert = Convert::same;
};

struct Field {
  std::string_view name;
  Type type;
  std::string_view doc;
  Need need = Need::required;
  std::span<const Alias> aliases = {};
  Given given = Given::caller;
};

using Shape = std::span<const Field>;

// Which edge a value comes in by: `call` takes the fields of Given::caller only; `record` takes all.
enum class Edge { call, record };

constexpr bool offered(const Field& field, Edge edge) { return edge == Edge::record || field.given == Given::caller; }
constexpr bool demanded(const Field& field, Edge edge) {
  return field.need == Need::required || (field.need == Need::measured && edge == Edge::call);
}

constexpr bool is_snake_case(std::string_view name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z') return false;
  for (const char c : name)
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_') return false;
  return true;
}

// Unique snake_case names (aliases included) and a sentence for each field.
constexpr bool well_formed(Shape shape) {
  const auto taken = [shape](std::string_view name, const Field* self) {
    for (const Field& other : shape) {
      if (&other != self && other.name == name) return true;
      for (const Alias& alias : other.aliases)
        if (alias.name == name && &other != self) return true;
    }
    return false;
  };
  for (const Field& field : shape) {
    if (!is_snake_case(field.name) || taken(field.name, &field) || field.doc.empty() || field.doc.back() != '.')
      return false;
    for (const Alias& alias : field.aliases)
      if (!is_snake_case(alias.name) || alias.name == field.name || taken(alias.name, &field)) return false;
  }
  return true;
}

}  // namespace fortium::schema
