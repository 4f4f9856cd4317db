// The audit log: who changed what, and refusals that matter. Lines are only ever added, and each line's hash covers the
// one before it, so a line that was changed, removed or put in shows. Each organization has a chain of its own; what
// happens to organizations themselves is also in the chain of the service, whose tenant is "".
//
// Who can write to the store can also write a whole chain anew: who wants to notice that keeps the hash of a line
// elsewhere (`audit verify` prints the newest) and looks it up later. One instance belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/json.h"
#include "service/store/sql.h"

namespace fortium::service {

constexpr auto kServiceChain = "";
constexpr auto kCommandLine = "command-line";  // an actor; others are "key:<id>" and "user:<id>"

// What happened. Texts of people stand in JSON strings, so no line can look like another.
struct Deed {
  std::string_view actor;
  std::string_view action;    // a word of ours, such as "key.create"
  std::string_view subject;   // id of what was changed
  std::string detail = "{}";  // a JSON object of what else is to be known; never a secret
};

struct AuditLine {
  std::int64_t seq = 0;  // 1, 2, … in its chain
  WallTime at{};
  std::string actor, action, subject, detail;
  std::string hash;  // 64 hex digits
};

struct AuditHead {
  std::int64_t lines = 0;
  std::string hash;  // of the newest line; of an empty chain: of nothing
};

class Audit {
 public:
  Audit(Sql& sql, const Clock& clock) : sql_(sql), clock_(clock) {}

  // In the transaction of the change, if there is one: they are kept together or not at all.
  Result<void> add(std::string_view tenant, const Deed& deed);
  // Up to `most` lines, the newest first, of those before line `before`.
  Result<std::vector<AuditLine>> page(std::string_view tenant, std::optional<std::int64_t> before, std::int64_t most);
  // Reads the whole chain; corrupt: which line is wrong. `known`: the hash of one of its lines, if it was kept.
  Result<AuditHead> verify(std::string_view tenant, std::string_view known = {});

 private:
  Sql& sql_;
  const Clock& clock_;
};

Json to_json(const AuditLine& line);

}  // namespace fortium::service
