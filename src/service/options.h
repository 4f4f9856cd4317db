// What the program can be told to do, and how it ends. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "access/keys.h"
#include "fortium/base/clock.h"
#include "fortium/base/exit.h"
#include "http/http_server.h"

namespace fortium::service {

struct ServeCommand {
  std::string store;  // as open_backend takes it
  ServerOptions server;
  std::int64_t units_per_minute = kDefaultUnitsPerMinute;
};

struct TenantCommand {
  enum class Do { create, list, show, suspend, resume, remove } what = Do::list;
  std::string store;  // as open_backend takes it
  std::string name;
  bool json = false;
};

struct ImportCommand {
  std::string store;  // as open_backend takes it
  std::string file;
  std::string receipts;  // where they go; empty: nowhere
  bool json = false;
};

struct StoreCommand {
  enum class Do { migrate, check, backup, restore, copy } what = Do::check;
  std::string store;   // as open_backend takes it
  std::string to;      // of copy: the same
  std::string file;    // of backup and restore
  std::string tenant;  // empty: all
  bool json = false;
};

struct KeyCommand {
  enum class Do { create, list, rotate, revoke } what = Do::list;
  std::string store;   // as open_backend takes it
  std::string tenant;  // of list: empty for all
  std::string id;
  Scopes scopes = kIngest;
  std::optional<Millis> life;
  Millis overlap{24 * 3'600'000};
  bool json = false;
};

}  // namespace fortium::service
