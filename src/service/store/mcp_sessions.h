// Sessions of the model context protocol over HTTP, shared by all processes of a service.
//
// A session is what its client was told and what it asked for, not a connection: any process goes on with it, also
// after a restart. Its id is a secret of the client, of which the hash is kept; it is bound to one organization and one
// credential. What was not used for kSessionLife is gone, and beyond kMostSessionsOfTenant the one that was not used
// longest. A convenience: commits do not wait for the disk, and a client whose session is gone begins anew. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "fortium/base/guarded.h"
#include "sql.h"

namespace fortium::service {

struct McpSession {
  std::string label;  // for its records: a UUID
  std::string state;
  WallTime used{};
};

class McpSessions {
 public:
  // The SQL that brings the tables from version i to i + 1.
  static std::span<const std::string_view> steps();
  explicit McpSessions(std::unique_ptr<Sql> sql) : sql_(std::move(sql)) {}

  struct Owner {
    std::string_view tenant;
    std::string_view credential;
  };
  // The id of a new one. It exists here only.
  Result<std::string> begin(const Owner& owner, std::string_view label, std::string_view state, WallTime now,
                            Entropy& entropy);
  // nullopt: there is none, or it is somebody else's. That it is used is noted once a minute.
  Result<std::optional<McpSession>> find(const Owner& owner, std::string_view id, WallTime now);
  Result<void> change(const Owner& owner, std::string_view id, std::string_view state);
  // False: there was none.
  Result<bool> end(const Owner& owner, std::string_view id);
  void rest();

 private:
  Guarded<std::unique_ptr<Sql>> sql_;
};

}  // namespace fortium::service
