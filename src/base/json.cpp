#include "fortium/base/json.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

namespace fortium {

namespace {

// Builds the value while it is parsed, so that depth and doubled keys are seen before they cost anything.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    if (!std::isfinite(value)) return fail("number " + text.substr(0, 24) + " is beyond double");
    return put(value);
  }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return fail("binary value"); }
  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool key(string_t& name) override {
    const auto [place, fresh] = open_.back()->get_ref<Json::object_t&>().try_emplace(name);
    if (!fresh) return fail("key given twice in one object");
    slot_ = &place->second;
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& refused) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 7: <reason>; last read: '<text>'": the reason is
    // kept, the text is not, as it may be anything.
    std::string_view reason = refused.what();
    if (const auto colon = reason.find(": "); colon != reason.npos) reason.remove_prefix(colon + 2);
    if (const auto last = reason.find("; last read"); last != reason.npos) reason = reason.substr(0, last);
    if (refused.id == 406) reason = "number is beyond double";
    return fail(std::string(reason) + " at byte " + std::to_string(position));
  }

  Json root;
  std::string problem;

 private:
  bool fail(std::string why) {
    problem = std::move(why);
    return false;
  }
  Json* place(Json&& value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    if (open_.back()->is_array()) {
      auto& items = open_.back()->get_ref<Json::array_t&>();
      items.push_back(std::move(value));
      return &items.back();
    }
    *slot_ = std::move(value);
    return slot_;
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (open_.size() == kMaxJsonDepth) return fail("nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  // A vector may move its elements while it grows, but only the innermost open container grows.
  std::vector<Json*> open_;
  Json* slot_ = nullptr;
};

}  // namespace

Result<Json> parse_json(std::string_view text) {
  // The library takes a zero byte for the end of its input.
  if (const auto zero = text.find('\0'); zero != text.npos)
    return Error{Errc::invalid, "zero byte at byte " + std::to_string(zero)};
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder))
    return Error{Errc::invalid, builder.problem.empty() ? "not JSON" : builder.problem};
  return std::move(builder.root);
}

std::string dump_json(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string dump_json_pretty(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

void append_json_string(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

void append_json_number(std::string& out, double number) {
  char digits[32];
  constexpr double kExact = 9007199254740992.0;  // 2^53: every whole number below it is a double
  const bool whole = std::trunc(number) == number && std::fabs(number) < kExact;
  const auto end = whole ? std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(number)).ptr
                         : std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_pointer(std::string& pointer, std::string_view name) {
  pointer += '/';
  for (const char c : name) {
    if (c == '~')
      pointer += "~0";
    else if (c == '/')
      pointer += "~1";
    else
      pointer += c;
  }
}

}  // namespace fortium
