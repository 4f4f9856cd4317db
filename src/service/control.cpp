#include "control.h"

#include <unistd.h>

#include <array>

#include "fortium/base/files.h"
#include "names.h"

namespace fortium::service {

namespace {

constexpr std::array<std::string_view, 1> kSteps = {R"sql(
CREATE TABLE tenants (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  folded TEXT NOT NULL UNIQUE,
  file TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
  created_at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE keys (
  id TEXT PRIMARY KEY NOT NULL,
  tenant TEXT NOT NULL,
  hash TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER
) WITHOUT ROWID, STRICT;
CREATE INDEX keys_by_tenant ON keys (tenant, created_at);

-- Written to prove that it can be.
CREATE TABLE pulse (
  one INTEGER PRIMARY KEY NOT NULL,
  at INTEGER NOT NULL
) STRICT;
)sql"};

std::optional<WallTime> time_at(const store::Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return from_ms(row.integer(column));
}

std::optional<std::int64_t> ms_of(const std::optional<WallTime>& time) {
  return time ? std::optional(to_ms(*time)) : std::nullopt;
}

// Of "SELECT id, name, file, state, created_at".
Tenant tenant_of(const store::Statement& row, int first) {
  return {.id = std::string(row.text(first)),
          .name = std::string(row.text(first + 1)),
          .file = std::string(row.text(first + 2)),
          .suspended = row.text(first + 3) != "active",
          .created = from_ms(row.integer(first + 4))};
}

Error no_such(std::string_view what) { return {Errc::not_found, "there is no such " + std::string(what)}; }

}  // namespace

std::string tenants_dir(const std::string& data_dir) { return data_dir + "/tenants"; }
std::string tenant_path(const std::string& data_dir, const std::string& file) {
  return tenants_dir(data_dir) + "/" + file;
}

Control::Control(std::string data_dir, std::unique_ptr<SharedFile> file, const Clock& clock, Entropy& entropy)
    : data_dir_(std::move(data_dir)), file_(std::move(file)), clock_(clock), entropy_(entropy) {}

Result<std::unique_ptr<Control>> Control::open(const std::string& data_dir, const Clock& clock, Entropy& entropy) {
  FM_TRY_(make_private_dir(data_dir));
  FM_TRY_(make_private_dir(tenants_dir(data_dir)));
  FM_TRY(auto file, SharedFile::open(data_dir + "/control.db", store::Durability::full, kSteps));
  std::unique_ptr<Control> control(new Control(data_dir, std::move(file), clock, entropy));
  FM_TRY(
      control->find_holder_,
      control->file_->db().prepare(
          "SELECT k.id, k.tenant, k.hash, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at, "
          "t.id, t.name, t.file, t.state, t.created_at FROM keys k JOIN tenants t ON t.id = k.tenant WHERE k.id = ?"));
  return control;
}

Result<Tenant> Control::create_tenant(std::string_view name) {
  Tenant tenant{.created = clock_.now()};
  FM_TRY(tenant.name, read_name(name));
  tenant.id = uuid7(tenant.created, entropy_);
  tenant.file = tenant.id + ".db";
  const std::string path = tenant_path(data_dir_, tenant.file);
  FM_TRY_(file_->write([&]() -> Result<void> {
    FM_TRY(store::Statement find, file_->db().prepare("SELECT 1 FROM tenants WHERE folded = ?"));
    FM_TRY(const bool taken, find.bind(folded(tenant.name)).step());
    if (taken) return Error{Errc::conflict, "there is an organization of this name"};
    find.reset();
    // First the file, then the row: who finds the row may rely on the file.
    FM_TRY(const auto made, store::Database::open({.path = path}, entropy_));
    FM_TRY_(sync_dir(tenants_dir(data_dir_)));
    FM_TRY(store::Statement add, file_->db().prepare("INSERT INTO tenants (id, name, folded, file, state, created_at) "
                                                     "VALUES (?, ?, ?, ?, 'active', ?)"));
    return add.bind(tenant.id, tenant.name, folded(tenant.name), tenant.file, to_ms(tenant.created)).run();
  }));
  return tenant;
}

Result<std::vector<Tenant>> Control::tenants() {
  FM_TRY(store::Statement list,
         file_->db().prepare("SELECT id, name, file, state, created_at FROM tenants ORDER BY folded"));
  std::vector<Tenant> tenants;
  while (true) {
    FM_TRY(const bool row, list.step());
    if (!row) return tenants;
    tenants.push_back(tenant_of(list, 0));
  }
}

Result<Tenant> Control::tenant(std::string_view name_or_id) {
  const auto name = read_name(name_or_id);
  if (!name) return no_such("organization");
  FM_TRY(store::Statement find,
         file_->db().prepare("SELECT id, name, file, state, created_at FROM tenants WHERE folded = ?1 OR id = ?2 "
                             "ORDER BY folded = ?1 DESC LIMIT 1"));
  FM_TRY(const bool found, find.bind(folded(*name), *name).step());
  if (!found) return no_such("organization");
  return tenant_of(find, 0);
}

Result<void> Control::set_suspended(const Tenant& tenant, bool suspended) {
  return file_->write([&]() -> Result<void> {
    FM_TRY(store::Statement set, file_->db().prepare("UPDATE tenants SET state = ? WHERE id = ?"));
    FM_TRY_(set.bind(suspended ? "suspended" : "active", tenant.id).run());
    if (file_->db().changes() == 0) return no_such("organization");
    return {};
  });
}

Result<void> Control::remove_tenant(const Tenant& tenant) {
  FM_TRY_(file_->write([&]() -> Result<void> {
    FM_TRY(store::Statement keys, file_->db().prepare("DELETE FROM keys WHERE tenant = ?"));
    FM_TRY_(keys.bind(tenant.id).run());
    FM_TRY(store::Statement row, file_->db().prepare("DELETE FROM tenants WHERE id = ?"));
    FM_TRY_(row.bind(tenant.id).run());
    if (file_->db().changes() == 0) return no_such("organization");
    return {};
  }));
  const std::string path = tenant_path(data_dir_, tenant.file);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) ::unlink((path + suffix).c_str());
  return sync_dir(tenants_dir(data_dir_));
}

Result<Issued> Control::create_key(const Tenant& tenant, Scopes scopes, std::optional<Millis> life) {
  std::optional<Issued> issued;
  FM_TRY_(file_->write([&]() -> Result<void> {
    FM_TRY(store::Statement find, file_->db().prepare("SELECT 1 FROM tenants WHERE id = ?"));
    FM_TRY(const bool there, find.bind(tenant.id).step());
    if (!there) return no_such("organization");
    find.reset();
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
  FM_TRY(store::Statement add,
         file_->db().prepare("INSERT INTO keys (id, tenant, hash, scopes, created_at, expires_at) "
                             "VALUES (?, ?, ?, ?, ?, ?)"));
  FM_TRY_(add.bind(key.id, key.tenant, key.hash, to_text(scopes), to_ms(now), ms_of(key.expires)).run());
  return Issued{std::move(key), std::move(made.text)};
}

Result<std::vector<Holder>> Control::keys(std::string_view tenant_id) {
  FM_TRY(store::Statement list,
         file_->db().prepare(
             "SELECT k.id, k.tenant, k.hash, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at, "
             "t.id, t.name, t.file, t.state, t.created_at FROM keys k JOIN tenants t ON t.id = k.tenant "
             "WHERE ?1 = '' OR k.tenant = ?1 ORDER BY t.folded, k.created_at, k.id"));
  list.bind(tenant_id);
  return holders(list);
}

Result<std::optional<Holder>> Control::holder(std::string_view key_id) {
  FM_TRY(std::vector<Holder> found, holders(find_holder_.bind(key_id)));
  if (found.empty()) return std::optional<Holder>();
  return std::optional(std::move(found.front()));
}

Result<std::vector<Holder>> Control::holders(store::Statement& rows) {
  std::vector<Holder> holders;
  while (true) {
    FM_TRY(const bool row, rows.step());
    if (!row) return holders;
    FM_TRY(const Scopes scopes, parse_scopes(rows.text(3)));
    holders.push_back({.key = {.id = std::string(rows.text(0)),
                               .tenant = std::string(rows.text(1)),
                               .hash = std::string(rows.text(2)),
                               .scopes = scopes,
                               .created = from_ms(rows.integer(4)),
                               .expires = time_at(rows, 5),
                               .revoked = time_at(rows, 6),
                               .used = time_at(rows, 7)},
                       .tenant = tenant_of(rows, 8)});
  }
}

Result<void> Control::revoke_key(const Key& key) {
  return file_->write([&]() -> Result<void> {
    FM_TRY(store::Statement set,
           file_->db().prepare("UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?"));
    FM_TRY_(set.bind(to_ms(clock_.now()), key.id).run());
    if (file_->db().changes() == 0) return no_such("key");
    return {};
  });
}

Result<Issued> Control::rotate_key(const Key& key, Millis overlap) {
  if (key.revoked) return Error{Errc::conflict, "the key is revoked: create a new one"};
  std::optional<Millis> life;
  if (key.expires) life = *key.expires - key.created;
  std::optional<Issued> issued;
  FM_TRY_(file_->write([&]() -> Result<void> {
    const WallTime now = clock_.now();
    FM_TRY(store::Statement end,
           file_->db().prepare(overlap > Millis(0) ? "UPDATE keys SET expires_at = min(coalesce(expires_at, ?1), ?1) "
                                                     "WHERE id = ?2 AND revoked_at IS NULL"
                                                   : "UPDATE keys SET revoked_at = ?1 "
                                                     "WHERE id = ?2 AND revoked_at IS NULL"));
    FM_TRY_(end.bind(to_ms(now + overlap), key.id).run());
    if (file_->db().changes() == 0) return no_such("key");
    FM_TRY(issued, add_key(key.tenant, key.scopes, life));
    return {};
  }));
  return std::move(*issued);
}

Result<void> Control::note_used(const std::vector<std::string>& key_ids) {
  return file_->write([&]() -> Result<void> {
    FM_TRY(store::Statement set, file_->db().prepare("UPDATE keys SET last_used_at = ? WHERE id = ?"));
    for (const std::string& id : key_ids) FM_TRY_(set.bind(to_ms(clock_.now()), id).run());
    return {};
  });
}

Result<void> Control::can_commit() {
  return file_->write([&]() -> Result<void> {
    FM_TRY(store::Statement beat, file_->db().prepare("INSERT INTO pulse (one, at) VALUES (1, ?) "
                                                      "ON CONFLICT DO UPDATE SET at = excluded.at"));
    return beat.bind(to_ms(clock_.now())).run();
  });
}

}  // namespace fortium::service
