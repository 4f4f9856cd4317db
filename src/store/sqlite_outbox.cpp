#include "sqlite_outbox.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fortium/metrics/event.h"
#include "fortium/schema/sql.h"
#include "slices.h"
#include "sqlite_store.h"

namespace fortium::store {

using sync::LaneState;
using sync::Outcome;
using sync::Waiting;

namespace {

// Pages in the log before it is moved to the file: a large backlog is delivered by a program that does nothing else.
// Twice what may be there while records are made without a pause (local_store.cpp), so that those who record move it
// first.
constexpr int kMostFrames = 16'000;

// The 22nd field of /proc/<pid>/stat: when the process began, in clock ticks since boot. A pid is used again, a pair of
// pid and start is not. Empty where there is no such file.
std::string start_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream all;
  all << file.rdbuf();
  std::string text = all.str();
  const auto name_end = text.rfind(')');  // the name may hold blanks
  if (name_end == text.npos) return "";
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return field;
}

std::string make_owner(Entropy& entropy) {
  return std::to_string(getpid()) + ":" + start_of(getpid()) + ":" + random_hex(8, entropy);
}

bool lives(std::string_view owner) {
  const auto first = owner.find(':');
  const auto second = owner.find(':', first + 1);
  if (second == owner.npos) return false;
  const auto pid = static_cast<pid_t>(std::atol(std::string(owner.substr(0, first)).c_str()));
  if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH)) return false;
  return start_of(pid) == owner.substr(first + 1, second - first - 1);
}

Json to_json(const LaneState& state) {
  const auto time = [](const std::optional<WallTime>& at) { return at ? Json(to_ms(*at)) : Json(); };
  return {{"circuit", static_cast<int>(state.circuit)},
          {"failures", state.failures},
          {"not_before", time(state.not_before)},
          {"retry_after", state.retry_after},
          {"last_error", state.last_error},
          {"last_success", time(state.last_success)},
          {"capabilities_at", time(state.capabilities_at)},
          {"max_records", state.max_records},
          {"max_body_bytes", state.max_body_bytes},
          {"learnt_records", state.learnt_records},
          {"gzip", state.gzip}};
}

LaneState from_json(const Json& json) {
  LaneState state;
  const auto number = [&](const char* name, std::int64_t other) {
    const auto at = json.find(name);
    return at != json.end() && at->is_number_integer() ? at->get<std::int64_t>() : other;
  };
  const auto time = [&](const char* name) -> std::optional<WallTime> {
    const auto at = json.find(name);
    if (at == json.end() || !at->is_number_integer()) return std::nullopt;
    return from_ms(at->get<std::int64_t>());
  };
  const auto flag = [&](const char* name) {
    const auto at = json.find(name);
    return at != json.end() && at->is_boolean() && at->get<bool>();
  };
  const auto circuit = number("circuit", 0);
  state.circuit = circuit == 1 ? sync::Circuit::open : circuit == 2 ? sync::Circuit::paused : sync::Circuit::closed;
  state.failures = static_cast<int>(number("failures", 0));
  state.not_before = time("not_before");
  state.retry_after = flag("retry_after");
  if (const auto at = json.find("last_error"); at != json.end() && at->is_string()) state.last_error = *at;
  state.last_success = time("last_success");
  state.capabilities_at = time("capabilities_at");
  state.max_records = number("max_records", 0);
  state.max_body_bytes = number("max_body_bytes", 0);
  state.learnt_records = number("learnt_records", 0);
  state.gzip = flag("gzip");
  return state;
}

}  // namespace

Result<std::int64_t> lane_of(Database& database, const Destination& to) {
  if (to == Destination{}) return kNoLane;
  FM_TRY(Statement find,
         database.db().prepare("SELECT lane FROM lane WHERE url = ? AND organization = ? AND credential = ?"));
  FM_TRY(const bool known, find.bind(to.url, to.organization, to.credential).step());
  if (known) return find.integer(0);
  std::int64_t lane = kNoLane;
  FM_TRY_(database.write([&]() -> Result<void> {
    FM_TRY(Statement add, database.db().prepare("INSERT INTO lane (url, organization, credential) VALUES (?, ?, ?) "
                                                "ON CONFLICT DO NOTHING"));
    FM_TRY_(add.bind(to.url, to.organization, to.credential).run());
    FM_TRY(const bool there, find.bind(to.url, to.organization, to.credential).step());
    FM_CHECK(there);
    lane = find.integer(0);
    find.reset();
    return {};
  }));
  return lane;
}

SqliteOutbox::SqliteOutbox(Database& database, std::int64_t lane, Entropy& entropy, bool keep_delivered)
    : database_(database), lane_(lane), owner_(make_owner(entropy)), keep_delivered_(keep_delivered) {}

Result<bool> SqliteOutbox::lease(WallTime now, WallTime until) {
  bool ours = false;
  FM_TRY_(database_.write([&]() -> Result<void> {
    FM_TRY(Statement look, database_.db().prepare("SELECT lease_owner, lease_until FROM lane WHERE lane = ?"));
    FM_TRY(const bool there, look.bind(lane_).step());
    if (!there) return Error{Errc::not_found, "no such lane"};
    const std::string owner(look.text(0));
    // A lease far in the future was made before the clock was set back: it has no power.
    const auto ends = from_ms(look.integer(1));
    const bool held = owner != owner_ && ends > now && ends - now <= 2 * (until - now) && lives(owner);
    look.reset();
    if (held) return {};
    FM_TRY(Statement take, database_.db().prepare("UPDATE lane SET lease_owner = ?, lease_until = ? WHERE lane = ?"));
    FM_TRY_(take.bind(owner_, to_ms(until), lane_).run());
    ours = true;
    return {};
  }));
  return ours;
}

Result<void> SqliteOutbox::release() {
  seen_.clear();
  return database_.write([&]() -> Result<void> {
    FM_TRY(Statement give, database_.db().prepare("UPDATE lane SET lease_owner = NULL, lease_until = 0 "
                                                  "WHERE lane = ? AND lease_owner = ?"));
    return give.bind(lane_, owner_).run();
  });
}

Result<std::vector<Waiting>> SqliteOutbox::peek(const sync::BatchLimits& limits, std::int64_t after) {
  std::vector<Waiting> rows;
  std::int64_t bytes = 0;
  seen_.clear();
  FM_TRY_(prepare());
  FM_TRY_(database_.read([&]() -> Result<void> {
    peek_.bind(lane_, after, limits.records);
    while (true) {
      FM_TRY(const bool more, peek_.step());
      if (!more) return {};
      const metrics::Kind* kind = metrics::find_kind(peek_.text(1));
      if (kind == nullptr) continue;  // of a newer version of this program
      const std::size_t index = metrics::index_of(*kind);
      Waiting row{peek_.integer(0), std::string(peek_.text(2)), index, "", static_cast<int>(peek_.integer(4))};
      FM_TRY(const bool found, find_[index].bind(row.id).step());
      if (!found) continue;
      append_wire(row.wire, event_of(find_[index], *kind));
      find_[index].reset();
      bytes += static_cast<std::int64_t>(row.wire.size());
      if (!rows.empty() && bytes > limits.bytes) break;
      seen_[row.place] = {row.id, index, peek_.integer(3), row.attempts};
      rows.push_back(std::move(row));
    }
    peek_.reset();
    return {};
  }));
  return rows;
}

Result<void> SqliteOutbox::prepare() {
  if (peek_) return {};
  Db& db = database_.db();
  find_.clear();
  drop_.clear();
  thin_.clear();
  for (const metrics::Kind& kind : metrics::kinds()) {
    const std::string table(kind.name);
    FM_TRY(Statement find, db.prepare(schema::select_from(table, kind.shape) + " WHERE id = ?"));
    FM_TRY(Statement drop, db.prepare("DELETE FROM " + table + " WHERE id = ?"));
    FM_TRY(Statement thin, db.prepare(std::string(kThin) + " FROM " + table + " WHERE id = ?"));
    find_.push_back(std::move(find));
    drop_.push_back(std::move(drop));
    thin_.push_back(std::move(thin));
  }
  FM_TRY(leave_, db.prepare("DELETE FROM outbox WHERE lane = ? AND place = ? AND id = ?"));
  FM_TRY(set_aside_, db.prepare("INSERT INTO set_aside (id, lane, kind, since, attempts, reason) "
                                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                                "attempts = excluded.attempts, reason = excluded.reason"));
  FM_TRY(count_, db.prepare("UPDATE outbox SET attempts = attempts + 1 WHERE lane = ? AND place = ? AND id = ?"));
  FM_TRY(remember_, db.prepare("INSERT INTO gone (kind, id) VALUES (?, ?) ON CONFLICT DO NOTHING"));
  std::string known;  // rows of a newer version of this program stand in nobody's way
  for (const metrics::Kind& kind : metrics::kinds())
    known += (known.empty() ? "'" : ", '") + std::string(kind.name) + "'";
  FM_TRY(peek_,
         db.prepare("SELECT place, kind, id, since, attempts FROM outbox WHERE lane = ? AND place > ? AND kind IN (" +
                    known + ") ORDER BY place LIMIT ?"));
  return {};
}

Result<void> SqliteOutbox::settle_one(const Outcome& outcome, const Seen& seen) {
  if (outcome.fate == sync::Fate::later) return count_.bind(lane_, outcome.place, seen.id).run();
  FM_TRY_(leave_.bind(lane_, outcome.place, seen.id).run());
  const bool left = database_.db().changes() > 0;
  if (outcome.fate == sync::Fate::delivered) {
    if (keep_delivered_) return {};
    FM_TRY_(thin_[seen.kind].bind(seen.id).run());
    FM_TRY_(drop_[seen.kind].bind(seen.id).run());
    return remember_.bind(metrics::kinds()[seen.kind].name, seen.id).run();
  }
  if (!left) return {};  // another sender has settled it
  return set_aside_
      .bind(seen.id, lane_, metrics::kinds()[seen.kind].name, seen.since, seen.attempts + 1, outcome.reason)
      .run();
}

Result<void> SqliteOutbox::settle(std::span<const Outcome> outcomes, WallTime /*now*/) {
  FM_TRY_(prepare());
  FM_TRY_(database_.write([&]() -> Result<void> {
    for (const Outcome& outcome : outcomes)
      if (const auto seen = seen_.find(outcome.place); seen != seen_.end()) FM_TRY_(settle_one(outcome, seen->second));
    return {};
  }));
  (void)database_.tidy(kMostFrames);  // if not now, after the next batch
  return {};
}

Result<std::int64_t> SqliteOutbox::waiting() {
  FM_TRY(Statement count, database_.db().prepare("SELECT waiting FROM lane WHERE lane = ?"));
  FM_TRY_(count.bind(lane_).step());
  return count.integer(0);
}

Result<bool> SqliteOutbox::others_wrote() {
  FM_TRY(const std::int64_t now, database_.db().integer("PRAGMA data_version"));
  return std::exchange(version_, now).value_or(now) != now;
}

Result<LaneState> SqliteOutbox::state() {
  FM_TRY(Statement get, database_.db().prepare("SELECT state FROM lane WHERE lane = ?"));
  FM_TRY(const bool there, get.bind(lane_).step());
  if (!there) return LaneState{};
  const auto json = parse_json(get.text(0));
  return json && json->is_object() ? from_json(*json) : LaneState{};
}

Result<void> SqliteOutbox::save(const LaneState& state) {
  FM_TRY(const LaneState kept, this->state());
  if (kept == state) return {};
  return database_.write([&]() -> Result<void> {
    FM_TRY(Statement put, database_.db().prepare("UPDATE lane SET state = ? WHERE lane = ?"));
    return put.bind(dump_json(to_json(state)), lane_).run();
  });
}

}  // namespace fortium::store
