// UTF-8 (RFC 3629), strictly: no overlong form, no surrogate, nothing beyond U+10FFFF. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fortium {

// The length of the sequence that begins here with a byte of 0x80 or more; 0: it is none.
std::size_t utf8_length(const char* at, const char* end);
// The next character of a text that is not empty, which is taken off; nothing: it is no UTF-8.
std::optional<char32_t> next_utf8(std::string_view& text);
void append_utf8(std::string& out, std::uint32_t code);

}  // namespace fortium
