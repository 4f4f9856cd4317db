#include <algorithm>
#include <utility>

#include "fortium/metrics/kind.h"
#include "reading.h"

namespace fortium::claude {

using metrics::OpenCall;

double milliseconds_between(WallTime from, WallTime to) {
  return std::clamp(static_cast<double>((to - from).count()), 0.0, metrics::kMaxDurationMs);
}

bool is_call(const OpenCall& call) {
  return call.what != kSession && call.what != kEvent && !(call.what == kCompact && call.state == kStateEnded);
}

void Reading::tool_begins() {
  if (told_.text("tool_use_id").empty()) return;
  OpenCall call = tool_call();
  out_.changes.push_back({Do::begin, std::move(call)});
}

void Reading::tool_done() {
  End end{.when = moment_.now, .context = told_.object("output")};
  if (told_.is("interrupted")) end.status = "cancelled";
  end_tool(std::move(end));
}

void Reading::tool_failed() {
  End end{.status = "error", .when = moment_.now, .error = told_.text("error"), .context = told_.object("failure")};
  if (told_.is("timed_out")) end.status = "timeout";
  if (told_.is("interrupted")) end.status = "cancelled";
  end_tool(std::move(end));
}

void Reading::tool_denied() {
  if (told_.text("tool_use_id").empty()) return count();
  End end{.status = "cancelled", .when = moment_.now};
  end.context["permission"] = "denied";
  const OpenCall call = tool_call();
  out_.records.push_back(record_of(call, end));
  out_.changes.push_back({Do::end, call});
}

// It does not name the call that it is about: the newest of that tool and agent.
void Reading::permission_asked() {
  count();
  const OpenCall* newest = nullptr;
  for (const OpenCall& call : open_)
    if (call.what == kTool && call.name == told_.text("tool_name") && call.agent_id == told_.text("agent_id") &&
        (newest == nullptr || call.started >= newest->started))
      newest = &call;
  if (newest == nullptr) return;
  OpenCall call = *newest;
  call.state = kAsked;
  out_.changes.push_back({Do::mark, std::move(call)});
}

void Reading::agent_begins() {
  const std::string id = told_.text("agent_id");
  if (id.empty()) return count();
  OpenCall call = note(kAgent, id, agent_name(told_.text("agent_type")));
  out_.changes.push_back({Do::begin, std::move(call)});
}

// One that has no type, and was not seen to begin, is a helper of the client's own: a compaction ends with two.
void Reading::agent_done() {
  const std::string id = told_.text("agent_id");
  if (id.empty() || (told_.text("agent_type").empty() && find(kAgent, id) == nullptr)) return count();
  end_all([&](const OpenCall& call) { return call.agent_id == id && call.what == kTool; });
  end_call(note(kAgent, id, agent_name(told_.text("agent_type"))), {.when = moment_.now});
}

OpenCall Reading::tool_call() const {
  OpenCall call = note(kTool, told_.text("tool_use_id"), told_.text("tool_name"));
  Json context = told_.object("input");
  set_if(context, "permission_mode", told_.text("permission_mode"));
  set_if(context, "agent_id", clean_name(told_.text("agent_id")));
  set_if(context, "agent_type", told_.text("agent_type"));
  call.detail = dump_json(context);
  return call;
}

void Reading::end_call(const OpenCall& call, End end) {
  end.duration = duration_of(call);
  out_.records.push_back(record_of(call, end));
  out_.changes.push_back({Do::end, call});
}

void Reading::end_tool(End end) {
  if (told_.text("tool_use_id").empty()) return count();
  OpenCall call = tool_call();
  // Its begin may have been told with all of its input, and its end without.
  const OpenCall* begun = find(kTool, call.key);
  if (begun != nullptr && !told_.object("input").contains("input_bytes")) call.detail = begun->detail;
  if (call.name == "Skill") run_by_model(call, end);
  if (is_agent_tool(call.name)) delegated(call, end);
  end_call(call, std::move(end));
}

// A skill that the model runs is a command too.
void Reading::run_by_model(const OpenCall& tool, const End& end) {
  OpenCall command = tool;
  command.what = kCommand;
  command.name = told_.text("command");
  command.detail = R"({"run_by":"model"})";
  if (command.name.empty()) return;
  Record record = record_of(command, {end.status, duration_of(tool), end.when, end.error, Json::object()});
  record.fields["tool_use_id"] = tool.key;
  out_.records.push_back(std::move(record));
}

// Where its end was not told by an event of its own, which comes first and counts. One that goes on in the background
// has not ended.
void Reading::delegated(const OpenCall& tool, const End& end) {
  if (!told_.fields.contains("done_agent")) return;
  const std::string agent = told_.text("done_agent");
  OpenCall call = tool;
  call.what = kAgent;
  call.key = agent.empty() ? tool.key : agent;
  call.name = agent_name(told_.text("asked_agent"));
  call.detail = "{}";
  Record record = record_of(call, {end.status, duration_of(tool), end.when, end.error, Json::object()});
  record.fields["tool_use_id"] = tool.key;
  out_.records.push_back(std::move(record));
}

// The event's own word about how long it took, else the time since its begin, else nothing.
std::optional<double> Reading::duration_of(const OpenCall& call) const {
  const auto told = told_.fields.find("duration_ms");
  if (told != told_.fields.end()) return std::min(told->get<double>(), metrics::kMaxDurationMs);
  const OpenCall* begun = find(call.what, call.key);
  if (begun == nullptr) return std::nullopt;
  return milliseconds_between(begun->started, moment_.now);
}

const OpenCall* Reading::find(std::string_view what, std::string_view key) const {
  for (const OpenCall& call : open_)
    if (call.what == what && call.key == key) return &call;
  return nullptr;
}

OpenCall Reading::note(std::string_view what, std::string key, std::string_view name) const {
  return {.session_id = session_,
          .what = std::string(what),
          .key = std::move(key),
          .name = std::string(name),
          .prompt_id = prompt_id(),
          .agent_id = what == kAgent ? "" : told_.text("agent_id"),
          .detail = "{}",
          .started = moment_.now,
          .seen = moment_.now};
}

}  // namespace fortium::claude
