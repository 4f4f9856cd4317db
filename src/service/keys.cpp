#include "keys.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "fortium/base/hash.h"

namespace fortium::service {

namespace {

constexpr std::string_view kPrefix = "fm_live_";
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kSecretDigits = 64;
constexpr std::size_t kChecksumDigits = 8;
constexpr std::size_t kKeySize = kPrefix.size() + kIdDigits + 1 + kSecretDigits + kChecksumDigits;

struct Named {
  std::string_view name;
  Scopes scope;
};
constexpr std::array<Named, 3> kScopes = {{{"ingest", kIngest}, {"read", kRead}, {"admin", kAdmin}}};

std::string checksum(std::string_view text) {
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
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

Result<Scopes> parse_scopes(std::string_view text) {
  Scopes scopes = 0;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    const auto known = std::ranges::find(kScopes, word, &Named::name);
    if (known == kScopes.end()) return Error{Errc::invalid, "a scope must be one of ingest, read, admin"};
    scopes |= known->scope;
    if (comma == text.npos) return scopes;
    text.remove_prefix(comma + 1);
  }
}

std::vector<std::string> scope_names(Scopes scopes) {
  std::vector<std::string> names;
  for (const Named& known : kScopes)
    if ((scopes & known.scope) != 0) names.emplace_back(known.name);
  return names;
}

std::string to_text(Scopes scopes) {
  std::string text;
  for (const std::string& name : scope_names(scopes)) text += (text.empty() ? "" : ",") + name;
  return text;
}

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

}  // namespace fortium::service
