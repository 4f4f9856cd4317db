// Two judges of the same records: our check, and the JSON schema we publish, as another library reads it. On thousands
// of made-up records of every kind they must agree.
//
// What JSON Schema cannot say, and the generator therefore does not make:
// - null for absent, and one field under two of its names;
// - the size of detail in bytes, and what is beyond a double;
// - the range of times ("format" knows only their form), a leap second, and a blank instead of the T.
// What the other library cannot do: text patterns on long texts (its regular expressions recurse by the character), so
// patterns are left out where a text may be long; and 3.0 is no integer to it, so whole numbers are made as such.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "fortium/metrics/event.h"
#include "fortium/schema/render.h"
#include "support/dice.h"
#include "support/fakes.h"
#include "support/json_schema.h"

using namespace fortium;
using namespace fortium::schema;
using test::Dice;

namespace {

const WallTime kNow = from_ms(test::FakeClock::kStart);
constexpr std::int64_t kLongText = 1'000;  // beyond it patterns are left out

// Drops the patterns of long texts.
void prune(Json& schema) {
  if (schema.is_array())
    for (Json& item : schema) prune(item);
  if (!schema.is_object()) return;
  if (schema.contains("pattern") && schema.value("maxLength", std::int64_t{0}) > kLongText) schema.erase("pattern");
  for (auto& [key, member] : schema.items()) prune(member);
}

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : dice_(seed) {}

  // Mostly right, sometimes at a limit, sometimes just beyond, sometimes quite wrong.
  Json record(Shape shape, Edge edge) {
    Json out = Json::object();
    for (const Field& field : shape) {
      if (!offered(field, edge) && !dice_.one_in(40)) continue;
      const bool needed = demanded(field, edge);
      if (needed ? dice_.one_in(12) : !dice_.one_in(3)) continue;
      const bool synonym = !field.aliases.empty() && dice_.one_in(3);
      if (!synonym) {
        out[std::string(field.name)] = value(field);
        continue;
      }
      const Alias& alias = dice_.pick(field.aliases);
      out[std::string(alias.name)] = aliased(field, alias);
    }
    if (dice_.one_in(15)) out[dice_.letters(3)] = 1;
    return out;
  }

 private:
  Json aliased(const Field& field, const Alias& alias) {
    if (alias.convert == Convert::success_flag) return dice_.one_in(8) ? Json(1) : Json(dice_.one_in(2));
    if (alias.convert == Convert::minutes_to_ms) return number(Number{.min = 0, .max = 1440});
    return value(field);
  }
  Json value(const Field& field) {
    if (dice_.one_in(25)) return nonsense();
    return std::visit([this](const auto& type) { return of(type); }, field.type);
  }
  Json nonsense() {
    switch (dice_.below(6)) {
      case 0: return true;
      case 1: return -7;
      case 2: return 0.5;
      case 3: return "nonsense";
      case 4: return Json::array({1});
      default: return Json{{"x", 1}};
    }
  }
  std::string text(std::int64_t chars, bool multiline) {
    constexpr const char* kPieces[] = {"a", "Z", "0", "-", "_", "/", " ", "\"", "\\", "ä", "€", "😀"};
    std::string out;
    for (std::int64_t i = 0; i < chars; ++i) out += kPieces[dice_.below(12)];
    if (!out.empty() && multiline && dice_.one_in(2)) out.back() = '\n';
    return out;
  }
  Json of(const Text& type) {
    std::int64_t chars = dice_.between(type.min_chars, std::min<std::int64_t>(type.max_chars, 30));
    if (dice_.one_in(5)) chars = type.max_chars + static_cast<std::int64_t>(dice_.below(2));
    if (dice_.one_in(8)) chars = std::max<std::int64_t>(0, type.min_chars - static_cast<std::int64_t>(dice_.below(2)));
    std::string out = text(chars, false);
    const bool judged = type.max_chars <= kLongText;
    if (judged && !out.empty() && out.front() > 0 && dice_.one_in(10))
      out.front() = "\x01\n\t\r\x1f\x7f"[dice_.below(6)];
    if (!judged && type.multiline && !out.empty() && out.front() > 0 && dice_.one_in(4)) out.front() = '\n';
    return out;
  }
  Json of(const Integer& type) {
    switch (dice_.below(8)) {
      case 0: return type.min;
      case 1: return type.max;
      case 2: return type.min > INT64_MIN ? Json(type.min - 1) : Json(type.min);
      case 3: return type.max < INT64_MAX ? Json(type.max + 1) : Json(9223372036854775808u);
      case 4: return 2.5;
      default: return dice_.between(type.min, type.max);
    }
  }
  Json number(const Number& type) {
    switch (dice_.below(8)) {
      case 0: return type.min;
      case 1: return type.max;
      case 2: return std::nextafter(type.min, -INFINITY);
      case 3: return std::nextafter(type.max, INFINITY);
      case 4: return type.max > 10 ? 7 : 1;
      default: {
        const double share = static_cast<double>(dice_.below(1'000'000)) / 1e6;
        return type.min + (type.max - type.min) * share;
      }
    }
  }
  Json of(const Number& type) { return number(type); }
  Json of(const Boolean& /*type*/) { return dice_.one_in(2); }
  Json of(const OneOf& type) {
    if (dice_.one_in(6)) return dice_.letters(4);
    return dice_.pick(type.words);
  }
  Json of(const Timestamp& /*type*/) {
    const WallTime time = from_ms(dice_.between(946'684'800'000, test::FakeClock::kStart + 86'400'000));
    std::string out = to_rfc3339(time);
    switch (dice_.below(8)) {
      case 0: return out.substr(0, 10);
      case 1: return out.substr(0, 19) + "+00:00";
      case 2: return out.substr(0, 19) + "Z";
      case 3: return out.substr(0, 19);
      default: return out;
    }
  }
  Json of(const Object& type) {
    Json out = Json::object();
    if (!type.fields.empty()) return record(type.fields, Edge::record);
    std::int64_t members = static_cast<std::int64_t>(dice_.below(4));
    if (dice_.one_in(8)) members = type.max_members + static_cast<std::int64_t>(dice_.below(2));
    for (std::int64_t i = 0; i < members; ++i)
      out["m" + std::to_string(i)] = dice_.one_in(2) ? Json(1) : Json::array({"x"});
    return out;
  }
  Json of(const List& type) {
    Json out = Json::array();
    std::int64_t items = static_cast<std::int64_t>(dice_.below(4));
    if (dice_.one_in(30)) items = type.max_items + static_cast<std::int64_t>(dice_.below(2));
    for (std::int64_t i = 0; i < items; ++i) out.push_back(value(*type.item));
    return out;
  }

  Dice dice_;
};

void agree(const metrics::Kind& kind, Edge edge, int records) {
  Json schema = json_schema(kind.shape, edge);
  prune(schema);
  const test::JsonSchema judge(schema);
  Maker maker(100 + metrics::index_of(kind));
  int good = 0, bad = 0;
  for (int i = 0; i < records; ++i) {
    const Json record = maker.record(kind.shape, edge);
    const Checked ours = check(kind.shape, record, edge, kNow);
    const std::string theirs = judge.complaint(record);
    ++(ours.ok() ? good : bad);
    if (ours.ok() != theirs.empty())
      FAIL(kind.name << ": " << dump_json(record).substr(0, 2000) << "\n  we say     " << to_text(ours.violations)
                     << "\n  they say   " << theirs.substr(0, 1000));
  }
  CHECK(good > records / 50);
  CHECK(bad > records / 50);
}

}  // namespace

TEST_SUITE_BEGIN("slow");

TEST_CASE("our check and our published schema agree on records of every kind") {
  for (const metrics::Kind& kind : metrics::kinds()) {
    CAPTURE(kind.name);
    agree(kind, Edge::record, 2'000);
  }
}

TEST_SUITE_END();

TEST_CASE("what a caller must tell is what the tool's schema demands") {
  // Edge::call shows a model one name for each thing and no patterns, so only what has no synonym and no odd text can
  // be held against it: here, what is required and what is not known.
  for (const metrics::Kind& kind : metrics::kinds()) {
    CAPTURE(kind.name);
    const Json schema = json_schema(kind.shape, Edge::call);
    const Checked nothing = check(kind.shape, Json::object(), Edge::call, kNow);
    const std::size_t required = schema.contains("required") ? schema["required"].size() : 0;
    CHECK(nothing.violations.size() == required);
    for (const Violation& violation : nothing.violations) {
      CHECK(violation.why == "is required");
      CHECK(std::find(schema["required"].begin(), schema["required"].end(), violation.where.substr(1)) !=
            schema["required"].end());
    }
    CHECK(schema["additionalProperties"] == false);
    for (const Field& field : kind.shape) {
      CHECK(schema["properties"].contains(field.name) == offered(field, Edge::call));
      for (const Alias& alias : field.aliases) CHECK_FALSE(schema["properties"].contains(alias.name));
    }
  }
}
