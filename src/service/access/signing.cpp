#include "signing.h"

#include "rsa.h"

namespace fortium::service {

namespace {

constexpr std::size_t kIdBytes = 8;
constexpr Millis kKnownAfter = kTokenLife + kTokenSkew;  // that a key signed last

Result<std::vector<PublicKey>> keys_of(const Result<Rows>& found) {
  if (!found) return found.error();
  std::vector<PublicKey> keys;
  for (const schema::Row& row : found->rows)
    keys.push_back(
        {text_at(row, 0), from_base64url(text_at(row, 1)).value_or(""), from_base64url(text_at(row, 2)).value_or("")});
  return keys;
}

}  // namespace

Result<std::string> SigningKeys::sign(const Claims& claims) {
  std::optional<Current> key;
  FM_TRY_(sql_.write([&]() -> Result<void> {
    const WallTime now = clock_.now();
    FM_TRY(key, current());
    if (!key) {
      FM_TRY_(make(now));
      FM_TRY(key, current());
      if (!key) return Error{Errc::internal, "there is no signing key"};
    }
    if (key->until - now > kPublishAhead) return {};
    FM_TRY(const Rows next, sql_.run("SELECT id FROM signing_keys WHERE signs_from >= $1", key->until));
    if (next.empty()) FM_TRY_(make(key->until));
    return {};
  }));
  const std::string input = signing_input(claims, key->id);
  FM_TRY(const std::string signature, sign_rs256(key->private_pem, passphrase_, input));
  return input + "." + base64url(signature);
}

Result<std::optional<SigningKeys::Current>> SigningKeys::current() {
  FM_TRY(const Rows found, sql_.run("SELECT id, private_key, signs_until FROM signing_keys "
                                    "WHERE signs_from <= $1 AND signs_until > $1 ORDER BY signs_from DESC LIMIT 1",
                                    clock_.now()));
  if (found.empty()) return std::optional<Current>();
  const schema::Row& row = found.rows.front();
  return std::optional(Current{text_at(row, 0), Secret(text_at(row, 1)), time_at(row, 2)});
}

Result<std::string> SigningKeys::make(WallTime from) {
  const WallTime now = clock_.now();
  FM_TRY_(sql_.run("DELETE FROM signing_keys WHERE signs_until <= $1", now - kKnownAfter));
  FM_TRY_(sql_.run("UPDATE signing_keys SET private_key = '' WHERE signs_until <= $1", now));
  FM_TRY(const RsaPair pair, make_rsa_pair(passphrase_));
  const std::string id = random_hex(kIdBytes, entropy_);
  FM_TRY_(sql_.run(
      "INSERT INTO signing_keys (id, private_key, modulus, exponent, signs_from, signs_until) "
      "VALUES ($1, $2, $3, $4, $5, $6)",
      id, pair.private_pem.reveal(), base64url(pair.modulus), base64url(pair.exponent), from, from + kSigningLife));
  return id;
}

Result<std::optional<PublicKey>> SigningKeys::find(std::string_view key_id) {
  FM_TRY(const auto keys,
         keys_of(sql_.run("SELECT id, modulus, exponent FROM signing_keys WHERE id = $1 AND signs_until > $2", key_id,
                          clock_.now() - kKnownAfter)));
  return keys.empty() ? std::nullopt : std::optional(keys.front());
}

Result<std::vector<PublicKey>> SigningKeys::published() {
  return keys_of(sql_.run("SELECT id, modulus, exponent FROM signing_keys WHERE signs_until > $1 ORDER BY signs_from",
                          clock_.now() - kKnownAfter));
}

Result<std::string> SigningKeys::rotate(Old old) {
  std::string id;
  FM_TRY_(sql_.write([&]() -> Result<void> {
    const WallTime now = clock_.now();
    if (old == Old::ends) {
      FM_TRY_(sql_.run("DELETE FROM signing_keys"));
    } else {
      FM_TRY_(sql_.run("DELETE FROM signing_keys WHERE signs_from > $1", now));
      FM_TRY_(sql_.run("UPDATE signing_keys SET signs_until = $1 WHERE signs_until > $1", now));
    }
    FM_TRY(id, make(now));
    return {};
  }));
  return id;
}

}  // namespace fortium::service
