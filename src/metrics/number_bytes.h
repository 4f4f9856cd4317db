// Numbers from 0 to INT64_MAX as bytes, small ones in few: LEB128, seven bits a byte, the lowest first. Private to
// metrics.
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

// Takes a number from the front; nothing, where there is none in its shortest form.
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

}  // namespace fortium::metrics
