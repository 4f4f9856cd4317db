// Who there is: organizations and their keys, in control.db. Records are elsewhere, one file an organization.
//
// Names are for people: files and rows are found by id. One instance belongs to one thread; `serve` and the commands
// beside it share the file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "keys.h"
#include "shared_file.h"

namespace fortium::service {

struct Tenant {
  std::string id;  // UUID
  std::string name;
  std::string file;  // below tenants/
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
  static Result<std::unique_ptr<Control>> open(const std::string& data_dir, const Clock& clock, Entropy& entropy);

  // conflict: there is one of that name, whatever its case. Makes the file of its records too.
  Result<Tenant> create_tenant(std::string_view name);
  Result<std::vector<Tenant>> tenants();
  // By name, else by id; not_found.
  Result<Tenant> tenant(std::string_view name_or_id);
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

  // Proves that the store can be written.
  Result<void> can_commit();
  Result<void> tidy() { return file_->tidy(); }

 private:
  Control(std::string data_dir, std::unique_ptr<SharedFile> file, const Clock& clock, Entropy& entropy);
  Result<Issued> add_key(std::string_view tenant_id, Scopes scopes, std::optional<Millis> life);
  Result<std::vector<Holder>> holders(store::Statement& statement);

  const std::string data_dir_;
  std::unique_ptr<SharedFile> file_;
  const Clock& clock_;
  Entropy& entropy_;
  store::Statement find_holder_;
};

// The file of an organization's records, and the directory that holds them all.
std::string tenants_dir(const std::string& data_dir);
std::string tenant_path(const std::string& data_dir, const std::string& file);

}  // namespace fortium::service
