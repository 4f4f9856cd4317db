#include "sessions.h"

#include "fortium/base/hash.h"

namespace fortium::service {

namespace {

constexpr std::string_view kPrefix = "fmr_";  // for scanners that look for leaked secrets
constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kSessionBytes = 8;

// No slow hash is needed for random bits.
std::string hash_of(const Secret& token) {
  const Sha256 hash = sha256(token.reveal());
  return to_hex(hash.data(), hash.size());
}

}  // namespace

Result<Login> Sessions::open(std::string_view tenant, std::string_view person) {
  Login login{
      .session = random_hex(kSessionBytes, entropy_), .tenant = std::string(tenant), .person = std::string(person)};
  FM_TRY_(sql_.write([&]() -> Result<void> {
    const WallTime now = clock_.now();
    FM_TRY_(
        sql_.run("DELETE FROM refresh_tokens WHERE session IN (SELECT id FROM sessions WHERE expires_at <= $1)", now));
    FM_TRY_(sql_.run("DELETE FROM sessions WHERE expires_at <= $1", now));
    FM_TRY_(sql_.run("INSERT INTO sessions (id, tenant, person, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
                     login.session, tenant, person, now, now + kRefreshLife));
    FM_TRY(login.refresh, add_token(login.session));
    return {};
  }));
  return login;
}

Result<Secret> Sessions::add_token(std::string_view session) {
  Secret token(std::string(kPrefix) + random_hex(kTokenBytes, entropy_));
  FM_TRY_(sql_.run("INSERT INTO refresh_tokens (hash, session, issued_at) VALUES ($1, $2, $3)", hash_of(token), session,
                   clock_.now()));
  return token;
}

Result<std::optional<Login>> Sessions::find(const Secret& token) {
  FM_TRY(const Rows found, sql_.run("SELECT s.id, s.tenant, s.person FROM refresh_tokens r "
                                    "JOIN sessions s ON s.id = r.session "
                                    "WHERE r.hash = $1 AND s.ended_at IS NULL AND s.expires_at > $2",
                                    hash_of(token), clock_.now()));
  if (found.empty()) return std::optional<Login>();
  const schema::Row& row = found.rows.front();
  return std::optional(Login{.session = text_at(row, 0), .tenant = text_at(row, 1), .person = text_at(row, 2)});
}

Result<Login> Sessions::refresh(const Secret& token, Login& reused) {
  Login login;
  bool again = false;
  FM_TRY_(sql_.write([&]() -> Result<void> {
    const WallTime now = clock_.now();
    FM_TRY(const auto found, find(token));
    if (!found) return Error{Errc::unauthorized, "the refresh token is not known, or its login has ended"};
    login = *found;
    FM_TRY(const Rows used,
           sql_.run("UPDATE refresh_tokens SET used_at = $1 WHERE hash = $2 AND used_at IS NULL", now, hash_of(token)));
    again = used.changed == 0;
    if (again) return end(login.session);
    FM_TRY_(sql_.run("UPDATE sessions SET expires_at = $1 WHERE id = $2", now + kRefreshLife, login.session));
    FM_TRY(login.refresh, add_token(login.session));
    return {};
  }));
  if (!again) return login;
  reused = std::move(login);
  return Error{Errc::conflict, "the refresh token was used before: this login has ended"};
}

Result<bool> Sessions::alive(std::string_view session) {
  FM_TRY(const Rows found, sql_.run("SELECT id FROM sessions WHERE id = $1 AND ended_at IS NULL AND expires_at > $2",
                                    session, clock_.now()));
  return !found.empty();
}

Result<void> Sessions::end(std::string_view session) {
  return sql_.write([&]() -> Result<void> {
    FM_TRY_(sql_.run("UPDATE sessions SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL", clock_.now(), session));
    return {};
  });
}

Result<void> Sessions::end_all(std::string_view person) {
  return sql_.write([&]() -> Result<void> {
    FM_TRY_(sql_.run("UPDATE sessions SET ended_at = $1 WHERE person = $2 AND ended_at IS NULL", clock_.now(), person));
    return {};
  });
}

}  // namespace fortium::service
