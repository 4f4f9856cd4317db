#include "mcp_sessions.h"

#include <array>

#include "fortium/base/hash.h"
#include "fortium/base/log.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

constexpr std::array<std::string_view, 1> kSteps = {R"sql(
CREATE TABLE mcp_sessions (
  hash TEXT PRIMARY KEY NOT NULL,
  tenant TEXT NOT NULL,
  credential TEXT NOT NULL,
  label TEXT NOT NULL,
  state TEXT NOT NULL,
  used_at BIGINT NOT NULL
);
CREATE INDEX mcp_sessions_by_tenant ON mcp_sessions (tenant, used_at);
CREATE INDEX mcp_sessions_by_time ON mcp_sessions (used_at);
)sql"};

constexpr std::size_t kIdBytes = 32;
constexpr std::int64_t kPruned = 10;  // with every new one: faster than they come

std::string hash_of(std::string_view id) {
  const Sha256 digest = sha256(id);
  return to_hex(digest.data(), digest.size());
}

}  // namespace

std::span<const std::string_view> McpSessions::steps() { return kSteps; }

Result<std::string> McpSessions::begin(const Owner& owner, std::string_view label, std::string_view state, WallTime now,
                                       Entropy& entropy) {
  std::string id = random_hex(kIdBytes, entropy);
  FM_TRY_(sql_.with([&](auto& sql) {
    return sql->write([&]() -> Result<void> {
      FM_TRY_(
          sql->run("INSERT INTO mcp_sessions (hash, tenant, credential, label, state, used_at) "
                   "VALUES ($1, $2, $3, $4, $5, $6)",
                   hash_of(id), owner.tenant, owner.credential, label, state, now));
      FM_TRY_(
          sql->run("DELETE FROM mcp_sessions WHERE hash IN "
                   "(SELECT hash FROM mcp_sessions WHERE used_at <= $1 LIMIT $2)",
                   now - kSessionLife, kPruned));
      FM_TRY_(
          sql->run("DELETE FROM mcp_sessions WHERE hash IN (SELECT hash FROM mcp_sessions WHERE tenant = $1 "
                   "ORDER BY used_at DESC, hash LIMIT $2 OFFSET $3)",
                   owner.tenant, kPruned, static_cast<std::int64_t>(kMostSessionsOfTenant)));
      return {};
    });
  }));
  return id;
}

Result<std::optional<McpSession>> McpSessions::find(const Owner& owner, std::string_view id, WallTime now) {
  return sql_.with([&](auto& sql) -> Result<std::optional<McpSession>> {
    const std::string hash = hash_of(id);
    FM_TRY(const Rows found, sql->run("SELECT label, state, used_at FROM mcp_sessions "
                                      "WHERE hash = $1 AND tenant = $2 AND credential = $3 AND used_at > $4",
                                      hash, owner.tenant, owner.credential, now - kSessionLife));
    if (found.empty()) return std::optional<McpSession>();
    const schema::Row& row = found.rows.front();
    McpSession session{text_at(row, 0), text_at(row, 1), time_at(row, 2)};
    if (now - session.used >= kUseNoted) {
      const auto noted = sql->write([&]() -> Result<void> {
        FM_TRY_(sql->run("UPDATE mcp_sessions SET used_at = $2 WHERE hash = $1", hash, now));
        return {};
      });
      if (!noted) log_warn("use of a session is not noted: " + noted.error().what);
    }
    return std::optional(std::move(session));
  });
}

Result<void> McpSessions::change(const Owner& owner, std::string_view id, std::string_view state) {
  return sql_.with([&](auto& sql) {
    return sql->write([&]() -> Result<void> {
      FM_TRY_(sql->run("UPDATE mcp_sessions SET state = $4 WHERE hash = $1 AND tenant = $2 AND credential = $3",
                       hash_of(id), owner.tenant, owner.credential, state));
      return {};
    });
  });
}

Result<bool> McpSessions::end(const Owner& owner, std::string_view id) {
  bool ended = false;
  FM_TRY_(sql_.with([&](auto& sql) {
    return sql->write([&]() -> Result<void> {
      FM_TRY(const Rows done, sql->run("DELETE FROM mcp_sessions WHERE hash = $1 AND tenant = $2 AND credential = $3",
                                       hash_of(id), owner.tenant, owner.credential));
      ended = done.changed > 0;
      return {};
    });
  }));
  return ended;
}

void McpSessions::rest() {
  sql_.with([](auto& sql) {
    if (auto done = sql->tidy(); !done) log_warn("checkpoint: " + done.error().what);
  });
}

}  // namespace fortium::service
