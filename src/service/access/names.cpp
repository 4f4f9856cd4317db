#include "names.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <optional>

namespace fortium::service {

namespace {

// The next character of UTF-8 text, strictly: no overlong form, no surrogate, nothing beyond U+10FFFF.
std::optional<char32_t> next_char(std::string_view& text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (size == 0 || size > text.size()) return std::nullopt;
  char32_t value = size == 1 ? lead : lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (byte(i) & 0x3FU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  if (overlong || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

void append_char(std::string& out, char32_t c) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

// Unicode's White_Space.
bool is_space(char32_t c) {
  return c == ' ' || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Also the separators of lines and paragraphs: a name is one line.
bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029; }

// Built into the C library, so that no locale need be installed.
locale_t unicode() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

}  // namespace

Result<std::string> read_name(std::string_view text) {
  std::u32string chars;
  while (!text.empty()) {
    const auto c = next_char(text);
    if (!c) return Error{Errc::invalid, "a name must be UTF-8"};
    chars += *c;
  }
  const auto first = std::ranges::find_if_not(chars, is_space);
  chars.erase(chars.begin(), first);
  while (!chars.empty() && is_space(chars.back())) chars.pop_back();
  if (chars.empty()) return Error{Errc::invalid, "a name must not be empty"};
  if (chars.size() > kMaxNameChars)
    return Error{Errc::invalid, "the name has " + std::to_string(chars.size()) + " characters, limit is " +
                                    std::to_string(kMaxNameChars)};
  if (std::ranges::any_of(chars, is_control)) return Error{Errc::invalid, "a name must not contain control characters"};
  std::string name;
  for (const char32_t c : chars) append_char(name, c);
  return name;
}

std::string folded(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto c = next_char(name);
    if (!c) return out;  // names are UTF-8; anything else equals no name
    auto wide = static_cast<wint_t>(*c);
    // By way of the capital: letters with two small forms, as the Greek sigma, become one.
    if (unicode() != nullptr) wide = towlower_l(towupper_l(wide, unicode()), unicode());
    append_char(out, static_cast<char32_t>(wide));
  }
  return out;
}

}  // namespace fortium::service
