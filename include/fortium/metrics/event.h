// A record that passed its check, its wire form, and who it belongs to. Values; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/metrics/kind.h"
#include "fortium/schema/check.h"

namespace fortium::metrics {

struct Event {
  const Kind* kind = nullptr;
  schema::Row row;  // of kind->shape

  std::string_view text(Envelope field) const {
    const auto* value = std::get_if<std::string>(&row[field]);
    return value != nullptr ? std::string_view(*value) : std::string_view();
  }
  std::int64_t integer(Envelope field) const {
    const auto* value = std::get_if<std::int64_t>(&row[field]);
    return value != nullptr ? *value : 0;
  }
  bool has(Envelope field) const { return row[field].index() != 0; }
  std::string_view id() const { return text(kId); }
  WallTime timestamp() const { return from_ms(integer(kTimestamp)); }
  // Of a field by its name: empty where it is absent, or of another type.
  std::string_view text_of(std::string_view field) const;
  std::optional<double> number_of(std::string_view field) const;

 private:
  const schema::Value* value_of(std::string_view field) const;
};

// {"id":"…","timestamp":"…",…}: absent fields left out, members in the order of the shape. The same row gives the same
// bytes for ever, so a record is sent exactly as it was accepted, however often. With `named`, "kind" comes first: a
// line of `export --format jsonl`.
void append_wire(std::string& out, const Event& event, bool named = false);

// Reads one record of `kind` in wire form. A member "v" is its version: a newer one is not this function's to judge
// (see is_newer), an older or equal one is dropped; a member "kind" must be this kind's name.
schema::Checked check_event(const Kind& kind, const Json& record, WallTime now);
// "v" is beyond the version of this kind that we know.
bool is_newer(const Kind& kind, const Json& record);

// The same id and the same content. When it was recorded is no content.
bool same_content(const Event& a, const Event& b);

}  // namespace fortium::metrics
