#include "fortium/metrics/event.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fortium::metrics {

const schema::Value* Event::value_of(std::string_view field) const {
  const auto at = std::ranges::find(kind->shape, field, &schema::Field::name);
  return at != kind->shape.end() ? &row[static_cast<std::size_t>(at - kind->shape.begin())] : nullptr;
}

std::string_view Event::text_of(std::string_view field) const {
  const auto* value = std::get_if<std::string>(value_of(field));
  return value != nullptr ? std::string_view(*value) : std::string_view();
}

std::optional<double> Event::number_of(std::string_view field) const {
  const schema::Value* value = value_of(field);
  if (value == nullptr) return std::nullopt;
  if (const auto* whole = std::get_if<std::int64_t>(value)) return static_cast<double>(*whole);
  if (const auto* number = std::get_if<double>(value)) return *number;
  return std::nullopt;
}

void append_wire(std::string& out, const Event& event, bool named) {
  out += '{';
  bool first = true;
  const auto member = [&](std::string_view name) {
    if (!first) out += ',';
    first = false;
    out += '"';
    out += name;  // snake_case: nothing to escape
    out += "\":";
  };
  if (named) {
    member("kind");
    append_json_string(out, event.kind->name);
  }
  for (std::size_t i = 0; i < event.row.size(); ++i) {
    if (event.row[i].index() == 0) continue;
    member(event.kind->shape[i].name);
    schema::append_value(out, event.kind->shape[i], event.row[i]);
  }
  out += '}';
}

schema::Checked check_event(const Kind& kind, const Json& record, WallTime now) {
  if (!record.is_object() || (!record.contains("v") && !record.contains("kind")))
    return schema::check(kind.shape, record, schema::Edge::record, now);
  Json plain = record;
  std::vector<schema::Violation> violations;
  if (const auto version = plain.find("v"); version != plain.end()) {
    if (!version->is_number_integer() || *version < 1)
      violations.push_back({"/v", "must be a whole number from 1 to " + std::to_string(kind.version)});
    plain.erase(version);
  }
  if (const auto name = plain.find("kind"); name != plain.end()) {
    if (*name != kind.name) violations.push_back({"/kind", "must be " + std::string(kind.name)});
    plain.erase(name);
  }
  schema::Checked checked = schema::check(kind.shape, plain, schema::Edge::record, now);
  checked.violations.insert(checked.violations.begin(), violations.begin(), violations.end());
  return checked;
}

bool is_newer(const Kind& kind, const Json& record) {
  if (!record.is_object()) return false;
  const auto version = record.find("v");
  return version != record.end() && version->is_number_integer() &&
         (version->is_number_unsigned() ? version->get<std::uint64_t>() > static_cast<std::uint64_t>(kind.version)
                                        : version->get<std::int64_t>() > kind.version);
}

bool same_content(const Event& a, const Event& b) {
  if (a.kind != b.kind) return false;
  for (std::size_t i = 0; i < a.row.size(); ++i)
    if (i != kRecordedAt && a.row[i] != b.row[i]) return false;
  return true;
}

}  // namespace fortium::metrics
