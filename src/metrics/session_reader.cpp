// What SliceReader tells of sessions: whole ones, also what of them lies outside of a period that is asked for.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "reading.h"

namespace fortium::metrics {

namespace {

const std::size_t kSession = index_of(*find_kind("user_session"));

// What slices say of one session, and its changes.
struct Facts {
  std::int64_t tools = 0;
  Figures outcomes, commands;
  WallTime first{}, last{};
  std::string user_id, project;
  std::set<std::string> tools_used, agents_used;
  std::vector<Event> changes;

  void add(const Slice& slice) {
    first = last == WallTime{} ? slice.figures.first : std::min(first, slice.figures.first);
    last = std::max(last, slice.figures.last);
    if (!has_outcome(slice.key.kind)) return;
    outcomes.merge_sums(slice.figures);
    if (slice.key.kind == kCommand) commands.merge_sums(slice.figures);
    if (slice.key.kind == kTool) tools += slice.figures.count;
    if (slice.key.kind == kTool) tools_used.insert(slice.key.name);
    if (slice.key.kind == kAgent) agents_used.insert(slice.key.name);
    user_id = std::max(user_id, slice.key.user_id);
    project = std::max(project, slice.key.project);
  }
};

// Changes merge by field, the newest wins; a session without any is active.
void add_changes(Session& out, std::vector<Event>& changes) {
  std::ranges::stable_sort(changes, std::less(),
                           [](const Event& at) { return std::pair(at.timestamp(), at.integer(kSeq)); });
  for (const Event& event : changes) {
    if (out.told.kind == nullptr) out.told = {event.kind, schema::Row(event.row.size())};
    for (std::size_t i = 0; i < event.row.size(); ++i)
      if (event.row[i].index() != 0) out.told.row[i] = event.row[i];
    const std::string_view change = event.text_of("change");
    const bool ended = change == "end";
    if (change == "start") {
      out.started = true;
      out.status = "active";
      out.end.reset();
    }
    if (const auto status = event.text_of("status"); !status.empty())
      out.status = status;
    else if (ended)
      out.status = "completed";
    if (const auto start = event.number_of("session_start")) out.start = from_ms(static_cast<std::int64_t>(*start));
    if (const auto end = event.number_of("session_end"))
      out.end = from_ms(static_cast<std::int64_t>(*end));
    else if (ended)
      out.end = event.timestamp();
    if (const auto length = event.number_of("total_duration_ms"); length && ended)
      out.end = out.start + Millis(static_cast<std::int64_t>(*length));
    if (const auto score = event.number_of("productivity_score")) out.productivity_score = *score;
    if (event.has(kUserId)) out.user_id = event.text(kUserId);
    if (event.has(kProject)) out.project = event.text(kProject);
  }
}

Session session_of(std::string_view id, Facts& facts) {
  Session out;
  out.id = id;
  out.start = facts.first;
  out.last = facts.last;
  out.status = "active";
  out.user_id = facts.user_id;
  out.project = facts.project;
  out.commands = facts.commands.count;
  out.tools = facts.tools;
  out.errors = facts.outcomes.errors();
  out.total_ms = to_millis(facts.outcomes.total_us);
  out.avg_command_ms = mean_ms(facts.commands);
  out.success_rate = success_rate(facts.outcomes.count, out.errors);
  out.tools_used.assign(facts.tools_used.begin(), facts.tools_used.end());
  out.agents_used.assign(facts.agents_used.begin(), facts.agents_used.end());
  add_changes(out, facts.changes);
  return out;
}

}  // namespace

Result<std::vector<Session>> SliceReader::sessions(const Period& period, std::int64_t limit) {
  std::vector<Session> rows;
  FM_TRY_(at_one_moment([&]() -> Result<void> {
    Times last;
    FM_TRY_(fold(period, {.durations = false}, [&](const Slice& slice) {
      if (slice.key.session_id.empty()) return true;
      WallTime& at = last[slice.key.session_id];
      at = std::max(at, slice.figures.last);
      return true;
    }));
    FM_TRY(rows, describe(newest_first(last, limit)));
    return {};
  }));
  return rows;
}

Result<std::optional<Session>> SliceReader::session(std::string_view id) {
  std::vector<Session> found;
  FM_TRY_(at_one_moment([&]() -> Result<void> {
    FM_TRY(found, describe({std::string(id)}));
    return {};
  }));
  if (found.front().last == WallTime{}) return std::optional<Session>();
  return std::optional(std::move(found.front()));
}

// Whole sessions, also what of them lies outside of any period.
Result<std::vector<Session>> SliceReader::describe(const std::vector<std::string>& ids) {
  std::map<std::string_view, Facts> facts;
  Period all{WallTime::max(), WallTime::min()};
  for (const std::string& id : ids) {
    FM_TRY(const Period days, days_of(id));
    facts[id];
    if (days.until == WallTime{}) continue;
    all = {std::min(all.since, days.since), std::max(all.until, days.until)};
  }
  if (all.since < all.until) {
    FM_TRY_(fold(all, {.durations = false}, [&](const Slice& slice) {
      if (const auto at = facts.find(slice.key.session_id); at != facts.end()) at->second.add(slice);
      return true;
    }));
    FM_TRY_(each_record(kinds()[kSession], all, ids.size() == 1 ? ids.front() : "", [&](const Event& change) {
      if (const auto at = facts.find(change.text(kSessionId)); at != facts.end()) at->second.changes.push_back(change);
      return true;
    }));
  }
  std::vector<Session> sessions;
  sessions.reserve(ids.size());
  for (const std::string& id : ids) sessions.push_back(session_of(id, facts[id]));
  return sessions;
}

}  // namespace fortium::metrics
