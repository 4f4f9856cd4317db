// SHA-256, its HMAC, and the ledger digest. Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fortium {

using Sha256 = std::array<unsigned char, 32>;
Sha256 sha256(std::string_view bytes);
// RFC 2104.
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);
std::string to_hex(const unsigned char* bytes, std::size_t size);
// Takes the same time for any two texts of one length.
bool equal_constant_time(std::string_view a, std::string_view b);

// The sum modulo 2^128 of the first 16 bytes (big-endian) of SHA-256 of each id. Order does not matter, adding is
// cheap, and two sets of ids that differ have the same digest with a chance of 2^-128.
class LedgerDigest {
 public:
  void add(std::string_view id);
  void add(const LedgerDigest& other);
  void remove(const LedgerDigest& other);
  std::string hex() const;                             // 32 digits
  static LedgerDigest from_hex(std::string_view hex);  // anything but 32 digits reads as zero
  bool operator==(const LedgerDigest&) const = default;

 private:
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

}  // namespace fortium
