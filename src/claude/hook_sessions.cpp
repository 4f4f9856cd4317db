#include <algorithm>
#include <charconv>
#include <utility>

#include "reading.h"

namespace fortium::claude {

using metrics::Change;
using metrics::OpenCall;

namespace {

constexpr std::string_view kResumed = "resume";
constexpr std::size_t kMostEvents = 40;  // names of events that are counted; a record's detail takes 50 members

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
  changes.push_back({Change::Do::close, session});
  changes.push_back({Change::Do::begin, std::move(session)});
}

int number_of(const std::string& text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Json events_of(std::span<const OpenCall> open) {
  Json counts = Json::object();
  for (const OpenCall& call : open)
    if (call.what == kEvent) counts[call.key] = call.count;
  return counts.empty() ? Json::object() : Json{{"events", std::move(counts)}};
}

}  // namespace

Happened Reading::done() {
  if (!session_told_) touch_session();
  return std::move(out_);
}

void Reading::session_start() {
  const std::string source = told_.text("source");
  if (source == "compact") return;  // the same session goes on
  const bool resumed = source == kResumed;
  session_told_ = true;
  // A session that is resumed in another process starts once more.
  const std::string run = resumed ? "resume/" + std::to_string(moment_.pid) : "";
  Record record{kSession, fields_of(kSession, start_key(session_, run), session_, "", moment_.now)};
  record.fields["change"] = "start";
  record.fields["status"] = "active";
  if (!resumed) record.fields["session_start"] = to_rfc3339(moment_.now);
  Json context = {{"event", "start"}};
  set_if(context, "source", source);
  set_if(context, "model", told_.text("model"));
  record.fields["context"] = std::move(context);
  out_.records.push_back(std::move(record));
  OpenCall session = this_session(run);
  const OpenCall* before = find(kSession, session_);
  const bool same = before != nullptr && before->pid == moment_.pid && before->state.empty();
  out_.changes.push_back({same ? Do::begin : Do::renew, std::move(session)});
}

void Reading::session_end() {
  session_told_ = true;
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
  set_if(fields, "completion_reason", told_.text("reason"));
  add_context(fields, "context", events_of(open_));
  out_.records.push_back(std::move(record));
  run.seen = moment_.now;
  close_session(out_.changes, std::move(run), kStateEnded);
}

// A prompt without a name has one in its transcript: what is recorded here of it, its command and its compactions
// would count again when that is imported.
void Reading::prompt() {
  count();
  if (prompt_id().empty()) return;
  OpenCall turn = note(kTurn, prompt_id(), "");
  turn.detail = dump_json(told_.object("prompt"));
  out_.changes.push_back({Do::begin, std::move(turn)});
  begin_command();
}

// The turn is over: its command has ended, and what the session itself had open was given up.
void Reading::turn_ends(const std::string& status, const Json& context) {
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

void Reading::stop() {
  count();
  turn_ends("success", Json::object());
}

void Reading::stop_failed() {
  count();
  Json context = Json::object();
  set_if(context, "error", told_.text("error_word"));
  turn_ends("error", context);
}

// The compactions of a prompt are numbered, here and in its transcript.
void Reading::compaction_begins() {
  if (prompt_id().empty()) return;
  const OpenCall* last = find(kCompact, prompt_id());
  const bool open = last != nullptr && last->state.empty();
  if (open && moment_.now - last->seen <= metrics::kSameMoment) return;  // told by another installation
  const int done = last == nullptr ? 0 : number_of(last->name) - (open ? 1 : 0);
  OpenCall call = note(kCompact, prompt_id(), std::to_string(done + 1));
  Json context = Json::object();
  set_if(context, "trigger", told_.text("trigger"));
  call.detail = dump_json(context);
  out_.changes.push_back({Do::renew, std::move(call)});
}

void Reading::compaction_done() {
  const OpenCall* call = find(kCompact, prompt_id());
  if (call == nullptr || call->state == kStateEnded) return;  // told by another installation
  End end{.duration = milliseconds_between(call->started, moment_.now), .when = moment_.now};
  out_.records.push_back(record_of(*call, end));
  OpenCall ended = *call;
  ended.state = kStateEnded;
  out_.changes.push_back({Do::mark, std::move(ended)});
}

void Reading::count() {
  OpenCall event = note(kEvent, clean_name(told_.text("hook_event_name")), "");
  event.state = told_.text("fingerprint");
  const auto known = std::ranges::count(open_, kEvent, &OpenCall::what);
  if (find(kEvent, event.key) == nullptr && known >= static_cast<std::ptrdiff_t>(kMostEvents)) return;
  out_.changes.push_back({Do::count, std::move(event)});
}

// With its process, and where it works: who closes it later knows neither.
OpenCall Reading::this_session(const std::string& run) const {
  OpenCall session = note(kSession, session_, run);
  session.pid = moment_.pid;
  Json detail = Json::object();
  set_if(detail, "project", moment_.project);
  session.detail = dump_json(detail);
  return session;
}

// A session is known from whatever it does. One that was given up and does something is active again.
void Reading::touch_session() {
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

void Reading::begin_command() {
  const std::string command = told_.text("command");
  if (!command.empty() && !prompt_id().empty())
    out_.changes.push_back({Do::begin, note(kCommand, prompt_id(), command)});
}

Happened abandon(std::span<const OpenCall> open) {
  Happened out;
  const auto session = std::ranges::find(open, kSession, &OpenCall::what);
  if (session == open.end()) return out;
  if (!session->state.empty()) {
    out.changes.push_back({Change::Do::close, *session});
    return out;
  }
  for (const OpenCall& call : open)
    if (is_call(call)) out.records.push_back(given_up(call));
  Record record{kSession, fields_of(kSession, end_key(*session), session->session_id, "", session->seen)};
  record.fields["change"] = "end";
  record.fields["status"] = "abandoned";
  record.fields["session_end"] = to_rfc3339(session->seen);
  add_context(record.fields, "context", events_of(open));
  out.records.push_back(std::move(record));
  const auto detail = parse_json(session->detail);
  for (Record& one : out.records) set_if(one.fields, "project", detail ? text_of(*detail, "project") : "");
  close_session(out.changes, *session, kStateAbandoned);
  return out;
}

}  // namespace fortium::claude
