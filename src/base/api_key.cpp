#include "fortium/base/api_key.h"

#include <algorithm>
#include <cstdint>

#include "fortium/base/hash.h"

namespace fortium {

namespace {

constexpr std::string_view kPrefix = "fm_live_";
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kSecretDigits = 64;
constexpr std::size_t kChecksumDigits = 8;
constexpr std::size_t kKeySize = kPrefix.size() + kIdDigits + 1 + kSecretDigits + kChecksumDigits;

// As of zlib: the polynomial of Ethernet, reflected.
std::uint32_t crc32(std::string_view text) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

std::string checksum(std::string_view text) {
  const std::uint32_t crc = crc32(text);
  unsigned char bytes[4];
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<unsigned char>(crc >> (24 - 8 * i));
  return to_hex(bytes, sizeof bytes);
}

std::string hash_of(std::string_view secret) {
  const Sha256 hash = sha256(secret);
  return to_hex(hash.data(), hash.size());
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

NewKey make_key(Entropy& entropy) {
  const std::string id = random_hex(kIdDigits / 2, entropy);
  const std::string secret = random_hex(kSecretDigits / 2, entropy);
  std::string text = std::string(kPrefix) + id + "_" + secret;
  text += checksum(text);
  return {id, Secret(std::move(text)), hash_of(secret)};
}

Result<KeyParts> read_key(std::string_view text) {
  const Error malformed{Errc::invalid, "not an API key"};
  if (text.size() != kKeySize || !text.starts_with(kPrefix)) return malformed;
  const std::string_view id = text.substr(kPrefix.size(), kIdDigits);
  const std::string_view secret = text.substr(kPrefix.size() + kIdDigits + 1, kSecretDigits);
  const std::string_view body = text.substr(0, kKeySize - kChecksumDigits);
  if (text[kPrefix.size() + kIdDigits] != '_' || !is_hex(id) || !is_hex(secret) ||
      text.substr(body.size()) != checksum(body))
    return malformed;
  return KeyParts{std::string(id), hash_of(secret)};
}

}  // namespace fortium
