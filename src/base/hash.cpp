#include "fortium/base/hash.h"

// The one-shot functions of OpenSSL 3 initialise its provider machinery, which costs milliseconds at the first call and
// links all of libcrypto. The plain SHA-256 functions are the same code without that.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <charconv>

namespace fortium {

Sha256 sha256(std::string_view bytes) {
  Sha256 out;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  SHA256_Final(out.data(), &context);
  return out;
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  constexpr std::size_t kBlock = 64;
  std::string padded(kBlock, '\0');
  if (key.size() > kBlock) {
    const Sha256 hash = sha256(key);
    padded.replace(0, hash.size(), reinterpret_cast<const char*>(hash.data()), hash.size());
  } else {
    padded.replace(0, key.size(), key);
  }
  std::string inner, outer;
  for (const char c : padded) {
    inner += static_cast<char>(c ^ 0x36);
    outer += static_cast<char>(c ^ 0x5C);
  }
  const Sha256 hash = sha256(inner.append(bytes));
  return sha256(outer.append(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

std::string to_hex(const unsigned char* bytes, std::size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out(size * 2, '0');
  for (std::size_t i = 0; i < size; ++i) {
    out[2 * i] = kDigits[bytes[i] >> 4];
    out[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return difference == 0;
}

void LedgerDigest::add(std::string_view id) {
  const Sha256 hash = sha256(id);
  LedgerDigest one;
  for (int i = 0; i < 8; ++i) {
    one.high_ = one.high_ << 8 | hash[static_cast<std::size_t>(i)];
    one.low_ = one.low_ << 8 | hash[static_cast<std::size_t>(i) + 8];
  }
  add(one);
}

void LedgerDigest::add(const LedgerDigest& other) {
  low_ += other.low_;
  high_ += other.high_ + (low_ < other.low_ ? 1 : 0);
}

void LedgerDigest::remove(const LedgerDigest& other) {
  high_ -= other.high_ + (low_ < other.low_ ? 1 : 0);
  low_ -= other.low_;
}

std::string LedgerDigest::hex() const {
  unsigned char bytes[16];
  for (int i = 0; i < 8; ++i) {
    bytes[i] = static_cast<unsigned char>(high_ >> (56 - 8 * i));
    bytes[i + 8] = static_cast<unsigned char>(low_ >> (56 - 8 * i));
  }
  return to_hex(bytes, sizeof bytes);
}

LedgerDigest LedgerDigest::from_hex(std::string_view hex) {
  LedgerDigest out;
  if (hex.size() != 32) return out;
  const auto read = [](std::string_view part, std::uint64_t& value) {
    return std::from_chars(part.data(), part.data() + part.size(), value, 16).ptr == part.data() + part.size();
  };
  if (!read(hex.substr(0, 16), out.high_) || !read(hex.substr(16), out.low_)) return {};
  return out;
}

}  // namespace fortium
