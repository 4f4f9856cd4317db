// Who there is: organizations and their keys. Records are elsewhere, each organization's in a place of its own.
//
// Names are for people: places and rows are found by id. One instance belongs to one thread; `serve` and the commands
// beside it share what is kept.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "records.h"
#include "service/access/keys.h"
#include "sql.h"

namespace fortium::service {

struct Tenant {
  std::string id;  // UUID
  std::string name;
  std::string place;  // of its records
  bool suspended = false;
  WallTime created{};
};

struct Key {
  std::string id;
  std::string tenant;  // id
  std::string hash;    // of its secret
  Scopes scopes = 0;
  WallTime created{};
  std::optional<WallTime> expires, revoked, used;

  bool expired(WallTime now) const { return expires && *expires <= now; }
};

// A key that was just made: the only moment at which its text exists.
struct Issued {
  Key key;
  Secret text;
};

struct Holder {
  Key key;
  Tenant tenant;
};

class Control {
 public:
  // The SQL that brings the tables from version i to i + 1.
  static std::span<const std::string_view> steps();
  // All of them must outlive it.
  Control(Sql& sql, Depot& depot, const Clock& clock, Entropy& entropy)
      : sql_(sql), depot_(depot), clock_(clock), entropy_(entropy) {}

  // conflict: there is one of that name, whatever its case. Makes the place of its records too.
  Result<Tenant> create_tenant(std::string_view name);
  Result<std::vector<Tenant>> tenants();
  // By name, else by id; not_found.
  Result<Tenant> tenant(std::string_view name_or_id);
  // A name may look like an id: who holds an id asks here.
  Result<std::optional<Tenant>> tenant_with_id(std::string_view id);
  Result<void> set_suspended(const Tenant& tenant, bool suspended);
  // The organization, its keys and its records.
  Result<void> remove_tenant(const Tenant& tenant);

  Result<Issued> create_key(const Tenant& tenant, Scopes scopes, std::optional<Millis> life);
  // Of one organization, or of all.
  Result<std::vector<Holder>> keys(std::string_view tenant_id);
  Result<std::optional<Holder>> holder(std::string_view key_id);
  Result<void> revoke_key(const Key& key);
  // A new key with the scopes and the length of life of an old one, which ends after `overlap`.
  Result<Issued> rotate_key(const Key& key, Millis overlap);
  Result<void> note_used(const std::vector<std::string>& key_ids);

  // Proves that the store can be written; one proof lasts kReadyLife.
  Result<void> can_commit();
  Result<void> tidy() { return sql_.tidy(); }
  // Where all of it is, for who keeps more about organizations than is asked of here.
  Sql& sql() { return sql_; }

 private:
  Result<Issued> add_key(std::string_view tenant_id, Scopes scopes, std::optional<Millis> life);

  Sql& sql_;
  Depot& depot_;
  const Clock& clock_;
  Entropy& entropy_;
  Result<void> ready_;
  std::optional<SteadyTime> ready_until_;
};

}  // namespace fortium::service
