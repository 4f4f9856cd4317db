// The entry of every fuzz target, as libFuzzer and replay.cpp call it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace fortium::fuzz {

inline std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// A promise that must hold whatever comes in.
inline void must(bool condition, const char* promise) {
  if (condition) return;
  std::cerr << "broken promise: " << promise << "\n";
  std::abort();
}

}  // namespace fortium::fuzz
