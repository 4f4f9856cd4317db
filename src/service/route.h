// An end point as a row: method, path, who may, what it costs, and the function that answers.
//
// Each area of the service has a table of its own rows (`…_routes()`); routes.cpp lists the tables. What routes
// requests, what tests try with every credential, and what is published of the service are read from the same rows.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "access/auth.h"
#include "access/rate_limit.h"
#include "figures.h"
#include "fortium/schema/field.h"
#include "http/http.h"
#include "ingest/ingest.h"
#include "mcp/mcp.h"
#include "store/answers.h"
#include "store/records.h"

namespace fortium::service {

// What the functions work with. Any thread.
struct Parts {
  SharedControl& control;
  Depot& depot;
  Answers& answers;
  Access& access;
  Auth& auth;
  RateLimit& limit;
  Ingest& ingest;
  Mcp& mcp;
  Figures& figures;
  const Clock& clock;
  const SteadyTime started;
  const Secret& metrics_token;  // of who may see `figures`; empty: this machine
};

// One admitted request.
struct Call {
  const Request& request;
  const Credential& who;           // empty where the row asks for none
  const struct Route& route;       // its row
  std::vector<std::string> names;  // what stands in the path in place of its "{…}", decoded, in order
};

enum class Body { none, json, otlp };       // otlp: JSON or protobuf, and refusals in the same form
enum class Cost { nothing, request, own };  // of the rate limit; `own`: the function takes it

// What a good answer holds beside "success": an object as "data", a list of such, or members of its own.
struct Gives {
  enum class As { data, rows, members } as = As::data;
  schema::Shape shape = {};  // empty: it is not described
};

struct Route {
  std::string_view method;
  std::string_view path;  // "/api/v1/metrics/session/{id}": a name stands for one segment
  Permissions any_of;     // none: no credential is asked for
  Body body;
  Cost cost;
  Response (*run)(Parts& parts, const Call& call);
  std::string_view doc = {};  // what it is for, as a sentence
  schema::Shape query = {};   // its parameters, which read_query() checks
  schema::Shape form = {};    // its body, which Fields checks
  Gives gives = {};
  const metrics::Kind* takes = nullptr;  // its body is one record of this kind
  bool batch = false;                    // its body is a batch
};

}  // namespace fortium::service
