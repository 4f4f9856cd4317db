// JSON Web Tokens as this service makes and takes them: RS256, and nothing else.
//
// The algorithm is not read from a token: a header that names another one is refused, so neither "none" nor the public
// key as an HMAC secret is a way in. A key is found among our own by its id. Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"

namespace fortium::service {

constexpr Millis kTokenLife{15 * 60'000};
constexpr Millis kTokenSkew{60'000};  // between two clocks
constexpr std::size_t kMaxTokenBytes = 4096;

struct Claims {
  std::string issuer, audience;
  std::string subject;  // "user:<id>" or "key:<id>"
  std::string tenant;   // id
  std::string role;
  std::vector<std::string> permissions;
  std::string session;  // of a login; empty of other tokens
  std::string id;       // of the token
  WallTime issued{}, expires{};
};

struct PublicKey {
  std::string id;
  std::string modulus, exponent;
};

std::string base64url(std::string_view bytes);
// Nothing for text that is not exactly what base64url() gives.
std::optional<std::string> from_base64url(std::string_view text);

// What is to be signed: "<header>.<claims>".
std::string signing_input(const Claims& claims, std::string_view key_id);

struct Expected {
  std::string issuer, audience;
};
using FindKey = std::function<Result<std::optional<PublicKey>>(std::string_view key_id)>;
// The claims of a token whose signature and times are right. unauthorized: why not, "expired" if that alone is wrong.
Result<Claims> read_token(std::string_view token, const FindKey& find, const Expected& expected, WallTime now);
constexpr auto kTokenExpired = "the token has expired";

bool looks_like_token(std::string_view text);

// RFC 7517.
std::string jwks(const std::vector<PublicKey>& keys);

}  // namespace fortium::service
