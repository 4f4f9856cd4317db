#include "older.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "fortium/base/json.h"

namespace fortium::service {

namespace {

constexpr double kMsOfAnHour = 3'600'000;
constexpr double kOldScore = 10;  // a score of theirs is of 10, ours of 100
constexpr std::size_t kMostGeneric = 100;

// Records of one request, and what they were made of.
class Maker {
 public:
  explicit Maker(const Json& json) : json_(json) {
    batch_.whole = true;
    if (!json.is_object()) fail("", "must be an object");
  }

  const Json& at(const char* name) const { return member(json_, name); }
  static const Json& member(const Json& json, const char* name) {
    static const Json none;
    if (!json.is_object()) return none;
    const auto found = json.find(name);
    return found != json.end() ? *found : none;
  }
  void fail(std::string field, std::string why) { batch_.errors.push_back({std::move(field), std::move(why)}); }
  void need(const char* name) {
    if (json_.is_object() && at(name).is_null()) fail(name, "is required");
  }
  void add(std::string_view kind, Json record, std::string place = "") {
    places_.push_back({metrics::find_kind(kind), std::move(place)});
    made_.push_back(std::move(record));
  }

  Batch done() {
    auto made = std::make_shared<const Json>(std::move(made_));
    for (std::size_t i = 0; i < places_.size(); ++i)
      batch_.records.push_back({places_[i].kind, &(*made)[i], places_[i].place});
    batch_.made = std::move(made);
    return std::move(batch_);
  }

 private:
  struct Place {
    const metrics::Kind* kind;
    std::string place;
  };
  const Json& json_;
  Batch batch_;
  std::vector<Place> places_;
  Json made_ = Json::array();
};

// Absent rather than null.
void copy(const Json& from, const char* name, Json& to, const char* as = nullptr) {
  const Json& value = Maker::member(from, name);
  if (!value.is_null()) to[as != nullptr ? as : name] = value;
}

// What a line of theirs says of a tool call, under our names.
Json tool_record(const Json& line) {
  Json record = Json::object();
  for (const char* name :
       {"tool_name", "session_id", "execution_time_ms", "timestamp", "error_message", "status", "success", "id"})
    copy(line, name, record);
  copy(line, Maker::member(line, "user_id").is_null() ? "user" : "user_id", record, "user_id");
  return record;
}

// What else it says: numbers and yes or no, and the texts that are one short word by their meaning. Paths, commands and
// tokens of people are none of these.
Json rest_of(const Json& line, const Json& record) {
  constexpr std::array<std::string_view, 5> kWords = {"subagent_type", "command_type", "file_type", "event_type",
                                                      "trigger"};
  Json context = Json::object();
  for (const auto& [name, value] : line.get_ref<const Json::object_t&>()) {
    if (record.contains(name)) continue;
    const bool word = value.is_string() && std::ranges::find(kWords, name) != kWords.end();
    if (word || value.is_number() || value.is_boolean()) context[name] = value;
  }
  for (const char* name : {"metadata", "context"})
    if (const Json& detail = Maker::member(line, name); detail.is_object()) context.update(detail);
  return context;
}

Json scaled(const Json& value, double by) { return value.is_number() ? Json(value.get<double>() * by) : value; }

}  // namespace

Batch read_hook_tool(const Json& json, WallTime /*now*/) {
  Maker maker(json);
  if (!json.is_object()) return maker.done();
  maker.need("session_id");
  Json record = tool_record(json);
  if (Json context = rest_of(json, record); !context.empty()) record["context"] = std::move(context);
  maker.add("tool_usage", std::move(record));
  return maker.done();
}

Batch read_hook_start(const Json& json, WallTime /*now*/) {
  Maker maker(json);
  for (const char* name : {"session_id", "start_time"}) maker.need(name);
  Json record = {{"change", "start"}};
  for (const char* name : {"id", "session_id", "user_id"}) copy(json, name, record);
  copy(json, "start_time", record, "session_start");
  copy(json, "start_time", record, "timestamp");
  maker.add("user_session", std::move(record));
  return maker.done();
}

Batch read_hook_end(const Json& json, WallTime /*now*/) {
  Maker maker(json);
  for (const char* name : {"session_id", "end_time"}) maker.need(name);
  Json record = {{"change", "end"}};
  for (const char* name : {"id", "session_id", "user_id"}) copy(json, name, record);
  copy(json, "end_time", record, "session_end");
  copy(json, "end_time", record, "timestamp");
  copy(json, "metrics", record, "context");
  if (const Json& hours = maker.at("duration_hours"); !hours.is_null())
    record["total_duration_ms"] = scaled(hours, kMsOfAnHour);
  if (const Json& score = maker.at("productivity_score"); !score.is_null())
    record["productivity_score"] = scaled(score, kOldScore);
  maker.add("user_session", std::move(record));
  return maker.done();
}

Batch read_hybrid(const Json& json, WallTime /*now*/) {
  Maker maker(json);
  const Json& list = maker.at("metrics");
  if (json.is_object() && !list.is_array()) maker.fail("metrics", "must be a list of lines");
  for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
    const std::string place = "metrics/" + std::to_string(i) + "/";
    if (Maker::member(list[i], "tool_name").is_null()) {
      maker.fail(place + "tool_name",
                 "is required; what an agent did goes to POST /api/v1/metrics/agent-interaction, which says how");
      continue;
    }
    Json record = tool_record(list[i]);
    copy(list[i], "metadata", record, "context");
    maker.add("tool_usage", std::move(record), place);
  }
  return maker.done();
}

Batch read_collect(const Json& json, WallTime /*now*/) {
  Maker maker(json);
  Json record = Json::object();
  for (const char* name : {"id", "session_id", "timestamp", "execution_time_ms", "success", "status"})
    copy(json, name, record);
  copy(json, "command", record, "command_name");
  copy(json, "user_identifier", record, "user_id");
  copy(json, "error_details", record, "error_message");
  copy(json, "metadata", record, "context");
  if (const Json& agent = maker.at("agent_name"); !agent.is_null())
    if (Json& context = record["context"]; context.is_null() || context.is_object()) context["agent_used"] = agent;
  maker.add("command_execution", std::move(record));
  return maker.done();
}

Batch read_generic(const Json& json, WallTime /*now*/) {
  Maker maker(json);
  maker.need("sessionId");
  const Json& list = maker.at("metrics");
  if (json.is_object() && (!list.is_array() || list.empty() || list.size() > kMostGeneric))
    maker.fail("metrics", "must be a list of 1 to " + std::to_string(kMostGeneric) + " metrics");
  for (std::size_t i = 0; list.is_array() && i < std::min(list.size(), kMostGeneric); ++i) {
    Json record = Json::object();
    copy(json, "sessionId", record, "session_id");
    copy(json, "userId", record, "user_id");
    copy(json, "projectId", record, "project");
    copy(list[i], "name", record, "metric_type");
    for (const char* name : {"value", "unit", "timestamp"}) copy(list[i], name, record);
    copy(list[i], "tags", record, "dimensions");
    if (const Json& environment = maker.at("environment"); environment.is_string())
      if (Json& dimensions = record["dimensions"]; dimensions.is_null() || dimensions.is_object())
        dimensions["environment"] = environment;
    maker.add("productivity_metric", std::move(record), "metrics/" + std::to_string(i) + "/");
  }
  return maker.done();
}

}  // namespace fortium::service
