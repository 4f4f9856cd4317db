// What the server offers, as rows: tools, resources, prompts. A row is a name, a shape and a function; there is no
// registration, the program that starts the server hands it the rows. Rows are immutable once the server runs; their
// functions run on the server's thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/json.h"
#include "fortium/base/result.h"
#include "fortium/metrics/alerts.h"
#include "fortium/metrics/recorder.h"
#include "fortium/metrics/report.h"
#include "fortium/schema/field.h"

namespace fortium::mcp {

// What a tool answers. Clients show a model one of the two and drop the other, so each holds the full answer.
struct CallResult {
  std::string text;
  std::string structured;  // JSON text of an object that fits the tool's output shape; empty for an error
  bool error = false;

  static CallResult failure(std::string why) { return {std::move(why), "", true}; }
  static CallResult refused(const metrics::Violations& violations);
  // The same JSON as both.
  static CallResult json(const Json& value);
};

// How much a message of the log matters: the words of RFC 5424, in its order.
enum class Severity { debug, info, notice, warning, error, critical, alert, emergency };

// What a row's function may use. Valid during the call. The server fills in what it does not get from the program.
struct Context {
  const Clock& clock;
  metrics::Recorder& recorder;
  // The server's: makes what was staged in this group durable. A question asks it first, so that its answer covers what
  // was recorded before it.
  std::function<Result<void>()> commit;
  std::function<Result<metrics::Reader*>()> reader;
  std::string_view organization;  // "local" if there is none
  // The server's: long work calls it between its steps, with nothing staged, however often. `done` grows; a `total` of
  // 0 is not known. cancelled: nobody waits for the answer any more; stop, and return whatever.
  std::function<Result<void>(std::int64_t done, std::int64_t total, std::string_view message)> pulse = {};
  // The server's: tells a client that wants to hear it. `data` holds no secret and nothing that a person typed.
  std::function<void(Severity severity, std::string_view logger, const Json& data)> log = {};
};

struct Tool {
  std::string_view name;
  std::string_view title;
  std::string_view doc;
  schema::Shape input;
  schema::Shape output;
  // It stages records, and reads nothing that is staged: its answer waits for the commit of its group.
  bool records = false;
  bool read_only = false;
  // It can be called by who knows its name, and is in no list: no model is to see it.
  bool hidden = false;
  // Arguments have passed the check against `input`, unless `records`: then stage() checks them.
  std::function<CallResult(Context&, const Json& arguments)> run;
};

struct Resource {
  // With at most one "{variable}" (RFC 6570, level 1). "{organization_id}" stands for the organization, so that this
  // resource is listed; any other makes it a template.
  std::string uri;
  std::string_view name;
  std::string_view title;
  std::string_view doc;
  // `value` is the variable's. not_found: there is no such thing.
  std::function<Result<Json>(Context&, const std::string& value)> read;
  // The kinds of record that it is made of: who subscribes hears when there are more of them.
  std::vector<std::string_view> kinds = {};
};

// Arguments of prompts and variables of resources that are named like a field of records are completed from what was
// recorded.
struct Prompt {
  std::string_view name;
  std::string_view title;
  std::string_view doc;
  schema::Shape arguments;  // all Text: MCP gives strings only
  std::function<Result<std::string>(Context&, const Json& arguments)> write;
};

struct Catalog {
  std::vector<Tool> tools;
  std::vector<Resource> resources;
  std::vector<Prompt> prompts;
  std::string_view instructions;
};

// The recorders (one a kind, from the table, and those of sessions), the questions, the documented resources and the
// prompt. What needs more than a Context (settings, files) is added by the program. `alerts`: recorders warn by these
// rules; none: they do not.
Catalog standard_catalog(const std::optional<metrics::AlertRules>& alerts = metrics::AlertRules());

}  // namespace fortium::mcp
