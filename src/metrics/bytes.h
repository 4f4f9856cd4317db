// Values as bytes, one after the other, and back: numbers from 0 to INT64_MAX, small ones in few (LEB128, seven bits a
// byte, the lowest first), and texts behind their length. What is taken is cut off at the front. Private to metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fortium::metrics {

inline void append_number(std::string& out, std::int64_t number) {
  auto left = static_cast<std::uint64_t>(number);
  for (; left >= 0x80; left >>= 7) out += static_cast<char>(left | 0x80);
  out += static_cast<char>(left);
}

// Nothing, where there is none in its shortest form.
inline std::optional<std::int64_t> take_number(std::string_view& bytes) {
  if (!bytes.empty() && static_cast<unsigned char>(bytes.front()) < 0x80) {  // most are small
    const std::int64_t small = bytes.front();
    bytes.remove_prefix(1);
    return small;
  }
  std::uint64_t number = 0;
  for (int shift = 0; shift < 63 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte >= 0x80) continue;
    if (byte == 0 && shift > 0) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  return std::nullopt;
}
inline bool take_number(std::string_view& bytes, std::int64_t& into) {
  const auto told = take_number(bytes);
  into = told.value_or(0);
  return told.has_value();
}

inline void append_text(std::string& out, std::string_view text) {
  append_number(out, static_cast<std::int64_t>(text.size()));
  out += text;
}

// Nothing, where there is less than its length says.
inline std::optional<std::string_view> take_text(std::string_view& bytes) {
  const auto size = take_number(bytes);
  if (!size || static_cast<std::uint64_t>(*size) > bytes.size()) return std::nullopt;
  const std::string_view text = bytes.substr(0, static_cast<std::size_t>(*size));
  bytes.remove_prefix(text.size());
  return text;
}
inline bool take_text(std::string_view& bytes, std::string& into) {
  const auto told = take_text(bytes);
  if (told) into = *told;
  return told.has_value();
}

}  // namespace fortium::metrics
