#include "hook_event.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "../store/open_calls.h"
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

// The records of an event and what is open after it, in one transaction.
class WithChanges final : public metrics::EventStore {
 public:
  WithChanges(store::LocalStore& store, const metrics::Changes& changes) : store_(store), changes_(changes) {}
  Result<std::vector<metrics::Stored>> append(std::span<metrics::Event> events) override {
    return store_.append(events, changes_);
  }

 private:
  store::LocalStore& store_;
  const metrics::Changes& changes_;
};

Result<void> keep(Local& local, metrics::Stamp stamp, const claude::Happened& happened) {
  WithChanges store(local.store(), happened.changes);
  metrics::Recorder recorder(store, local.clock(), local.entropy(), std::move(stamp));
  for (const claude::Record& record : happened.records) {
    const auto staged = recorder.stage(*metrics::find_kind(record.kind), record.fields, schema::Edge::record);
    if (const auto* wrong = std::get_if<metrics::Violations>(&staged)) log_debug("hook: " + schema::to_text(*wrong));
  }
  // The same id again, from another installation or an import: it was known before, which is no error.
  FM_TRY_(recorder.has_staged() ? recorder.commit() : store.append({}));
  return {};
}

}  // namespace

Result<void> record_event(Local& local, const claude::HookEvent& event, const Environment& environment) {
  claude::Moment moment{local.clock().now(), number_of(environment("CLAUDE_PID")), {}, {}};
  std::vector<OpenCall> open;
  std::string salt;
  // Where the file cannot be read now, the record still has its place in the spool.
  if (auto database = local.store().database()) {
    if (auto found = store::open_calls_of((*database)->db(), event.session_id())) open = std::move(*found);
    if (event.fields.contains("tool_input"))
      if (auto made = store::salt_of(**database, local.entropy())) salt = std::move(*made);
  }
  moment.privacy = privacy_of(local.settings(), std::move(salt));
  metrics::Stamp stamp = make_stamp("hook", local.settings(), environment);
  stamp.session_id = event.session_id();
  if (stamp.project.empty()) stamp.project = std::filesystem::path(event.text("cwd")).filename();
  moment.project = stamp.project;
  return keep(local, std::move(stamp), claude::what_happened(event, moment, open));
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
      if (!open || !keep(local, stamp, claude::abandon(*open))) return over;
    }
  }
  return over;
}

}  // namespace fortium::app
