#include "control.h"

#include <array>

#include "service/access/names.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

constexpr std::array<std::string_view, 1> kSteps = {R"sql(
CREATE TABLE tenants (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  folded TEXT NOT NULL UNIQUE,
  place TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
  created_at BIGINT NOT NULL
);

CREATE TABLE keys (
  id TEXT PRIMARY KEY NOT NULL,
  tenant TEXT NOT NULL,
  hash TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT,
  last_used_at BIGINT
);
CREATE INDEX keys_by_tenant ON keys (tenant, created_at);

CREATE TABLE people (
  id TEXT PRIMARY KEY NOT NULL,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  folded TEXT NOT NULL,
  label TEXT NOT NULL,
  role TEXT NOT NULL,
  password TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_login_at BIGINT,
  UNIQUE (tenant, folded)
);

CREATE TABLE sessions (
  id TEXT PRIMARY KEY NOT NULL,
  tenant TEXT NOT NULL,
  person TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX sessions_by_person ON sessions (person);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE refresh_tokens (
  hash TEXT PRIMARY KEY NOT NULL,
  session TEXT NOT NULL,
  issued_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session);

CREATE TABLE signing_keys (
  id TEXT PRIMARY KEY NOT NULL,
  private_key TEXT NOT NULL,
  modulus TEXT NOT NULL,
  exponent TEXT NOT NULL,
  signs_from BIGINT NOT NULL,
  signs_until BIGINT NOT NULL
);

-- Of an organization or of a key; who has no row has the default.
CREATE TABLE quotas (
  who TEXT PRIMARY KEY NOT NULL,
  tier TEXT NOT NULL,
  units BIGINT NOT NULL
);

CREATE TABLE retention (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  days BIGINT NOT NULL,
  PRIMARY KEY (tenant, kind)
);

CREATE TABLE audit (
  tenant TEXT NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (tenant, seq)
);

-- Written to prove that it can be.
CREATE TABLE pulse (
  one BIGINT PRIMARY KEY NOT NULL,
  at BIGINT NOT NULL
);
)sql"};

const std::string kTenant = "t.id, t.name, t.place, t.state, t.created_at";
const std::string kHolder =
    "k.id, k.tenant, k.hash, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at, " + kTenant +
    " FROM keys k JOIN tenants t ON t.id = k.tenant ";

Tenant tenant_of(const schema::Row& row, std::size_t first) {
  return {.id = text_at(row, first),
          .name = text_at(row, first + 1),
          .place = text_at(row, first + 2),
          .suspended = text_at(row, first + 3) != "active",
          .created = time_at(row, first + 4)};
}

Result<std::vector<Holder>> holders_of(const Rows& found) {
  std::vector<Holder> holders;
  for (const schema::Row& row : found.rows) {
    FM_TRY(const Scopes scopes, parse_scopes(text_at(row, 3)));
    holders.push_back({.key = {.id = text_at(row, 0),
                               .tenant = text_at(row, 1),
                               .hash = text_at(row, 2),
                               .scopes = scopes,
                               .created = time_at(row, 4),
                               .expires = maybe_time_at(row, 5),
                               .revoked = maybe_time_at(row, 6),
                               .used = maybe_time_at(row, 7)},
                       .tenant = tenant_of(row, 8)});
  }
  return holders;
}

Error no_such(std::string_view what) { return {Errc::not_found, "there is no such " + std::string(what)}; }

// A statement about one row that must be there.
Result<void> changed_one(const Result<Rows>& done, std::string_view what) {
  if (!done) return done.error();
  if (done->changed == 0) return no_such(what);
  return {};
}

}  // namespace

std::span<const std::string_view> Control::steps() { return kSteps; }

Result<Tenant> Control::create_tenant(std::string_view name) {
  Tenant tenant{.created = clock_.now()};
  FM_TRY(tenant.name, read_name(name));
  tenant.id = uuid7(tenant.created, entropy_);
  tenant.place = depot_.place_for(tenant.id);
  FM_TRY_(sql_.write([&]() -> Result<void> {
    FM_TRY(const Rows taken, sql_.run("SELECT id FROM tenants WHERE folded = $1", folded(tenant.name)));
    if (!taken.empty()) return Error{Errc::conflict, "there is an organization of this name"};
    // First the place, then the row: who finds the row may rely on the place.
    FM_TRY_(depot_.create(tenant.place));
    FM_TRY_(
        sql_.run("INSERT INTO tenants (id, name, folded, place, state, created_at) "
                 "VALUES ($1, $2, $3, $4, 'active', $5)",
                 tenant.id, tenant.name, folded(tenant.name), tenant.place, tenant.created));
    return {};
  }));
  return tenant;
}

Result<std::vector<Tenant>> Control::tenants() {
  FM_TRY(const Rows found, sql_.run("SELECT " + kTenant + " FROM tenants t ORDER BY t.folded"));
  std::vector<Tenant> tenants;
  for (const schema::Row& row : found.rows) tenants.push_back(tenant_of(row, 0));
  return tenants;
}

Result<Tenant> Control::tenant(std::string_view name_or_id) {
  const auto name = read_name(name_or_id);
  if (!name) return no_such("organization");
  FM_TRY(const Rows found, sql_.run("SELECT " + kTenant +
                                        " FROM tenants t WHERE t.folded = $1 OR t.id = $2 "
                                        "ORDER BY CASE WHEN t.folded = $1 THEN 0 ELSE 1 END LIMIT 1",
                                    folded(*name), *name));
  if (found.empty()) return no_such("organization");
  return tenant_of(found.rows.front(), 0);
}

Result<std::optional<Tenant>> Control::tenant_with_id(std::string_view id) {
  FM_TRY(const Rows found, sql_.run("SELECT " + kTenant + " FROM tenants t WHERE t.id = $1", id));
  if (found.empty()) return std::optional<Tenant>();
  return std::optional(tenant_of(found.rows.front(), 0));
}

Result<void> Control::set_suspended(const Tenant& tenant, bool suspended) {
  return sql_.write([&] {
    return changed_one(sql_.run("UPDATE tenants SET state = $1 WHERE id = $2",
                                std::string_view(suspended ? "suspended" : "active"), tenant.id),
                       "organization");
  });
}

Result<void> Control::remove_tenant(const Tenant& tenant) {
  FM_TRY_(sql_.write([&]() -> Result<void> {
    // Its audit log stays, under its id.
    FM_TRY_(
        sql_.run("DELETE FROM refresh_tokens WHERE session IN (SELECT id FROM sessions WHERE tenant = $1)", tenant.id));
    FM_TRY_(sql_.run("DELETE FROM sessions WHERE tenant = $1", tenant.id));
    FM_TRY_(sql_.run("DELETE FROM people WHERE tenant = $1", tenant.id));
    FM_TRY_(sql_.run("DELETE FROM retention WHERE tenant = $1", tenant.id));
    FM_TRY_(sql_.run("DELETE FROM quotas WHERE who = $1 OR who IN (SELECT id FROM keys WHERE tenant = $1)", tenant.id));
    FM_TRY_(sql_.run("DELETE FROM keys WHERE tenant = $1", tenant.id));
    return changed_one(sql_.run("DELETE FROM tenants WHERE id = $1", tenant.id), "organization");
  }));
  return depot_.remove(tenant.place);
}

Result<Issued> Control::create_key(const Tenant& tenant, Scopes scopes, std::optional<Millis> life) {
  std::optional<Issued> issued;
  FM_TRY_(sql_.write([&]() -> Result<void> {
    FM_TRY(const Rows there, sql_.run("SELECT id FROM tenants WHERE id = $1", tenant.id));
    if (there.empty()) return no_such("organization");
    FM_TRY(issued, add_key(tenant.id, scopes, life));
    return {};
  }));
  return std::move(*issued);
}

Result<Issued> Control::add_key(std::string_view tenant_id, Scopes scopes, std::optional<Millis> life) {
  NewKey made = make_key(entropy_);
  const WallTime now = clock_.now();
  Key key{.id = made.id, .tenant = std::string(tenant_id), .hash = made.hash, .scopes = scopes, .created = now};
  if (life) key.expires = now + *life;
  FM_TRY_(
      sql_.run("INSERT INTO keys (id, tenant, hash, scopes, created_at, expires_at) "
               "VALUES ($1, $2, $3, $4, $5, $6)",
               key.id, key.tenant, key.hash, to_text(scopes), now, key.expires));
  return Issued{std::move(key), std::move(made.text)};
}

Result<std::vector<Holder>> Control::keys(std::string_view tenant_id) {
  FM_TRY(const Rows found, sql_.run("SELECT " + kHolder +
                                        "WHERE $1 = '' OR k.tenant = $1 "
                                        "ORDER BY t.folded, k.created_at, k.id",
                                    tenant_id));
  return holders_of(found);
}

Result<std::optional<Holder>> Control::holder(std::string_view key_id) {
  FM_TRY(const Rows found, sql_.run("SELECT " + kHolder + "WHERE k.id = $1", key_id));
  if (found.empty()) return std::optional<Holder>();
  FM_TRY(std::vector<Holder> holders, holders_of(found));
  return std::optional(std::move(holders.front()));
}

Result<void> Control::revoke_key(const Key& key) {
  return sql_.write([&] {
    return changed_one(
        sql_.run("UPDATE keys SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2", clock_.now(), key.id), "key");
  });
}

Result<Issued> Control::rotate_key(const Key& key, Millis overlap) {
  if (key.revoked) return Error{Errc::conflict, "the key is revoked: create a new one"};
  std::optional<Millis> life;
  if (key.expires) life = *key.expires - key.created;
  std::optional<Issued> issued;
  FM_TRY_(sql_.write([&]() -> Result<void> {
    const WallTime now = clock_.now();
    const auto end =
        overlap > Millis(0)
            ? sql_.run(
                  "UPDATE keys SET expires_at = CASE WHEN expires_at < $1 THEN expires_at ELSE $1 END "
                  "WHERE id = $2 AND revoked_at IS NULL",
                  now + overlap, key.id)
            : sql_.run("UPDATE keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL", now, key.id);
    FM_TRY_(changed_one(end, "key"));
    FM_TRY(issued, add_key(key.tenant, key.scopes, life));
    return {};
  }));
  return std::move(*issued);
}

Result<void> Control::note_used(const std::vector<std::string>& key_ids) {
  return sql_.write([&]() -> Result<void> {
    for (const std::string& id : key_ids)
      FM_TRY_(sql_.run("UPDATE keys SET last_used_at = $1 WHERE id = $2", clock_.now(), id));
    return {};
  });
}

Result<void> Control::can_commit() {
  if (ready_until_ && clock_.steady() < *ready_until_) return ready_;
  ready_ = sql_.write([&]() -> Result<void> {
    FM_TRY_(sql_.run("INSERT INTO pulse (one, at) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET at = excluded.at",
                     clock_.now()));
    return {};
  });
  ready_until_ = clock_.steady() + kReadyLife;
  return ready_;
}

}  // namespace fortium::service
