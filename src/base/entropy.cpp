#include "fortium/base/entropy.h"

#define OPENSSL_SUPPRESS_DEPRECATED  // as in hash.cpp: the plain functions need no provider
#include <openssl/sha.h>
#include <sys/random.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "fortium/base/hash.h"

namespace fortium {

namespace {

std::string format_uuid(unsigned char (&bytes)[16], unsigned version) {
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | (version << 4));
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);  // RFC 9562 variant
  const std::string hex = to_hex(bytes, sizeof bytes);
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    text += hex[i];
  }
  return text;
}

}  // namespace

void SystemEntropy::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    if (left_ == 0) {
      std::size_t got = 0;
      while (got < sizeof pool_) {
        const ssize_t n = getrandom(pool_ + got, sizeof pool_ - got, 0);
        if (n > 0) got += static_cast<std::size_t>(n);  // only EINTR ends a short call; ask again
      }
      left_ = sizeof pool_;
    }
    const std::size_t take = std::min(left_, out.size());
    std::byte* from = pool_ + (sizeof pool_ - left_);
    std::memcpy(out.data(), from, take);
    std::memset(from, 0, take);  // handed out once
    left_ -= take;
    out = out.subspan(take);
  }
}

std::string uuid7(WallTime time, Entropy& entropy) {
  unsigned char bytes[16];
  entropy.fill(std::as_writable_bytes(std::span(bytes)).subspan(6));
  const auto ms = static_cast<std::uint64_t>(to_ms(time));
  for (int i = 0; i < 6; ++i) bytes[i] = static_cast<unsigned char>(ms >> (40 - 8 * i));
  return format_uuid(bytes, 7);
}

std::string uuid5(std::string_view name_space, std::string_view name) {
  FM_CHECK(is_uuid(name_space));
  std::string text;
  for (std::size_t i = 0; i < name_space.size(); i += 2) {
    if (name_space[i] == '-') ++i;
    unsigned byte = 0;
    std::from_chars(name_space.data() + i, name_space.data() + i + 2, byte, 16);
    text += static_cast<char>(byte);
  }
  text += name;
  unsigned char hash[SHA_DIGEST_LENGTH];
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, text.data(), text.size());
  SHA1_Final(hash, &context);
  unsigned char bytes[16];
  std::memcpy(bytes, hash, sizeof bytes);
  return format_uuid(bytes, 5);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

std::string random_hex(std::size_t bytes, Entropy& entropy) {
  std::string raw(bytes, '\0');
  entropy.fill(std::as_writable_bytes(std::span(raw)));
  return to_hex(reinterpret_cast<const unsigned char*>(raw.data()), raw.size());
}

}  // namespace fortium
