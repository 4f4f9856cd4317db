#include "telemetry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "fortium/metrics/identity.h"

namespace fortium::service {

namespace {

using metrics::derived_id;

constexpr std::string_view kOurs = "claude_code.";  // begins the name of each event and metric
constexpr std::size_t kLongestWord = 64;
constexpr std::size_t kMostAttributes = 256;  // looked at, of each list; exporters send 128 at most
constexpr std::uint64_t kNanosOfAMilli = 1'000'000;
constexpr double kExact = 9'007'199'254'740'992.0;  // 2^53: every whole number below it is a double

const Json& member(const Json& json, std::string_view name) {
  static const Json none;
  if (!json.is_object()) return none;
  const auto found = json.find(name);
  return found != json.end() ? *found : none;
}

std::string text_of(const Json& json) { return json.is_string() ? json.get<std::string>() : std::string(); }

// A number however it was written: OTLP writes 64 bits as text, and Claude Code some durations.
std::optional<double> number_of(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (!json.is_string()) return std::nullopt;
  const auto& text = json.get_ref<const std::string&>();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

// What an item says of itself, and else what its resource says of all.
class Attributes {
 public:
  Attributes(const Json& item, const Json& resource)
      : lists_{&member(item, "attributes"), &member(resource, "attributes")} {}

  std::string text(std::string_view name) const { return text_of(member(value(name), "stringValue")); }
  std::optional<double> number(std::string_view name) const {
    const Json& any = value(name);
    for (const char* form : {"intValue", "doubleValue", "stringValue"})
      if (const auto number = number_of(member(any, form))) return number;
    return std::nullopt;
  }
  // "true" and true.
  bool flag(std::string_view name) const { return member(value(name), "boolValue") == true || text(name) == "true"; }
  // One short word, such as a mode or a class of errors: no text that somebody typed. `more`: other characters it has.
  std::string word(std::string_view name, std::string_view more = "_-.:") const {
    std::string text = this->text(name);
    const bool plain = std::ranges::all_of(text, [more](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.find(c) != more.npos;
    });
    return plain && text.size() <= kLongestWord ? text : std::string();
  }

 private:
  const Json& value(std::string_view name) const {
    for (const Json* list : lists_)
      for (std::size_t i = 0; list->is_array() && i < std::min(list->size(), kMostAttributes); ++i)
        if (const Json& key = member((*list)[i], "key"); key.is_string() && key.get_ref<const std::string&>() == name)
          return member((*list)[i], "value");
    static const Json none;
    return none;
  }

  std::array<const Json*, 2> lists_;
};

void set_if(Json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}
void set_if(Json& object, const char* name, const std::optional<double>& number) {
  if (!number) return;
  const bool whole = std::trunc(*number) == *number && std::fabs(*number) < kExact;
  object[name] = whole ? Json(static_cast<std::int64_t>(*number)) : Json(*number);
}

// Nanoseconds since 1970, which no double holds; 0 where they are not said.
std::uint64_t nanos_of(const Json& item, const char* name) {
  const Json& json = member(item, name);
  if (json.is_number_unsigned()) return json.get<std::uint64_t>();
  const std::string text = text_of(json);
  std::uint64_t nanos = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), nanos);
  return error == std::errc() && end == text.data() + text.size() ? nanos : 0;
}

// The first of these times that is said, as text.
std::string time_of(const Json& item, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const std::uint64_t nanos = nanos_of(item, name); nanos > 0)
      return to_rfc3339(from_ms(static_cast<std::int64_t>(nanos / kNanosOfAMilli)));
  return "";
}

// An event or a data point, with what is around it.
struct Item {
  const Json& json;
  Attributes attributes;
  std::string name;  // without kOurs
  bool cumulative = false;
};

// What all records say of where they are from.
Json envelope(const Item& item, std::string_view kind, std::string_view key) {
  const Attributes& from = item.attributes;
  Json record = {{"id", derived_id(kind, key)}, {"source", "otlp"}};
  const std::string told = from.text("event.timestamp");
  set_if(record, "timestamp",
         parse_rfc3339(told) ? told : time_of(item.json, {"timeUnixNano", "observedTimeUnixNano"}));
  set_if(record, "session_id", from.text("session.id"));
  set_if(record, "prompt_id", from.text("prompt.id"));
  // The person by the account, else the installation, which has no other name.
  for (const char* name : {"user.email", "user.account_uuid", "user.id"})
    if (!record.contains("user_id")) set_if(record, "user_id", from.text(name));
  set_if(record, "device_id", from.text("user.id"));
  set_if(record, "team_id", from.text("team.id"));
  set_if(record, "project", from.text("project"));
  return record;
}

void add_context(Json& record, const char* name, Json context) {
  if (!context.empty()) record[name] = std::move(context);
}

// Where Claude Code has no name for a thing: its place among the events of its session.
std::string place_of(const Item& item) {
  const auto sequence = item.attributes.number("event.sequence");
  return item.attributes.text("session.id") + "/" + item.name + "/" +
         (sequence ? std::to_string(static_cast<std::int64_t>(std::clamp(*sequence, 0.0, 9e15)))
                   : time_of(item.json, {"timeUnixNano", "observedTimeUnixNano"}));
}

// Each gives the record of an event, or nothing where it tells of none.

Json api_request(const Item& item) {
  const Attributes& from = item.attributes;
  const std::string request = from.text("request_id");
  const bool known = metrics::is_api_request(request);  // to transcripts, too
  Json record = envelope(item, "model_usage", known ? metrics::request_key(request, "") : place_of(item));
  set_if(record, "request_id", request);
  set_if(record, "model", from.text("model"));
  for (const char* name :
       {"input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cost_usd", "duration_ms"})
    set_if(record, name, from.number(name));
  return record;
}

Json tool_call(const Item& item, const std::string& status, Json context) {
  const Attributes& from = item.attributes;
  const std::string call = from.text("tool_use_id");
  Json record = envelope(item, "tool_usage", call.empty() ? place_of(item) : call);
  set_if(record, "tool_use_id", call);
  set_if(record, "request_id", from.text("request_id"));
  set_if(record, "tool_name", from.text("tool_name"));
  record["status"] = status;
  set_if(context, "agent_id", from.word("agent_id"));
  set_if(context, "permission_mode", from.word("permission_mode"));
  add_context(record, "context", std::move(context));
  return record;
}

Json tool_result(const Item& item) {
  const Attributes& from = item.attributes;
  Json context = Json::object();
  set_if(context, "input_bytes", from.number("tool_input_size_bytes"));
  set_if(context, "output_bytes", from.number("tool_result_size_bytes"));
  set_if(context, "error_type", from.word("error_type"));
  Json record = tool_call(item, from.flag("success") ? "success" : "error", std::move(context));
  set_if(record, "execution_time_ms", from.number("duration_ms"));
  return record;
}

// One that was allowed tells its result later.
Json tool_decision(const Item& item) {
  if (item.attributes.text("decision") != "reject") return nullptr;
  return tool_call(item, "cancelled", {{"permission", "denied"}});
}

Json subagent_completed(const Item& item) {
  const Attributes& from = item.attributes;
  const std::string agent = from.text("agent_id");
  Json record = envelope(item, "agent_interaction", agent.empty() ? place_of(item) : agent);
  const std::string type = from.text("agent_type");
  record["agent_name"] = type.empty() ? "general-purpose" : type;
  record["interaction_type"] = "delegation";
  record["status"] = "success";
  set_if(record, "execution_time_ms", from.number("duration_ms"));
  Json metadata = Json::object();
  set_if(metadata, "total_tokens", from.number("total_tokens"));
  set_if(metadata, "tool_uses", from.number("total_tool_uses"));
  set_if(metadata, "model", from.word("model"));
  add_context(record, "metadata", std::move(metadata));
  return record;
}

// A prompt is a record where it is a command. What is told in place of a name that was taken out is no name.
Json user_prompt(const Item& item) {
  const Attributes& from = item.attributes;
  std::string name = from.word("command_name");
  const std::string prompt = from.text("prompt.id");
  if (name.empty() || name == "custom" || name == "mcp" || prompt.empty()) return nullptr;
  Json record = envelope(item, "command_execution", prompt);
  record["command_name"] = name.starts_with('/') ? name : "/" + name;
  record["status"] = "success";
  return record;
}

// A change of a session that is known by nothing but its telemetry; its key is told apart from the names of others.
Json session_update(const Item& item, const std::string& key, Json context) {
  Json record = envelope(item, "user_session", "otlp/" + key);
  record["change"] = "update";
  record["context"] = std::move(context);
  return record;
}

Json api_error(const Item& item) {
  const Attributes& from = item.attributes;
  Json context = {{"event", "api_error"}};
  set_if(context, "http_status", from.number("status_code"));
  set_if(context, "retry", from.number("attempt"));
  set_if(context, "model", from.word("model"));
  return session_update(item, place_of(item), std::move(context));
}

// Of a metric: the sum of a while (delta), or of all since a begin (cumulative). What it was of is told by words.
Json measured(const Item& item) {
  std::optional<double> value = number_of(member(item.json, "asDouble"));
  if (!value) value = number_of(member(item.json, "asInt"));
  if (!value || *value == 0) return nullptr;
  Json context = {{"event", item.name}};
  set_if(context, "value", value);
  if (item.cumulative) context["cumulative"] = true;
  std::string of;
  const auto say = [&](const char* name, const std::string& word) {
    set_if(context, name, word);
    of += "/" + word;
  };
  for (const char* name : {"type", "model", "tool_name", "decision", "source"}) say(name, item.attributes.word(name));
  say("language", item.attributes.word("language", " +#-"));  // "Plain text"
  for (const char* name : {"startTimeUnixNano", "timeUnixNano"}) of += "/" + std::to_string(nanos_of(item.json, name));
  const std::string key = item.attributes.text("session.id") + "/" + item.name + of;
  return session_update(item, key, std::move(context));
}

// The start of a session; one that is taken up again has started before.
Json session_count(const Item& item) {
  const std::string how = item.attributes.text("start_type");
  if (!how.empty() && how != "fresh") return nullptr;
  Json record = envelope(item, "user_session", item.attributes.text("session.id") + "/start");
  const std::string start = time_of(item.json, {"startTimeUnixNano", "timeUnixNano"});
  set_if(record, "timestamp", start);
  set_if(record, "session_start", start);
  record["change"] = "start";
  record["status"] = "active";
  record["context"] = {{"event", "start"}};
  return record;
}

struct Row {
  std::string_view name;
  std::string_view kind;
  Json (*make)(const Item&);
};
constexpr Row kEvents[] = {
    {"api_error", "user_session", &api_error},
    {"api_request", "model_usage", &api_request},
    {"subagent_completed", "agent_interaction", &subagent_completed},
    {"tool_decision", "tool_usage", &tool_decision},
    {"tool_result", "tool_usage", &tool_result},
    {"user_prompt", "command_execution", &user_prompt},
};
// Not here: token.usage and cost.usage, which are sums of what api_request tells one by one.
constexpr Row kMetrics[] = {
    {"active_time.total", "user_session", &measured},  {"code_edit_tool.decision", "user_session", &measured},
    {"commit.count", "user_session", &measured},       {"lines_of_code.count", "user_session", &measured},
    {"pull_request.count", "user_session", &measured}, {"session.count", "user_session", &session_count},
};

class Collector {
 public:
  void take(std::span<const Row> rows, const Item& item, const char* list) {
    const auto row = std::ranges::find(rows, item.name, &Row::name);
    if (row == rows.end() || item.attributes.text("session.id").empty()) return;
    Json record = row->make(item);
    if (record.is_null()) return;
    records_.push_back(std::move(record));
    places_.push_back({metrics::find_kind(row->kind), list + std::string("/") + std::to_string(out.items - 1) + "/"});
  }

  Telemetry done() {
    const auto made = std::make_shared<const Json>(std::move(records_));
    for (std::size_t i = 0; i < places_.size(); ++i)
      out.batch.records.push_back({places_[i].first, &(*made)[i], std::move(places_[i].second)});
    out.batch.made = made;
    out.batch.weight = out.items;
    return std::move(out);
  }

  Telemetry out;

 private:
  Json records_ = Json::array();
  std::vector<std::pair<const metrics::Kind*, std::string>> places_;
};

// The name of an event or a metric, if it is one of Claude Code's.
std::optional<std::string> our_name(const std::string& name) {
  if (!name.starts_with(kOurs)) return std::nullopt;
  return name.substr(kOurs.size());
}

// Each element of a list in a message; absent is empty.
template <class F>
Result<void> each(const Json& json, const char* name, F&& take) {
  const Json& list = member(json, name);
  if (list.is_null()) return {};
  if (!list.is_array()) return Error{Errc::invalid, std::string(name) + ": must be a list"};
  for (const Json& one : list) {
    if (!one.is_object()) return Error{Errc::invalid, std::string(name) + ": must be a list of objects"};
    FM_TRY_(take(one));
  }
  return {};
}

}  // namespace

Result<Telemetry> read_logs(const Json& request) {
  if (!request.is_object()) return Error{Errc::invalid, "the body must be an object"};
  Collector all;
  FM_TRY_(each(request, "resourceLogs", [&](const Json& of) {
    const Json& resource = member(of, "resource");
    return each(of, "scopeLogs", [&](const Json& scope) {
      return each(scope, "logRecords", [&](const Json& record) -> Result<void> {
        ++all.out.items;
        std::string named = text_of(member(member(record, "body"), "stringValue"));
        if (!named.starts_with(kOurs)) named = text_of(member(record, "eventName"));
        if (const auto name = our_name(named))
          all.take(kEvents, {record, Attributes(record, resource), *name}, "logRecords");
        else
          ++all.out.strangers;
        return {};
      });
    });
  }));
  return all.done();
}

Result<Telemetry> read_points(const Json& request) {
  if (!request.is_object()) return Error{Errc::invalid, "the body must be an object"};
  constexpr double kCumulative = 2;
  Collector all;
  FM_TRY_(each(request, "resourceMetrics", [&](const Json& of) {
    const Json& resource = member(of, "resource");
    return each(of, "scopeMetrics", [&](const Json& scope) {
      return each(scope, "metrics", [&](const Json& metric) -> Result<void> {
        const auto name = our_name(text_of(member(metric, "name")));
        for (const char* form : {"sum", "gauge", "histogram", "exponentialHistogram", "summary"}) {
          const Json& points = member(metric, form);
          const bool cumulative = number_of(member(points, "aggregationTemporality")) == kCumulative;
          FM_TRY_(each(points, "dataPoints", [&](const Json& point) -> Result<void> {
            ++all.out.items;
            if (name)
              all.take(kMetrics, {point, Attributes(point, resource), *name, cumulative}, "dataPoints");
            else
              ++all.out.strangers;
            return {};
          }));
        }
        return {};
      });
    });
  }));
  return all.done();
}

}  // namespace fortium::service
