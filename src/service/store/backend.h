// Where a service keeps everything: opened by one word, whatever engine it names.
#pragma once

#include <memory>
#include <string>

#include "answers.h"
#include "control.h"
#include "fortium/base/guarded.h"
#include "mcp_sessions.h"
#include "records.h"

namespace fortium::service {

struct Backend {
  std::unique_ptr<Sql> sql;  // of `control`
  std::unique_ptr<Depot> depot;
  std::unique_ptr<Answers> answers;
  std::unique_ptr<McpSessions> sessions;
  std::unique_ptr<Control> control;
};

// `where`: the URL of a PostgreSQL database (postgresql://…), with a schema for the service's own tables and one for
// each organization; or a directory, for SQLite: control.db, answers.db, sessions.db and one file an organization below
// tenants/. What is missing is made, what is of an older version is brought to ours.
Result<Backend> open_backend(const std::string& where, const Clock& clock, Entropy& entropy);

}  // namespace fortium::service
