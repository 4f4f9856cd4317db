#include "names.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>

#include "fortium/base/utf8.h"

namespace fortium::service {

namespace {

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
    const auto c = next_utf8(text);
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
  for (const char32_t c : chars) append_utf8(name, c);
  return name;
}

std::string folded(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto c = next_utf8(name);
    if (!c) return out;  // names are UTF-8; anything else equals no name
    auto wide = static_cast<wint_t>(*c);
    // By way of the capital: letters with two small forms, as the Greek sigma, become one.
    if (unicode() != nullptr) wide = towlower_l(towupper_l(wide, unicode()), unicode());
    append_utf8(out, static_cast<char32_t>(wide));
  }
  return out;
}

}  // namespace fortium::service
