// Numbers and texts as people read them. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fortium::report {

std::string with_thousands(std::int64_t number);  // "1,234,567"
std::string human_bytes(std::int64_t bytes);      // "4.0 KiB"
std::string human_ms(double ms);                  // "850 ms", "12.4 s", "3 h 05 min"
std::string human_tokens(std::int64_t tokens);    // "9,999", "12.3k", "4.6M", "1.2G"

// Columns that a text takes on a terminal: wide characters count twice, combining ones not at all.
std::size_t width_of(std::string_view utf8);
// The beginning of a text that fits so many columns, with … where something is left out.
std::string shortened(std::string_view utf8, std::size_t width);
// What a terminal may be sent: characters that steer it or the direction of writing, and bytes that are not UTF-8, are
// replaced by U+FFFD.
std::string harmless(std::string_view text);
// Characters outside ASCII by ones of the same width that mean the same, else by '?'.
std::string to_ascii(std::string_view utf8);

}  // namespace fortium::report
