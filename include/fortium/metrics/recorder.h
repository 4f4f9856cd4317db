// The only way in: kind and JSON become a checked, stamped, durable record. MCP, command line, hook and import use it.
//
// stage() checks and stamps; commit() makes everything staged durable in one transaction. Nothing may be acknowledged
// before the commit that covers it has returned ok. One instance belongs to one thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/entropy.h"
#include "fortium/metrics/event.h"
#include "fortium/metrics/store.h"

namespace fortium::metrics {

// What a record gets where its caller is silent.
struct Stamp {
  std::string source;      // of kSources
  std::string session_id;  // may be empty
  std::string user_id;     // may be empty
  std::string project;     // may be empty
};

using Violations = std::vector<schema::Violation>;

class Recorder {
 public:
  // A disabled recorder checks and answers as always, and keeps nothing.
  Recorder(EventStore& store, const Clock& clock, Entropy& entropy, Stamp stamp, bool disabled = false);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // The id of the staged record, or everything that is wrong with it. Edge::call refuses the fields that only complete
  // records may carry.
  std::variant<std::string, Violations> stage(const Kind& kind, const Json& fields,
                                              schema::Edge edge = schema::Edge::call);
  // Durable, or none of what was staged since the last commit is kept. Nothing staged is ok and costs nothing.
  Result<std::vector<Stored>> commit();
  bool has_staged() const { return !staged_.empty(); }
  // The event of the newest stage() that went well, until commit(); nullptr where nothing is kept.
  const Event* newest() const { return staged_.empty() ? nullptr : &staged_.back(); }

  const Stamp& stamp() const { return stamp_; }
  // Of records from now on.
  void set_project(std::string project) { stamp_.project = std::move(project); }
  bool disabled() const { return disabled_; }

 private:
  std::string stage(Event event);

  EventStore& store_;
  const Clock& clock_;
  Entropy& entropy_;
  Stamp stamp_;
  const bool disabled_;
  std::vector<Event> staged_;
};

}  // namespace fortium::metrics
