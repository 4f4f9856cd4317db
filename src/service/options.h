// What the program can be told to do, and how it ends. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "access/permissions.h"
#include "fortium/base/clock.h"
#include "fortium/base/exit.h"

namespace fortium::service {

struct TenantCommand {
  enum class Do { create, list, show, suspend, resume, remove } what = Do::list;
  std::string name;
  bool json = false;
};

struct ImportCommand {
  std::string file;
  std::string receipts;  // where they go; empty: nowhere
  bool json = false;
};

struct UserCommand {
  enum class Do { create, list, set_role, set_password, remove } what = Do::list;
  std::string tenant;
  std::string name;   // or id
  std::string label;  // of their records
  Role role = Role::developer;
  bool password = false;  // of create: it is read from standard input
  bool json = false;
};

struct TokenCommand {
  enum class Do { create, rotate } what = Do::create;
  std::string tenant;
  std::string user, key;  // one of them
  bool revoke = false;    // of rotate: what the old keys signed ends
  bool json = false;
};

struct AuditCommand {
  enum class Do { list, verify } what = Do::list;
  std::string tenant;  // of verify: empty for all, and the service's own chain; of list: empty for that one
  std::string known;   // hash of a line
  std::int64_t limit = 100;
  bool json = false;
};

struct KeyCommand {
  enum class Do { create, list, rotate, revoke } what = Do::list;
  std::string tenant;  // of list: empty for all
  std::string id;
  Scopes scopes = kIngest;
  std::optional<std::int64_t> units;  // its own limit, a minute
  std::optional<Millis> life;
  Millis overlap{24 * 3'600'000};
  bool json = false;
};

struct StoreCommand {
  enum class Do { migrate, check, backup, restore, copy } what = Do::check;
  std::string to;      // of copy: the same
  std::string file;    // of backup and restore
  std::string tenant;  // empty: all
  bool json = false;
};

}  // namespace fortium::service
