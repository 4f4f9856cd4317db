// Unpredictable bytes, and the ids that are made of time and them.
//
// Entropy objects are not thread-safe; each thread has its own.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "fortium/base/clock.h"

namespace fortium {

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::byte> out) = 0;
};

// The kernel's generator, read ahead in blocks so that an id rarely costs a system call.
class SystemEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override;

 private:
  std::byte pool_[512] = {};
  std::size_t left_ = 0;
};

// RFC 9562 version 7: 48 bits of milliseconds, 74 random bits. Lower case, 36 characters.
std::string uuid7(WallTime time, Entropy& entropy);
// RFC 9562 version 5 (SHA-1 of namespace and name): the same name in the same namespace, itself a UUID, always gives
// the same id.
std::string uuid5(std::string_view name_space, std::string_view name);
bool is_uuid(std::string_view text);
// 2 * bytes hex digits.
std::string random_hex(std::size_t bytes, Entropy& entropy);

}  // namespace fortium
