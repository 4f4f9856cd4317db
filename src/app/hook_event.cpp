#include "hook_event.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>

#include "../store/open_calls.h"
#include "../store/salt.h"
#include "consent.h"
#include "fortium/base/log.h"

namespace fortium::app {

namespace {

using metrics::OpenCall;

constexpr std::int64_t kMostGone = 50;                     // sessions looked at in one go
constexpr auto kForgetEnded = std::chrono::minutes(10);    // its goodbye: a second one comes within seconds
constexpr auto kForgetGone = std::chrono::hours(30 * 24);  // Claude Code keeps its transcript no longer
constexpr auto kGoneAfter = std::chrono::hours(24);        // without a word, where the process is not known
constexpr auto kSurelyGone = std::chrono::hours(7 * 24);   // its number may belong to another process by now

std::int64_t number_of(const std::optional<std::string>& text) {
  std::int64_t number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

bool is_over(const OpenCall& session, WallTime now) {
  const Millis silent = now - session.seen;
  if (session.state == claude::kStateEnded) return silent > kForgetEnded;
  if (session.state == claude::kStateAbandoned) return true;
  if (session.pid <= 0) return silent > kGoneAfter;
  return silent > kSurelyGone || (::kill(static_cast<pid_t>(session.pid), 0) != 0 && errno == ESRCH);
}

// To be closed, or to be forgotten.
bool is_due(const OpenCall& session, WallTime now) {
  return session.state != claude::kStateAbandoned || now - session.seen > kForgetGone;
}

// Keeps what is staged, for a caller who has a transaction of his own.
class Collected final : public metrics::EventStore {
 public:
  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> staged) override {
    events.assign(std::make_move_iterator(staged.begin()), std::make_move_iterator(staged.end()));
    return std::vector<metrics::Stored>(staged.size(), metrics::Stored::fresh);
  }
  std::vector<metrics::Event> events;
};

// The moment of the event, whenever it is understood.
class Then final : public Clock {
 public:
  explicit Then(WallTime now) : now_(now) {}
  WallTime now() const override { return now_; }
  SteadyTime steady() const override { return {}; }

 private:
  const WallTime now_;
};

metrics::Meaning meaning_of(claude::Happened happened, WallTime when, metrics::Stamp stamp) {
  Collected collected;
  const Then then(when);
  SystemEntropy entropy;
  metrics::Recorder recorder(collected, then, entropy, std::move(stamp));
  for (const claude::Record& record : happened.records) {
    const auto staged = recorder.stage(*metrics::find_kind(record.kind), record.fields, schema::Edge::record);
    if (const auto* wrong = std::get_if<metrics::Violations>(&staged)) log_debug("hook: " + schema::to_text(*wrong));
  }
  (void)recorder.commit();
  return {std::move(collected.events), std::move(happened.changes)};
}

}  // namespace

Result<void> record_event(Local& local, const claude::HookEvent& event, const Environment& environment) {
  std::string salt;
  if (event.fields.contains("tool_input"))
    if (auto made = store::salt_of(local.settings().data_dir, local.entropy())) salt = std::move(*made);
  const claude::Told told = claude::tell(event, privacy_of(local.settings(), std::move(salt)));
  metrics::Stamp stamp = make_stamp("hook", local.settings(), environment);
  if (stamp.project.empty()) stamp.project = std::filesystem::path(event.text("cwd")).filename();
  const Json note = {{"told", told.fields},
                     {"when", to_ms(local.clock().now())},
                     {"pid", number_of(environment("CLAUDE_PID"))},
                     {"user", stamp.user_id},
                     {"project", stamp.project}};
  return local.store().take({event.session_id(), dump_json(note)});
}

metrics::Meaning understand(const metrics::Note& note, std::span<const OpenCall> open) {
  const auto json = parse_json(note.text);
  if (!json || !json->is_object()) return {};
  const auto number = [&](const char* name) {
    const auto at = json->find(name);
    return at != json->end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
  };
  const auto told = json->find("told");
  if (told == json->end() || !told->is_object()) return {};
  const claude::Moment moment{from_ms(number("when")), number("pid"), claude::text_of(*json, "project")};
  metrics::Stamp stamp{.source = "hook",
                       .session_id = note.session_id,
                       .user_id = claude::text_of(*json, "user"),
                       .project = moment.project};
  return meaning_of(claude::what_happened({*told}, moment, open), moment.now, std::move(stamp));
}

bool has_open_tool(Local& local, const claude::HookEvent& event) {
  auto database = local.store().database();
  if (!database) return false;
  const auto open = store::open_calls_of((*database)->db(), event.session_id());
  return open && std::ranges::any_of(*open, [&](const OpenCall& call) {
           return call.what == claude::kTool && call.state.empty() && call.agent_id == event.text("agent_id");
         });
}

std::vector<std::string> close_gone_sessions(Local& local, std::string_view but) {
  std::vector<std::string> over;
  auto database = local.store().database();
  if (!database) return over;
  const WallTime now = local.clock().now();
  for (const std::string_view state : {std::string_view(), claude::kStateEnded, claude::kStateAbandoned}) {
    const auto sessions = store::silent_calls((*database)->db(), claude::kSession, state, now, kMostGone);
    if (!sessions) return over;
    for (const OpenCall& session : *sessions) {
      if (session.session_id == but || !is_over(session, now)) continue;
      over.push_back(session.session_id);
      if (!is_due(session, now)) continue;
      const auto open = store::open_calls_of((*database)->db(), session.session_id);
      // Nothing of who closes it is told: it may work elsewhere.
      const metrics::Stamp stamp{.source = "hook",
                                 .session_id = session.session_id,
                                 .user_id = local.settings().text("user_id"),
                                 .project = ""};
      if (!open) return over;
      metrics::Meaning end = meaning_of(claude::abandon(*open), now, stamp);
      if (!local.store().append(end.events, end.changes)) return over;
    }
  }
  return over;
}

}  // namespace fortium::app
