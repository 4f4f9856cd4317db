#include "sessions.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "receipt.h"

namespace fortium::service {

namespace {

using metrics::Session;

const metrics::Kind& kSession = *metrics::find_kind("user_session");

// One request that changes a session.
class Change {
 public:
  Change(Parts& parts, const Call& call, std::string_view change)
      : ingest_(parts.ingest), call_(call), change_(change) {}

  Response start() {
    const auto read = [this](const Json& json, WallTime now) -> std::variant<Batch, Response> {
      if (!json.is_object()) return one_record(kSession, json);
      const bool named = named_in(json);
      if (!named) id_ = make_id(now);
      if (named && !own_id(json))
        if (auto active = with([](const Session& session) { return session.started && session.status == "active"; }))
          return std::move(*active);
      return made(json);
    };
    return answer(read, /*done=*/201);
  }

  Response change(const std::string& id) {
    id_ = id;
    const auto read = [this](const Json& json, WallTime) -> std::variant<Batch, Response> {
      if (!json.is_object()) return one_record(kSession, json);
      if (auto missing = unless_known()) return std::move(*missing);
      return made(json);
    };
    return answer(read, /*done=*/200);
  }

  // `id`: where the path names it.
  Response end(const std::string* id) {
    const auto read = [this, id](const Json& json, WallTime) -> std::variant<Batch, Response> {
      if (!json.is_object()) return one_record(kSession, json);
      if (id != nullptr)
        id_ = *id;
      else if (!named_in(json)) {
        Batch batch;
        batch.errors = {{"session_id", "is required"}};
        return batch;
      }
      if (auto missing = unless_known()) return std::move(*missing);
      if (!own_id(json))
        if (auto ended = with([](const Session& session) { return session.status != "active"; }))
          return std::move(*ended);
      return made(json);
    };
    return answer(read, /*done=*/201);
  }

 private:
  // The session that the body names.
  bool named_in(const Json& json) {
    const auto at = json.find("session_id");
    if (at == json.end() || !at->is_string()) return false;
    id_ = at->get<std::string>();
    return true;
  }
  // A request that names its record, or itself, is that record also when it comes again.
  bool own_id(const Json& json) const {
    return json.contains("id") || !call_.request.header("Idempotency-Key").empty();
  }
  std::string make_id(WallTime now) const {
    const std::string_view key = call_.request.header("Idempotency-Key");
    SystemEntropy entropy;
    return key.empty() ? uuid7(now, entropy) : uuid5(call_.who.tenant, "session\x1F" + std::string(key));
  }

  // The body as a record of the change that this is.
  Batch made(const Json& json) const {
    auto record = std::make_shared<Json>(json);
    Batch batch = one_record(kSession, *record);
    const auto say = [&](const char* name, const std::string& value, std::string_view rule) {
      Json& member = (*record)[name];
      if (!member.is_null() && member != value) batch.errors.push_back({name, "must be " + std::string(rule)});
      member = value;
    };
    say("session_id", id_, "that of the path, or absent");
    say("change", std::string(change_), std::string(change_) + " here, or absent");
    batch.made = std::move(record);
    return batch;
  }

  Result<std::optional<Session>> session() const {
    std::optional<Session> found;
    FM_TRY_(ingest_.ask(call_.who, [&](metrics::Reader& reader) -> Result<void> {
      FM_TRY(found, reader.session(id_));
      return {};
    }));
    return found;
  }

  std::optional<Response> unless_known() const {
    const auto found = session();
    if (!found) return store_problem(call_.request, found.error());
    if (*found) return std::nullopt;
    (void)ingest_.charge(call_.who);
    return problem(call_.request, 404, "not_found", "there is no session of this id");
  }

  // The answer of a session for which nothing is to be done.
  template <class When>
  std::optional<Response> with(When when) const {
    const auto found = session();
    if (!found) return store_problem(call_.request, found.error());
    if (!*found || !when(**found)) return std::nullopt;
    Taken nothing{.standing = ingest_.charge(call_.who), .at = (*found)->start};
    return success(200, nothing, members(nothing, **found));
  }

  // Its id is that of the session: who started one changes it by that.
  std::string members(const Taken& taken, const Session& session) const {
    std::string out = "\"id\":" + json_string(id_) + ",\"created_at\":\"" + to_rfc3339(taken.at) + "\"";
    if (!taken.checked.lines.empty()) out += ",\"change_id\":" + json_string(taken.checked.lines.front().id);
    return out + ",\"session\":" + session_json(session, call_.who.tenant);
  }

  Response answer(const Ingest::Read& read, int done) const {
    // Nothing said is nothing to add: that it begins or ends is all.
    Request filled;
    if (call_.request.body.empty()) filled = call_.request, filled.body = "{}";
    auto taken = ingest_.take(call_.request.body.empty() ? filled : call_.request, call_.who, read);
    if (auto* answered = std::get_if<Response>(&taken)) return std::move(*answered);
    const Taken& kept = std::get<Taken>(taken);
    if (auto refused = refuse_conflict(call_.request, kept)) return std::move(*refused);
    const auto found = session();
    if (!found) return store_problem(call_.request, found.error());
    const bool fresh = kept.checked.lines.front().status == Status::accepted;
    return success(fresh ? done : 200, kept, members(kept, *found ? **found : Session()));
  }

  const Ingest& ingest_;
  const Call& call_;
  const std::string_view change_;
  std::string id_;
};

}  // namespace

std::string session_json(const Session& session, std::string_view tenant) {
  std::string out = "{\"id\":" + json_string(session.id) + ",\"organization_id\":" + json_string(tenant);
  out += ",\"session_start\":\"" + to_rfc3339(session.start) + "\",\"session_end\":";
  out += session.end ? "\"" + to_rfc3339(*session.end) + "\"" : "null";
  out += ",\"total_duration_ms\":" + std::to_string(session.duration().count());
  out += ",\"status\":" + json_string(session.status);
  const auto told = [&](std::string_view name) {
    for (std::size_t i = 0; session.told.kind != nullptr && i < session.told.row.size(); ++i)
      if (session.told.kind->shape[i].name == name && session.told.row[i].index() != 0) return true;
    return false;
  };
  if (!told("commands_executed")) out += ",\"commands_executed\":" + std::to_string(session.commands);
  if (!told("agents_used")) out += ",\"agents_used\":" + dump_json(session.agents_used);
  constexpr std::string_view kWritten[] = {"id",     "timestamp",        "recorded_at", "session_id",    "seq",
                                           "source", "device_id",        "change",      "session_start", "session_end",
                                           "status", "total_duration_ms"};
  for (std::size_t i = 0; session.told.kind != nullptr && i < session.told.row.size(); ++i) {
    const schema::Field& field = session.told.kind->shape[i];
    if (session.told.row[i].index() == 0 || std::ranges::find(kWritten, field.name) != std::end(kWritten)) continue;
    out += ",\"" + std::string(field.name) + "\":";
    schema::append_value(out, field, session.told.row[i]);
  }
  return out + "}";
}

Response start_session(Parts& parts, const Call& call) { return Change(parts, call, "start").start(); }

Response change_session(Parts& parts, const Call& call) {
  return Change(parts, call, "update").change(call.names.front());
}

Response end_session(Parts& parts, const Call& call) {
  return Change(parts, call, "end").end(call.names.empty() ? nullptr : &call.names.front());
}

}  // namespace fortium::service
