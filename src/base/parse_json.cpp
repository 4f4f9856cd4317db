// RFC 8259, read strictly. Written by hand because every line of a session passes here: the library's own reader takes
// two and a half times as many instructions, and has neither a limit of depth nor an eye for a key given twice.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "fortium/base/json.h"
#include "fortium/base/utf8.h"

namespace fortium {

namespace {

// One look at each byte. A function returns false once `problem_` says what is wrong.
class Parser {
 public:
  explicit Parser(std::string_view text) : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

  Result<Json> parse() {
    Json root;
    if (!value(root, 0)) return Error{Errc::invalid, std::move(problem_)};
    skip_space();
    if (at_ == end_) return root;
    expected("the end");
    return Error{Errc::invalid, std::move(problem_)};
  }

 private:
  bool fail(std::string why) {
    problem_ = std::move(why);
    return false;
  }
  bool fail_here(std::string_view why) {
    return fail(std::string(why) + " at byte " + std::to_string(at_ - begin_ + 1));
  }
  bool expected(std::string_view what) {
    return fail_here("expected " + std::string(what) + (at_ == end_ ? ", found the end" : ""));
  }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool value(Json& out, int depth) {
    skip_space();
    switch (at_ == end_ ? '\0' : *at_) {
      case '{': return object(out, depth);
      case '[': return array(out, depth);
      case '"': out = Json(Json::value_t::string); return string(out.get_ref<std::string&>());
      case 't': return word("true", true, out);
      case 'f': return word("false", false, out);
      case 'n': return word("null", nullptr, out);
      default: return number(out);
    }
  }

  template <class T>
  bool word(std::string_view text, T meaning, Json& out) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(text)) return expected("a value");
    at_ += text.size();
    out = meaning;
    return true;
  }

  bool object(Json& out, int depth) {
    if (!open(depth)) return false;
    out = Json(Json::value_t::object);
    auto& members = out.get_ref<Json::object_t&>();
    skip_space();
    if (take('}')) return true;
    do {
      skip_space();
      if (at_ == end_ || *at_ != '"') return expected("a member's name in double quotes");
      std::string name;
      if (!string(name)) return false;
      const auto [place, fresh] = members.try_emplace(std::move(name));
      if (!fresh) return fail("key given twice in one object");
      skip_space();
      if (!take(':')) return expected("':'");
      if (!value(place->second, depth + 1)) return false;
      skip_space();
    } while (take(','));
    return take('}') || expected("',' or '}'");
  }

  bool array(Json& out, int depth) {
    if (!open(depth)) return false;
    out = Json(Json::value_t::array);
    auto& items = out.get_ref<Json::array_t&>();
    skip_space();
    if (take(']')) return true;
    do {
      if (!value(items.emplace_back(), depth + 1)) return false;
      skip_space();
    } while (take(','));
    return take(']') || expected("',' or ']'");
  }

  bool open(int depth) {
    if (depth == kMaxJsonDepth) return fail("nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    ++at_;
    return true;
  }

  bool string(std::string& out) {
    const char* plain = ++at_;
    while (at_ != end_) {
      const auto byte = static_cast<unsigned char>(*at_);
      if (byte == '"') {
        out.append(plain, at_++);
        return true;
      }
      if (byte == '\\') {
        out.append(plain, at_);
        if (!escape(out)) return false;
        plain = at_;
      } else if (byte < 0x20) {
        return fail_here("control character in a string");
      } else if (byte < 0x80) {
        ++at_;
      } else {
        const std::size_t size = utf8_length(at_, end_);
        if (size == 0) return fail_here("not UTF-8");
        at_ += size;
      }
    }
    return expected("the closing '\"' of a string");
  }

  bool escape(std::string& out) {
    ++at_;
    switch (at_ == end_ ? '\0' : *at_) {
      case '"': out += '"'; break;
      case '\\': out += '\\'; break;
      case '/': out += '/'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': return code_point(out);
      default: return fail_here("not an escape");
    }
    ++at_;
    return true;
  }

  // From the 'u' on: four hex digits, and the other half of a surrogate pair.
  bool code_point(std::string& out) {
    std::uint32_t code = 0, low = 0;
    if (!hex(code)) return false;
    if (code >= 0xDC00 && code <= 0xDFFF) return fail_here("half of a surrogate pair");
    if (code >= 0xD800 && code <= 0xDBFF) {
      if (!take('\\') || at_ == end_ || *at_ != 'u') return fail_here("half of a surrogate pair");
      if (!hex(low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return fail_here("half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code);
    return true;
  }
  bool hex(std::uint32_t& out) {
    constexpr std::ptrdiff_t kDigits = 4;
    ++at_;
    if (end_ - at_ < kDigits || std::from_chars(at_, at_ + kDigits, out, 16).ptr != at_ + kDigits)
      return fail_here("not four hex digits");
    at_ += kDigits;
    return true;
  }

  bool digits() {
    const char* const first = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != first;
  }

  bool number(Json& out) {
    const char* const first = at_;
    const bool negative = take('-');
    if (!take('0') && !digits()) return expected(negative ? "a digit" : "a value");
    bool whole = true;
    if (take('.')) {
      whole = false;
      if (!digits()) return expected("a digit");
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      whole = false;
      ++at_;
      if (!take('+')) (void)take('-');
      if (!digits()) return expected("a digit");
    }
    if (whole && (negative ? read<std::int64_t>(first, out) : read<std::uint64_t>(first, out))) return true;
    if (read<double>(first, out)) return true;
    // Too far from zero, or too near?
    const double nearest = std::strtod(std::string(first, at_).c_str(), nullptr);
    if (!std::isfinite(nearest)) return fail_here("number is beyond double");
    out = nearest;
    return true;
  }
  template <class T>
  bool read(const char* first, Json& out) {
    T number{};
    if (std::from_chars(first, at_, number).ec != std::errc()) return false;
    if constexpr (std::is_floating_point_v<T>)
      if (!std::isfinite(number)) return false;
    out = number;
    return true;
  }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  std::string problem_;
};

}  // namespace

Result<Json> parse_json(std::string_view text) { return Parser(text).parse(); }

}  // namespace fortium
