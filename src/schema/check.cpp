#include "fortium/schema/check.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "fortium/schema/check_row.h"

namespace fortium::schema {

namespace {

constexpr std::int64_t kOldest = 946'684'800'000;  // 2000-01-01T00:00:00Z, in ms
constexpr Millis kAhead = std::chrono::hours(24);  // clocks of other machines may be that far ahead

std::string number_text(double value) {
  std::string out;
  append_json_number(out, value);
  return out;
}

std::int64_t count_chars(std::string_view utf8) {
  std::int64_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

bool has_control(std::string_view text, bool multiline) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0x7F || (byte < 0x20 && !(multiline && (c == '\t' || c == '\n' || c == '\r')))) return true;
  }
  return false;
}

// A whole number that fits, or nothing.
std::optional<std::int64_t> whole(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  const double number = value.get<double>();
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (std::trunc(number) != number || number >= kLimit || number < -kLimit) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

// Where a value stands: written out only when there is something to say about it.
struct Where {
  const Where* outer;
  std::string_view name;

  std::string pointer() const {
    if (outer == nullptr) return "";
    std::string text = outer->pointer();
    append_pointer(text, name);
    return text;
  }
};

class Checker {
 public:
  Checker(Edge edge, WallTime now) : edge_(edge), now_(now) {}

  Row object(Shape shape, const Json& value, const Where& where) {
    Row row(shape.size());
    if (!value.is_object()) {
      fail(where, "must be an object");
      return row;
    }
    FM_CHECK(shape.size() <= kMostFields);
    std::bitset<kMostFields> seen;
    bool told = false;  // which fields there are
    for (const auto& [name, member] : value.get_ref<const Json::object_t&>()) {
      const Where place{&where, name};
      const Json* given = &member;
      Json converted;
      std::size_t index = 0;
      Convert how = Convert::same;
      if (!find(shape, name, index, how)) {
        fail(place,
             edge_ == Edge::record ? "is not a field of this record" : unknown(shape, std::exchange(told, true)));
        continue;
      }
      if (member.is_null()) continue;
      seen.set(index);
      if (how != Convert::same) {
        if (!convert(how, member, converted)) {
          fail(place, how == Convert::success_flag ? "must be true or false" : "must be a number from 0 to 1440");
          continue;
        }
        given = &converted;
      }
      Value read = one(shape[index], *given, place);
      if (row[index].index() != 0 && read.index() != 0 && row[index] != read)
        fail(place, "says otherwise than another name of " + std::string(shape[index].name));
      if (read.index() != 0) row[index] = std::move(read);
    }
    for (std::size_t i = 0; i < shape.size(); ++i)
      if (demanded(shape[i], edge_) && offered(shape[i], edge_) && row[i].index() == 0 && !seen[i])
        fail({&where, shape[i].name}, "is required");
    return row;
  }

  // The same for values that have their types; objects and lists are their JSON text.
  void row(Shape shape, Row& row) {
    const Where whole{nullptr, ""};
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const Where place{&whole, shape[i].name};
      if (row[i].index() != 0)
        row[i] = std::visit([&](const auto& type) { return typed(type, std::move(row[i]), place); }, shape[i].type);
      else if (demanded(shape[i], edge_))
        fail(place, "is required");
    }
  }

  std::vector<Violation> violations;

 private:
  static constexpr std::size_t kMostFields = 64;

  void fail(const Where& where, std::string why) { violations.push_back({where.pointer(), std::move(why)}); }

  // What a person or a model typed: they learn what there is.
  std::string unknown(Shape shape, bool told) const {
    std::string names;
    for (const Field& field : shape)
      if (offered(field, edge_)) names += (names.empty() ? "" : ", ") + std::string(field.name);
    if (names.empty()) return "is not a field (there are none)";
    return told ? "is not a field" : "is not a field (fields: " + names + ")";
  }

  bool find(Shape shape, std::string_view name, std::size_t& index, Convert& how) const {
    for (index = 0; index < shape.size(); ++index) {
      if (!offered(shape[index], edge_)) continue;
      if (shape[index].name == name) {
        how = Convert::same;
        return true;
      }
      for (const Alias& alias : shape[index].aliases)
        if (alias.name == name) {
          how = alias.convert;
          return true;
        }
    }
    return false;
  }

  static bool convert(Convert how, const Json& given, Json& out) {
    if (how == Convert::success_flag) {
      if (!given.is_boolean()) return false;
      out = given.get<bool>() ? "success" : "error";
      return true;
    }
    constexpr double kMinutesOfADay = 1440;
    if (!given.is_number() || given.get<double>() < 0 || given.get<double>() > kMinutesOfADay) return false;
    out = given.get<double>() * 60'000;
    return true;
  }

  Value one(const Field& field, const Json& value, const Where& where) {
    return std::visit([&](const auto& type) { return read(type, value, where); }, field.type);
  }

  void size(const Object& type, const std::string& text, const Where& where) {
    if (static_cast<std::int64_t>(text.size()) > type.max_bytes)
      fail(where, "is " + std::to_string(text.size()) + " bytes of JSON, limit is " + std::to_string(type.max_bytes));
  }

  static const std::string* text_in(const Json& value) { return value.get_ptr<const std::string*>(); }
  static const std::string* text_in(const Value& value) { return std::get_if<std::string>(&value); }

  void text(const Text& type, const std::string& text, const Where& where) {
    const std::int64_t chars = count_chars(text);
    if (chars < type.min_chars)
      fail(where, type.min_chars == 1 ? "must not be empty"
                                      : "must have at least " + std::to_string(type.min_chars) + " characters");
    else if (chars > type.max_chars)
      fail(where, "has " + std::to_string(chars) + " characters, limit is " + std::to_string(type.max_chars));
    if (has_control(text, type.multiline)) fail(where, "must not contain control characters");
  }
  Value integer(const Integer& type, std::optional<std::int64_t> number, const Where& where) {
    if (number && *number >= type.min && *number <= type.max) return *number;
    fail(where, "must be a whole number from " + std::to_string(type.min) + " to " + std::to_string(type.max));
    return {};
  }
  Value real(const Number& type, double number, const Where& where) {
    if (!(number >= type.min && number <= type.max)) {
      fail(where, "must be a number from " + number_text(type.min) + " to " + number_text(type.max));
      return {};
    }
    return number == 0 ? 0.0 : number;  // -0 is 0
  }
  Value word(const OneOf& type, const std::string* text, const Where& where) {
    if (text != nullptr && std::ranges::find(type.words, *text) != type.words.end()) return *text;
    std::string allowed;
    for (const std::string_view word : type.words) allowed += (allowed.empty() ? "" : ", ") + std::string(word);
    return fail(where, "must be one of " + allowed), Value();
  }
  Value time(const std::string* text, const Where& where) {
    const auto time = parse_rfc3339(text != nullptr ? *text : "");
    if (!time) return fail(where, time.error().what), Value();
    if (to_ms(*time) < kOldest || *time > now_ + kAhead)
      return fail(where, "must be from 2000-01-01 to one day ahead"), Value();
    return to_ms(*time);
  }

  Value typed(const Text& type, Value value, const Where& where) {
    if (text_in(value) == nullptr) return fail(where, "must be a string"), Value();
    text(type, *text_in(value), where);
    return value;
  }
  Value typed(const Integer& type, const Value& value, const Where& where) {
    const auto* number = std::get_if<std::int64_t>(&value);
    return integer(type, number != nullptr ? std::optional(*number) : std::nullopt, where);
  }
  Value typed(const Number& type, const Value& value, const Where& where) {
    const auto* number = std::get_if<double>(&value);
    return real(type, number != nullptr ? *number : NAN, where);
  }
  Value typed(const Boolean& /*type*/, Value value, const Where& where) {
    if (value != Value(std::int64_t{0}) && value != Value(std::int64_t{1})) fail(where, "must be true or false");
    return value;
  }
  Value typed(const OneOf& type, const Value& value, const Where& where) { return word(type, text_in(value), where); }
  Value typed(const Timestamp& /*type*/, const Value& value, const Where& where) { return time(text_in(value), where); }
  Value typed(const Object& type, Value value, const Where& where) {
    if (text_in(value) == nullptr) return fail(where, "must be an object"), Value();
    size(type, *text_in(value), where);
    return value;
  }
  Value typed(const List& /*type*/, Value value, const Where& where) {
    if (text_in(value) == nullptr) return fail(where, "must be an array"), Value();
    return value;
  }

  Value read(const Text& type, const Json& value, const Where& where) {
    if (text_in(value) == nullptr) return fail(where, "must be a string"), Value();
    text(type, *text_in(value), where);
    return *text_in(value);
  }
  Value read(const Integer& type, const Json& value, const Where& where) {
    return integer(type, value.is_number() ? whole(value) : std::nullopt, where);
  }
  Value read(const Number& type, const Json& value, const Where& where) {
    return real(type, value.is_number() ? value.get<double>() : NAN, where);
  }
  Value read(const Boolean& /*type*/, const Json& value, const Where& where) {
    if (!value.is_boolean()) return fail(where, "must be true or false"), Value();
    return static_cast<std::int64_t>(value.get<bool>());
  }
  Value read(const OneOf& type, const Json& value, const Where& where) { return word(type, text_in(value), where); }
  Value read(const Timestamp& /*type*/, const Json& value, const Where& where) { return time(text_in(value), where); }
  Value read(const Object& type, const Json& value, const Where& where) {
    if (!value.is_object()) return fail(where, "must be an object"), Value();
    if (static_cast<std::int64_t>(value.size()) > type.max_members)
      fail(where, "has " + std::to_string(value.size()) + " members, limit is " + std::to_string(type.max_members));
    std::string text = dump_json(value);
    size(type, text, where);
    if (!type.fields.empty()) {
      Checker inner(edge_, now_);
      inner.object(type.fields, value, where);
      violations.insert(violations.end(), inner.violations.begin(), inner.violations.end());
    }
    return text;
  }
  Value read(const List& type, const Json& value, const Where& where) {
    if (!value.is_array()) return fail(where, "must be an array"), Value();
    if (static_cast<std::int64_t>(value.size()) > type.max_items) {
      fail(where, "has " + std::to_string(value.size()) + " items, limit is " + std::to_string(type.max_items));
      return {};
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string index = std::to_string(i);
      one(*type.item, value[i], {&where, index});
    }
    return dump_json(value);
  }

  Edge edge_;
  WallTime now_;
};

}  // namespace

Checked check(Shape shape, const Json& value, Edge edge, WallTime now) {
  Checker checker(edge, now);
  Row row = checker.object(shape, value, {nullptr, ""});
  return {std::move(row), std::move(checker.violations)};
}

std::vector<Violation> check_row(Shape shape, Row& row, WallTime now) {
  Checker checker(Edge::record, now);
  checker.row(shape, row);
  return std::move(checker.violations);
}

std::string to_text(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations) {
    if (!text.empty()) text += "; ";
    text += violation.where.empty() ? "the value" : violation.where;
    text += ": " + violation.why;
  }
  return text;
}

void append_value(std::string& out, const Field& field, const Value& value) {
  if (value.index() == 0) {
    out += "null";
  } else if (const auto* number = std::get_if<double>(&value)) {
    append_json_number(out, *number);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (std::holds_alternative<Timestamp>(field.type))
      out += '"' + to_rfc3339(from_ms(*integer)) + '"';
    else if (std::holds_alternative<Boolean>(field.type))
      out += *integer != 0 ? "true" : "false";
    else
      out += std::to_string(*integer);
  } else {
    const auto& text = std::get<std::string>(value);
    if (std::holds_alternative<Object>(field.type) || std::holds_alternative<List>(field.type))
      out += text;
    else
      append_json_string(out, text);
  }
}

}  // namespace fortium::schema
