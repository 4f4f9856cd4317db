// What was posted, read in two steps: what it is as a whole, then each of its records.
//
// A fault of the whole refuses the request; a fault of a record refuses that record only, unless the shape it came in
// has no way to say so. Pure; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/entropy.h"
#include "fortium/base/json.h"
#include "fortium/metrics/event.h"
#include "service/http/http.h"
#include "service/limits.h"

namespace fortium::service {

struct BatchRecord {
  const metrics::Kind* kind = nullptr;
  const Json* json = nullptr;
  std::string place = {};  // of it in the body, for those who read an error: "metrics/2/"
};

struct Batch {
  std::optional<std::string> id;
  std::string device_id;              // may be empty
  std::optional<WallTime> timestamp;  // of records that have none
  std::vector<BatchRecord> records;   // in the order of the receipts
  std::vector<FieldError> errors;     // then nothing else counts
  std::size_t most = kMaxBatchRecords;
  std::size_t weight = 0;            // in records, for the rate limit, if it is more than there are
  bool whole = false;                // all of its records are taken, or none
  std::shared_ptr<const Json> made;  // what records point into, where they were made from another shape
};

// Points into `json`, which outlives it.
Batch read_batch(const Json& json, WallTime now);
// The body is one record.
Batch one_record(const metrics::Kind& kind, const Json& json);

// What became of a record. The letters are kept by Answers.
enum class Status : char {
  accepted = 'a',
  duplicate = 'd',
  conflict = 'c',
  invalid = 'i',
  too_large = 't',
  newer = 'n',
};

struct Line {
  const metrics::Kind* kind = nullptr;
  Status status = Status::accepted;
  std::string id;                       // the sender's own, else the one it got here; empty: only its index names it
  std::string message;                  // why not
  std::vector<FieldError> errors = {};  // the same, field by field
};

// Where ids come from for records that have none or not a UUID.
struct Naming {
  std::string_view tenant;   // UUID: text ids are hashed into its name space
  std::string_view request;  // the same for the same request sent again; empty: ids are made anew
  WallTime now{};
  Entropy* entropy = nullptr;
};

struct Checked {
  std::vector<Line> lines;             // one a record
  std::vector<metrics::Event> events;  // those that may be kept, in order
  std::vector<std::size_t> line_of;    // of each event
  std::vector<bool> stamped;           // of each event: its time is ours
};
Checked check_records(const Batch& batch, const Naming& naming);

}  // namespace fortium::service
