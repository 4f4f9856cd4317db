#include "jwt.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "rsa.h"

namespace fortium::service {

namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::int64_t seconds(WallTime time) { return to_ms(time) / 1000; }

Error refused(std::string_view why) { return {Errc::unauthorized, std::string(why)}; }

std::optional<Json> object_of(std::string_view part) {
  const auto text = from_base64url(part);
  if (!text) return std::nullopt;
  auto json = parse_json(*text);
  if (!json || !json->is_object()) return std::nullopt;
  return std::move(*json);
}

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A time of RFC 7519: whole seconds in our tokens, and nobody else's are taken.
std::optional<WallTime> time_of(const Json& json, const char* name) {
  constexpr std::int64_t kMost = 253'402'300'799;  // the year 9999
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_integer()) return std::nullopt;
  const auto value = found->get<std::int64_t>();
  if (value < 0 || value > kMost) return std::nullopt;
  return from_ms(value * 1000);
}

bool right_header(const Json& header) {
  // "crit" names what must be understood; we understand no extension.
  return text_of(header, "alg") == "RS256" && !text_of(header, "kid").empty() && !header.contains("crit") &&
         (!header.contains("typ") || text_of(header, "typ") == "JWT");
}

Result<Claims> claims_of(const Json& json, const Expected& expected, WallTime now) {
  Claims claims{.issuer = text_of(json, "iss"),
                .audience = text_of(json, "aud"),
                .subject = text_of(json, "sub"),
                .tenant = text_of(json, "org"),
                .role = text_of(json, "role"),
                .session = text_of(json, "sid"),
                .id = text_of(json, "jti")};
  if (claims.issuer != expected.issuer || claims.audience != expected.audience)
    return refused("the token is of another issuer or for another audience");
  const auto issued = time_of(json, "iat"), expires = time_of(json, "exp");
  if (claims.subject.empty() || claims.tenant.empty() || claims.id.empty() || !issued || !expires ||
      *expires - *issued > kTokenLife || *expires < *issued)
    return refused("the token lacks a claim, or is for too long");
  const auto begins = json.contains("nbf") ? time_of(json, "nbf") : issued;
  if (!begins || *begins > now + kTokenSkew || *issued > now + kTokenSkew) return refused("the token is not valid yet");
  if (*expires + kTokenSkew <= now) return refused(kTokenExpired);
  claims.issued = *issued;
  claims.expires = *expires;
  const auto permissions = json.find("permissions");
  if (permissions == json.end() || !permissions->is_array())
    return refused("the token lacks a claim, or is for too long");
  for (const Json& one : *permissions)
    if (one.is_string()) claims.permissions.push_back(one.get<std::string>());
  return claims;
}

}  // namespace

std::string base64url(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (have += 8; have >= 6; have -= 6) out += kDigits[bits >> (have - 6) & 63];
  }
  if (have > 0) out += kDigits[bits << (6 - have) & 63];
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>(static_cast<unsigned char>(bits >> have));
    }
  }
  // One text for one value: no digit too many, no bit set that says nothing.
  if (base64url(out) != text) return std::nullopt;
  return out;
}

std::string signing_input(const Claims& claims, std::string_view key_id) {
  const Json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"kid", key_id}};
  Json body = {{"iss", claims.issuer},
               {"aud", claims.audience},
               {"sub", claims.subject},
               {"org", claims.tenant},
               {"role", claims.role},
               {"permissions", claims.permissions},
               {"iat", seconds(claims.issued)},
               {"exp", seconds(claims.expires)},
               {"jti", claims.id}};
  if (!claims.session.empty()) body["sid"] = claims.session;
  return base64url(dump_json(header)) + "." + base64url(dump_json(body));
}

bool looks_like_token(std::string_view text) { return std::ranges::count(text, '.') == 2; }

Result<Claims> read_token(std::string_view token, const FindKey& find, const Expected& expected, WallTime now) {
  const Error malformed = refused("the credential is no token of this service");
  if (token.size() > kMaxTokenBytes || !looks_like_token(token)) return malformed;
  const std::size_t first = token.find('.'), second = token.rfind('.');
  const auto header = object_of(token.substr(0, first));
  const auto signature = from_base64url(token.substr(second + 1));
  if (!header || !signature || !right_header(*header)) return malformed;
  FM_TRY(const auto key, find(text_of(*header, "kid")));
  if (!key || !verify_rs256(key->modulus, key->exponent, token.substr(0, second), *signature))
    return refused("the token was not signed by this service");
  // Nothing of what it claims is looked at before it is known to be ours.
  const auto body = object_of(token.substr(first + 1, second - first - 1));
  if (!body) return malformed;
  return claims_of(*body, expected, now);
}

std::string jwks(const std::vector<PublicKey>& keys) {
  Json rows = Json::array();
  for (const PublicKey& key : keys)
    rows.push_back({{"kty", "RSA"},
                    {"use", "sig"},
                    {"alg", "RS256"},
                    {"kid", key.id},
                    {"n", base64url(key.modulus)},
                    {"e", base64url(key.exponent)}});
  return dump_json({{"keys", std::move(rows)}});
}

}  // namespace fortium::service
