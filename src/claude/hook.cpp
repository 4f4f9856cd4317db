#include "hook.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "fortium/base/hash.h"
#include "fortium/metrics/kind.h"

namespace fortium::claude {

namespace {

using metrics::Change;
using metrics::OpenCall;
using Do = Change::Do;

constexpr std::string_view kResumed = "resume";
constexpr std::size_t kFingerprint = 16;  // hex digits
constexpr std::size_t kMostEvents = 40;   // names of events that are counted; a record's detail takes 50 members

double milliseconds_between(WallTime from, WallTime to) {
  return std::clamp(static_cast<double>((to - from).count()), 0.0, metrics::kMaxDurationMs);
}

// Something that ends. What is kept of a compaction after its end is how many there were.
bool is_call(const OpenCall& call) {
  return call.what != kSession && call.what != kEvent && !(call.what == kCompact && call.state == kStateEnded);
}

// A session may be left and come back: each stretch of it starts and ends once. The first has no name.
std::string start_key(const std::string& session, const std::string& run) {
  return session + "/" + (run.empty() ? "start" : run);
}
std::string end_key(const OpenCall& session) {
  return session.session_id + "/end" + (session.name.empty() ? "" : "/" + session.name);
}

// Known again, by a name that two installations agree on.
std::string run_after(const OpenCall& abandoned) { return "back/" + std::to_string(to_ms(abandoned.seen)); }

// What is kept of a session that is over, so that a second goodbye, or a word after it was given up, is known for one.
void close_session(std::vector<Change>& changes, OpenCall session, std::string_view state) {
  session.state = state;
  changes.push_back({Do::close, session});
  changes.push_back({Do::begin, std::move(session)});
}

int number_of(const std::string& text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// One event, as its row of the table handles it.
class Reading {
 public:
  Reading(const HookEvent& event, const Moment& moment, std::span<const OpenCall> open)
      : event_(event), moment_(moment), open_(open), session_(event.session_id()) {}

  Happened done() {
    if (!told_) touch_session();
    return std::move(out_);
  }

  void session_start() {
    const std::string source = event_.text("source");
    if (source == "compact") return;  // the same session goes on
    const bool resumed = source == kResumed;
    told_ = true;
    // A session that is resumed in another process starts once more.
    const std::string run = resumed ? "resume/" + std::to_string(moment_.pid) : "";
    Record record{kSession, fields_of(kSession, start_key(session_, run), session_, "", moment_.now)};
    record.fields["change"] = "start";
    record.fields["status"] = "active";
    if (!resumed) record.fields["session_start"] = to_rfc3339(moment_.now);
    Json context = {{"event", "start"}};
    set_if(context, "source", clean_name(source));
    set_if(context, "model", clean_name(event_.text("model")));
    record.fields["context"] = std::move(context);
    out_.records.push_back(std::move(record));
    OpenCall session = this_session(run);
    const OpenCall* before = find(kSession, session_);
    const bool same = before != nullptr && before->pid == moment_.pid && before->state.empty();
    out_.changes.push_back({same ? Do::begin : Do::renew, std::move(session)});
  }

  void session_end() {
    told_ = true;
    const OpenCall* session = find(kSession, session_);
    if (session == nullptr) return;  // nothing was ever seen of it: a command that only looks around says goodbye, too
    end_all([](const OpenCall&) { return true; });
    if (session->state == kStateEnded) return;  // told by another installation
    OpenCall run = *session;
    if (run.state == kStateAbandoned) run.name = run_after(run);
    Record record{kSession, fields_of(kSession, end_key(run), session_, "", moment_.now)};
    Json& fields = record.fields;
    fields["change"] = "end";
    fields["status"] = "completed";
    fields["session_end"] = to_rfc3339(moment_.now);
    set_if(fields, "completion_reason", clean_name(event_.text("reason")));
    add_context(fields, "context", events_of(open_));
    out_.records.push_back(std::move(record));
    run.seen = moment_.now;
    close_session(out_.changes, std::move(run), kStateEnded);
  }

  // A prompt without a name has one in its transcript: what is recorded here of it, its command and its compactions
  // would count again when that is imported.
  void prompt() {
    count();
    if (prompt_id().empty()) return;
    OpenCall turn = note(kTurn, prompt_id(), "");
    Json context = Json::object();
    const auto prompt = event_.fields.find("prompt");
    if (prompt != event_.fields.end()) describe_prompt(context, *prompt, size_of("prompt").chars, moment_.privacy);
    turn.detail = dump_json(context);
    out_.changes.push_back({Do::begin, std::move(turn)});
    if (const std::string command = command_of(event_.text("prompt")); !command.empty()) begin_command(command);
  }

  void expansion() {
    if (const std::string command = command_named(event_.text("command_name")); !command.empty())
      begin_command(command);
  }

  void tool_begins() {
    if (event_.text("tool_use_id").empty()) return;
    OpenCall call = tool_call();
    out_.changes.push_back({Do::begin, std::move(call)});
  }

  void tool_done() {
    const Json response = member("tool_response");
    End end{.when = moment_.now};
    if (const auto at = response.find("interrupted"); response.is_object() && at != response.end() && *at == true)
      end.status = "cancelled";
    if (event_.size.contains("tool_response")) end.context["output_bytes"] = size_of("tool_response").bytes;
    describe_patch(end.context, response);
    end_tool(std::move(end), response);
  }

  void tool_failed() {
    const std::string error = event_.text("error");
    End end{.status = "error", .when = moment_.now};
    if (error.find("timed out") != error.npos) end.status = "timeout";
    if (member("is_interrupt") == true) end.status = "cancelled";
    end.error = describe_error(end.context, error, size_of("error").chars, moment_.privacy);
    end_tool(std::move(end), nullptr);
  }

  void tool_denied() {
    if (event_.text("tool_use_id").empty()) return count();
    End end{.status = "cancelled", .when = moment_.now};
    end.context["permission"] = "denied";
    const OpenCall call = tool_call();
    out_.records.push_back(record_of(call, end));
    out_.changes.push_back({Do::end, call});
  }

  // It does not name the call that it is about: the newest of that tool and agent.
  void permission_asked() {
    count();
    const OpenCall* newest = nullptr;
    for (const OpenCall& call : open_)
      if (call.what == kTool && call.name == clean_name(event_.text("tool_name")) &&
          call.agent_id == event_.text("agent_id") && (newest == nullptr || call.started >= newest->started))
        newest = &call;
    if (newest == nullptr) return;
    OpenCall call = *newest;
    call.state = kAsked;
    out_.changes.push_back({Do::mark, std::move(call)});
  }

  void agent_begins() {
    const std::string id = event_.text("agent_id");
    if (id.empty()) return count();
    OpenCall call = note(kAgent, id, agent_name(event_.text("agent_type")));
    out_.changes.push_back({Do::begin, std::move(call)});
  }

  // One that has no type, and was not seen to begin, is a helper of the client's own: a compaction ends with two.
  void agent_done() {
    const std::string id = event_.text("agent_id");
    if (id.empty() || (event_.text("agent_type").empty() && find(kAgent, id) == nullptr)) return count();
    end_all([&](const OpenCall& call) { return call.agent_id == id && call.what == kTool; });
    end_call(note(kAgent, id, agent_name(event_.text("agent_type"))), {.when = moment_.now});
  }

  // The turn is over: its command has ended, and what the session itself had open was given up.
  void turn_ends(const std::string& status, const Json& context) {
    for (const OpenCall& call : open_) {
      if (!is_call(call) || !call.agent_id.empty() || call.what == kAgent || call.what == kCompact) continue;
      if (call.what == kTool || call.prompt_id != prompt_id())
        out_.records.push_back(given_up(call));
      else
        out_.records.push_back(
            record_of(call, {status, milliseconds_between(call.started, moment_.now), moment_.now, "", context}));
      out_.changes.push_back({Do::end, call});
    }
  }

  void stop() {
    count();
    turn_ends("success", Json::object());
  }

  void stop_failed() {
    count();
    Json context = Json::object();
    set_if(context, "error", word_of(event_.text("error")));
    turn_ends("error", context);
  }

  // The compactions of a prompt are numbered, here and in its transcript.
  void compaction_begins() {
    if (prompt_id().empty()) return;
    const OpenCall* last = find(kCompact, prompt_id());
    const bool open = last != nullptr && last->state.empty();
    if (open && moment_.now - last->seen <= metrics::kSameMoment) return;  // told by another installation
    const int done = last == nullptr ? 0 : number_of(last->name) - (open ? 1 : 0);
    OpenCall call = note(kCompact, prompt_id(), std::to_string(done + 1));
    Json context = Json::object();
    set_if(context, "trigger", clean_name(event_.text("trigger")));
    call.detail = dump_json(context);
    out_.changes.push_back({Do::renew, std::move(call)});
  }

  void compaction_done() {
    const OpenCall* call = find(kCompact, prompt_id());
    if (call == nullptr || call->state == kStateEnded) return;  // told by another installation
    End end{.duration = milliseconds_between(call->started, moment_.now), .when = moment_.now};
    out_.records.push_back(record_of(*call, end));
    OpenCall ended = *call;
    ended.state = kStateEnded;
    out_.changes.push_back({Do::mark, std::move(ended)});
  }

  // How often an event came in a session is told at its end.
  void count() {
    OpenCall event = note(kEvent, clean_name(event_.text("hook_event_name")), "");
    event.state = event_.fingerprint;
    const auto known = std::ranges::count(open_, kEvent, &OpenCall::what);
    if (find(kEvent, event.key) == nullptr && known >= static_cast<std::ptrdiff_t>(kMostEvents)) return;
    out_.changes.push_back({Do::count, std::move(event)});
  }

  static Json events_of(std::span<const OpenCall> open) {
    Json counts = Json::object();
    for (const OpenCall& call : open)
      if (call.what == kEvent) counts[call.key] = call.count;
    return counts.empty() ? Json::object() : Json{{"events", std::move(counts)}};
  }

 private:
  const Json& member(std::string_view name) const {
    static const Json none;
    const auto at = event_.fields.find(name);
    return at != event_.fields.end() ? *at : none;
  }
  Size size_of(std::string_view name) const {
    const auto at = event_.size.find(name);
    return at != event_.size.end() ? at->second : Size{};
  }
  // Empty in older versions.
  std::string prompt_id() const { return event_.text("prompt_id"); }

  const OpenCall* find(std::string_view what, std::string_view key) const {
    for (const OpenCall& call : open_)
      if (call.what == what && call.key == key) return &call;
    return nullptr;
  }

  OpenCall note(std::string_view what, std::string key, std::string_view name) const {
    return {.session_id = session_,
            .what = std::string(what),
            .key = std::move(key),
            .name = std::string(name),
            .prompt_id = prompt_id(),
            .agent_id = what == kAgent ? "" : event_.text("agent_id"),
            .detail = "{}",
            .started = moment_.now,
            .seen = moment_.now};
  }

  // With its process, and where it works: who closes it later knows neither.
  OpenCall this_session(const std::string& run) const {
    OpenCall session = note(kSession, session_, run);
    session.pid = moment_.pid;
    Json detail = Json::object();
    set_if(detail, "project", moment_.project);
    session.detail = dump_json(detail);
    return session;
  }

  // A session is known from whatever it does. One that was given up and does something is active again.
  void touch_session() {
    const OpenCall* before = find(kSession, session_);
    if (before != nullptr && before->state == kStateAbandoned) {
      OpenCall session = this_session(run_after(*before));
      Record record{kSession, fields_of(kSession, start_key(session_, session.name), session_, "", moment_.now)};
      record.fields["change"] = "update";
      record.fields["status"] = "active";
      record.fields["context"] = {{"event", "back"}};
      out_.records.push_back(std::move(record));
      out_.changes.push_back({Do::renew, std::move(session)});
      return;
    }
    OpenCall session = this_session("");
    if (before != nullptr) session.state = before->state;
    out_.changes.push_back({Do::count, std::move(session)});
  }

  void begin_command(const std::string& name) {
    if (!prompt_id().empty()) out_.changes.push_back({Do::begin, note(kCommand, prompt_id(), name)});
  }

  OpenCall tool_call() const {
    OpenCall call = note(kTool, event_.text("tool_use_id"), clean_name(event_.text("tool_name")));
    Json context = Json::object();
    if (event_.size.contains("tool_input")) context["input_bytes"] = size_of("tool_input").bytes;
    describe_input(context, member("tool_input"), moment_.privacy);
    set_if(context, "permission_mode", clean_name(event_.text("permission_mode")));
    set_if(context, "agent_id", clean_name(event_.text("agent_id")));
    set_if(context, "agent_type", clean_name(event_.text("agent_type")));
    call.detail = dump_json(context);
    return call;
  }

  void end_call(const OpenCall& call, End end) {
    end.duration = duration_of(call);
    out_.records.push_back(record_of(call, end));
    out_.changes.push_back({Do::end, call});
  }

  void end_tool(End end, const Json& response) {
    if (event_.text("tool_use_id").empty()) return count();
    OpenCall call = tool_call();
    // Its begin may have been told with all of its input, and its end without.
    const OpenCall* begun = find(kTool, call.key);
    if (begun != nullptr && !event_.size.contains("tool_input")) call.detail = begun->detail;
    if (call.name == "Skill") run_by_model(call, end);
    if (is_agent_tool(call.name)) delegated(call, end, response);
    end_call(call, std::move(end));
  }

  // A skill that the model runs is a command too.
  void run_by_model(const OpenCall& tool, const End& end) {
    OpenCall command = tool;
    command.what = kCommand;
    command.name = command_named(text_of(member("tool_input"), "skill"));
    command.detail = R"({"run_by":"model"})";
    if (command.name.empty()) return;
    Record record = record_of(command, {end.status, duration_of(tool), end.when, end.error, Json::object()});
    record.fields["tool_use_id"] = tool.key;
    out_.records.push_back(std::move(record));
  }

  // Where its end was not told by an event of its own, which comes first and counts. One that goes on in the background
  // has not ended.
  void delegated(const OpenCall& tool, const End& end, const Json& response) {
    if (text_of(response, "status") != "completed") return;
    const std::string agent = text_of(response, "agentId");
    OpenCall call = tool;
    call.what = kAgent;
    call.key = agent.empty() ? tool.key : agent;
    call.name = agent_name(text_of(member("tool_input"), "subagent_type"));
    call.detail = "{}";
    Record record = record_of(call, {end.status, duration_of(tool), end.when, end.error, Json::object()});
    record.fields["tool_use_id"] = tool.key;
    out_.records.push_back(std::move(record));
  }

  // The event's own word about how long it took, else the time since its begin, else nothing.
  std::optional<double> duration_of(const OpenCall& call) const {
    const Json& duration = member("duration_ms");
    if (duration.is_number() && duration >= 0) return std::min(duration.get<double>(), metrics::kMaxDurationMs);
    const OpenCall* begun = find(call.what, call.key);
    if (begun == nullptr) return std::nullopt;
    return milliseconds_between(begun->started, moment_.now);
  }

  // How many lines an edit changed. Of a file that is new, all of them: its lines are counted as Claude Code does.
  void describe_patch(Json& context, const Json& response) const {
    if (text_of(response, "type") == "create") {
      context["lines_added"] = size_of("tool_response").lines + 1;
      context["lines_removed"] = 0;
      return;
    }
    const auto patch = response.is_object() ? response.find("structuredPatch") : response.end();
    if (!response.is_object() || patch == response.end() || !patch->is_array() || patch->empty()) return;
    std::int64_t added = 0, removed = 0;
    for (const Json& hunk : *patch) {
      if (!hunk.is_object() || !hunk.contains("lines") || !hunk["lines"].is_array()) return;
      for (const Json& line : hunk["lines"]) {
        if (!line.is_string()) return;
        added += line.get_ref<const std::string&>().starts_with('+');
        removed += line.get_ref<const std::string&>().starts_with('-');
      }
    }
    context["lines_added"] = added;
    context["lines_removed"] = removed;
  }

  template <class Which>
  void end_all(Which which) {
    for (const OpenCall& call : open_) {
      if (!is_call(call) || !which(call)) continue;
      out_.records.push_back(given_up(call));
      out_.changes.push_back({Do::end, call});
    }
  }

  const HookEvent& event_;
  const Moment& moment_;
  const std::span<const OpenCall> open_;
  const std::string session_;
  bool told_ = false;  // that the session is there, or that it is over
  Happened out_;
};

// What an event means. Any other is counted by its name.
struct Row {
  std::string_view event;
  void (Reading::*handle)();
};
constexpr Row kEvents[] = {
    {"SessionStart", &Reading::session_start},     {"SessionEnd", &Reading::session_end},
    {"UserPromptSubmit", &Reading::prompt},        {"UserPromptExpansion", &Reading::expansion},
    {"PreToolUse", &Reading::tool_begins},         {"PostToolUse", &Reading::tool_done},
    {"PostToolUseFailure", &Reading::tool_failed}, {"PermissionRequest", &Reading::permission_asked},
    {"PermissionDenied", &Reading::tool_denied},   {"SubagentStart", &Reading::agent_begins},
    {"SubagentStop", &Reading::agent_done},        {"Stop", &Reading::stop},
    {"StopFailure", &Reading::stop_failed},        {"PreCompact", &Reading::compaction_begins},
    {"PostCompact", &Reading::compaction_done},
};

}  // namespace

std::string HookEvent::text(std::string_view name) const { return text_of(fields, name); }

Result<HookEvent> read_event(Condensed condensed) {
  FM_TRY(Json fields, parse_json(condensed.text));
  const Sha256 hash = sha256(condensed.text);
  HookEvent event{std::move(fields), std::move(condensed.size), to_hex(hash.data(), kFingerprint / 2)};
  if (event.session_id().empty() || event.text("hook_event_name").empty())
    return Error{Errc::invalid, "session_id and hook_event_name: must be there"};
  return event;
}

Happened what_happened(const HookEvent& event, const Moment& moment, std::span<const OpenCall> open) {
  Reading reading(event, moment, open);
  const auto row = std::ranges::find(kEvents, event.text("hook_event_name"), &Row::event);
  if (row != std::end(kEvents))
    (reading.*row->handle)();
  else
    reading.count();
  return reading.done();
}

Happened abandon(std::span<const OpenCall> open) {
  Happened out;
  const auto session = std::ranges::find(open, kSession, &OpenCall::what);
  if (session == open.end()) return out;
  if (!session->state.empty()) {
    out.changes.push_back({Do::close, *session});
    return out;
  }
  for (const OpenCall& call : open)
    if (is_call(call)) out.records.push_back(given_up(call));
  Record record{kSession, fields_of(kSession, end_key(*session), session->session_id, "", session->seen)};
  record.fields["change"] = "end";
  record.fields["status"] = "abandoned";
  record.fields["session_end"] = to_rfc3339(session->seen);
  add_context(record.fields, "context", Reading::events_of(open));
  out.records.push_back(std::move(record));
  const auto detail = parse_json(session->detail);
  for (Record& one : out.records) set_if(one.fields, "project", detail ? text_of(*detail, "project") : "");
  close_session(out.changes, *session, kStateAbandoned);
  return out;
}

}  // namespace fortium::claude
