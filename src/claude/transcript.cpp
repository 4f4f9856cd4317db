#include "transcript.h"

#include <algorithm>
#include <utility>

#include "fortium/base/clock.h"
#include "fortium/metrics/identity.h"
#include "privacy.h"
#include "records.h"

namespace fortium::claude {

using metrics::derived_id;
using metrics::request_key;

namespace {

constexpr std::size_t kMostCalls = 1'000;  // open at once: bounded memory
constexpr double kLongestSessionMs = 31.0 * metrics::kMaxDurationMs;

// The folder's name only: paths are private.
std::string name_of(std::string_view folder) {
  while (folder.ends_with('/')) folder.remove_suffix(1);
  return std::string(folder.substr(folder.rfind('/') + 1));
}

schema::Value& field(metrics::Event& event, std::string_view name) {
  const auto at = std::ranges::find(event.kind->shape, name, &schema::Field::name);
  FM_CHECK(at != event.kind->shape.end());
  return event.row[static_cast<std::size_t>(at - event.kind->shape.begin())];
}

void set(metrics::Event& event, std::string_view name, std::string_view text) {
  field(event, name) = std::string(text);
}
void set(metrics::Event& event, std::string_view name, std::int64_t number) { field(event, name) = number; }
void set(metrics::Event& event, std::string_view name, double number) { field(event, name) = number; }

// Absent rather than empty.
void set_if(metrics::Event& event, metrics::Envelope place, std::string_view text) {
  if (!text.empty()) event.row[place] = std::string(text);
}

Json usage_json(const Usage& usage) {
  return {usage.input,        usage.output, usage.cache_read, usage.cache_creation, usage.cache_creation_1h,
          usage.web_searches, usage.fast};
}

Json call_json(const auto& call) {
  return {{"name", call.name},
          {"agent", call.agent},
          {"time", call.timestamp},
          {"session", call.session_id},
          {"prompt", call.prompt_id}};
}

Usage usage_of(const Json& list) {
  return {list.at(0), list.at(1), list.at(2), list.at(3), list.at(4), list.at(5), list.at(6)};
}

}  // namespace

TranscriptCounts counts_in(const Json& carried) {
  const Json counts = carried.is_object() ? carried.value("counts", Json()) : Json();
  if (!counts.is_array() || counts.size() != 3) return {};
  return {counts[0], counts[1], counts[2]};
}

std::optional<ClientTotal> total_in(const Json& carried) {
  if (!carried.is_object() || !carried.contains("cost")) return std::nullopt;
  const Json& cost = carried["cost"];
  return ClientTotal{text_of(carried, "session"), cost.value("cost_usd", 0.0), usage_of(cost.at("usage")),
                     cost.value("start_ms", 0.0)};
}

Transcript::Transcript(const Prices& prices, bool main, const Json& carried) : prices_(prices), main_(main) {
  if (!carried.is_object()) return;
  session_ = text_of(carried, "session");
  first_ = text_of(carried, "first");
  last_ = text_of(carried, "last");
  project_ = text_of(carried, "project");
  prompt_ = text_of(carried, "prompt");
  ended_ = carried.value("ended", false);
  counts_ = counts_in(carried);
  if (carried.contains("cost")) cost_ = carried["cost"];
  if (const auto messages = carried.find("messages"); messages != carried.end())
    for (const Json& open : *messages)
      messages_.push_back({text_of(open, "id"), text_of(open, "request"), text_of(open, "model"), text_of(open, "time"),
                           text_of(open, "session"), text_of(open, "prompt"), usage_of(open.at("usage")),
                           open.value("stopped", false), open.value("side", false)});
  for (auto [name, calls] : {std::pair{"calls", &calls_}, std::pair{"agents", &agents_}})
    if (const auto known = carried.find(name); known != carried.end())
      for (const auto& [id, call] : known->items())
        (*calls)[id] = {text_of(call, "name"), text_of(call, "agent"), text_of(call, "time"), text_of(call, "session"),
                        text_of(call, "prompt")};
  if (const auto turn = carried.find("turn"); turn != carried.end())
    turn_ = {text_of(*turn, "prompt"),      text_of(*turn, "started"), text_of(*turn, "last"),
             text_of(*turn, "status"),      text_of(*turn, "error"),   turn->value("duration_ms", -1.0),
             turn->value("answered", false)};
  if (carried.contains("compaction")) compaction_ = carried["compaction"];
  if (carried.contains("compacted")) compacted_ = carried["compacted"];
}

Json Transcript::carry() const {
  Json out{{"session", session_}, {"first", first_},   {"last", last_},
           {"project", project_}, {"prompt", prompt_}, {"ended", ended_}};
  out["counts"] = {counts_.lines, counts_.merged, counts_.api_errors};
  if (!cost_.is_null()) out["cost"] = cost_;
  for (const Message& open : messages_)
    out["messages"].push_back({{"id", open.id},
                               {"request", open.request_id},
                               {"model", open.model},
                               {"time", open.timestamp},
                               {"session", open.session_id},
                               {"prompt", open.prompt_id},
                               {"usage", usage_json(open.usage)},
                               {"stopped", open.stopped},
                               {"side", open.sidechain}});
  for (const auto& [id, call] : calls_) out["calls"][id] = call_json(call);
  for (const auto& [id, call] : agents_) out["agents"][id] = call_json(call);
  if (!turn_.prompt_id.empty())
    out["turn"] = {{"prompt", turn_.prompt_id}, {"started", turn_.started}, {"last", turn_.last},
                   {"status", turn_.status},    {"error", turn_.error},     {"duration_ms", turn_.duration_ms},
                   {"answered", turn_.answered}};
  if (!compaction_.is_null()) out["compaction"] = compaction_;
  if (!compacted_.is_null()) out["compacted"] = compacted_;
  return out;
}

metrics::Event Transcript::envelope(std::string_view kind, std::string_view key, std::string_view timestamp,
                                    std::string_view session, std::string_view prompt) const {
  metrics::Event record{metrics::find_kind(kind)};
  record.row.resize(record.kind->shape.size());
  record.row[metrics::kId] = derived_id(kind, key);
  record.row[metrics::kSource] = std::string("import");
  set_if(record, metrics::kTimestamp, timestamp);
  set_if(record, metrics::kSessionId, session);
  set_if(record, metrics::kProject, project_);
  set_if(record, metrics::kPromptId, prompt);
  return record;
}

void Transcript::take(const Line& line, std::vector<Made>& out) {
  if (!line.cwd.empty()) project_ = name_of(line.cwd);
  if (line.type == Line::Type::cost_state) {
    cost_ = {
        {"cost_usd", line.cost.cost_usd}, {"start_ms", line.cost.start_ms}, {"usage", usage_json(line.cost.usage)}};
    return;
  }
  if (line.timestamp.empty()) return;
  begin(line, out);
  if (line.type == Line::Type::other) return;
  if (line.api_error) take_error(line, out);
  if (main_ && !line.sidechain && line.timestamp >= first_) take_turn(line, out);
  if (line.type == Line::Type::system) return;
  last_ = std::max(last_, line.timestamp);  // of one format, so the order of texts is that of times
  ended_ = false;
  if (!line.prompt_id.empty()) prompt_ = line.prompt_id;
  line.type == Line::Type::assistant ? take_assistant(line, out) : take_user(line, out);
}

void Transcript::begin(const Line& line, std::vector<Made>& out) {
  if (!session_.empty() || line.session_id.empty()) return;
  session_ = line.session_id;
  first_ = line.timestamp;
  if (!main_ || line.sidechain) return;
  metrics::Event record = envelope(kSession, session_ + "/start", first_, session_, "");
  set(record, "change", "start");
  set(record, "status", "active");
  set(record, "session_start", first_);
  out.push_back({std::move(record)});
}

void Transcript::take_assistant(const Line& line, std::vector<Made>& out) {
  if (line.api_error) return;
  if (line.has_usage && !line.message_id.empty() && !line.model.empty()) {
    auto open = std::ranges::find_if(
        messages_, [&](const Message& one) { return one.id == line.message_id && one.request_id == line.request_id; });
    if (open == messages_.end()) {
      if (messages_.size() >= kMostOpen) {
        close_message(messages_.front(), out);
        messages_.erase(messages_.begin());
      }
      open = messages_.insert(messages_.end(), {line.message_id, line.request_id, line.model, line.timestamp,
                                                line.session_id, prompt_, line.usage, false, line.sidechain});
    } else {
      ++counts_.merged;
      if (line.usage.total() > open->usage.total()) open->usage = line.usage;
    }
    open->stopped = open->stopped || !line.stop_reason.empty();
  }
  for (const ToolUse& use : line.tool_uses) {
    if (calls_.size() >= kMostCalls) break;
    calls_.insert_or_assign(use.id, Call{use.name, use.agent, line.timestamp, line.session_id, prompt_});
    const std::string command = use.name == "Skill" ? command_named(use.skill) : "";
    if (command.empty()) continue;
    metrics::Event record = envelope(kCommand, use.id, line.timestamp, line.session_id, prompt_);
    record.row[metrics::kToolUseId] = use.id;
    set(record, "command_name", command);
    set(record, "status", "success");
    out.push_back({std::move(record)});
  }
}

void Transcript::take_user(const Line& line, std::vector<Made>& out) {
  // A line that is older than the first of its file was copied from the session that this one was forked from, and has
  // got another prompt id there.
  if (const std::string command = command_named(line.command); !command.empty() && line.timestamp >= first_) {
    const std::string& key = line.prompt_id.empty() ? line.uuid : line.prompt_id;
    metrics::Event record = envelope(kCommand, key, line.timestamp, line.session_id, line.prompt_id);
    set(record, "command_name", command);
    set(record, "status", "success");
    out.push_back({std::move(record)});
  }
  for (const ToolResult& result : line.tool_results) {
    const auto at = calls_.find(result.id);
    if (at == calls_.end()) continue;  // its call was read before, or is not there
    const std::string_view status = line.denied ? "cancelled" : result.error ? "error" : "success";
    close_call(at->first, at->second, status, line.changed, out);
    if (is_agent_tool(at->second.name) && line.has_agent) {
      const std::string& key = line.agent.id.empty() ? result.id : line.agent.id;
      Call call = at->second;
      if (!line.agent.type.empty()) call.agent = line.agent.type;
      call.name = result.id;
      if (line.agent.status.empty() || line.agent.status == "completed" || line.denied || result.error)
        close_agent(key, call, result.id, status, line.agent.duration_ms, out);
      else if (agents_.size() < kMostCalls)
        agents_.insert_or_assign(key, std::move(call));
    }
    calls_.erase(at);
  }
}

void Transcript::close_message(const Message& done, std::vector<Made>& out) {
  metrics::Event record =
      envelope(kRequest, request_key(done.request_id, done.id), done.timestamp, done.session_id, done.prompt_id);
  set_if(record, metrics::kRequestId, done.request_id);
  record.row[metrics::kMessageId] = done.id;
  set(record, "model", done.model);
  set(record, "input_tokens", done.usage.input);
  set(record, "output_tokens", done.usage.output);
  set(record, "cache_read_tokens", done.usage.cache_read);
  set(record, "cache_creation_tokens", done.usage.cache_creation);
  if (const auto cost = prices_.cost(done.model, done.usage))
    set(record, "cost_usd", *cost);
  else
    ++unpriced_[done.usage.fast ? done.model + "-fast" : done.model];
  out.push_back({std::move(record), done.sidechain});
}

void Transcript::close_call(const std::string& id, const Call& call, std::string_view status,
                            const ChangedLines& changed, std::vector<Made>& out) {
  if (call.name.empty()) return;
  metrics::Event record = envelope(kTool, id, call.timestamp, call.session_id, call.prompt_id);
  record.row[metrics::kToolUseId] = id;
  set(record, "tool_name", call.name);
  set(record, "status", status);
  if (changed.added >= 0)
    set(record, "context", dump_json({{"lines_added", changed.added}, {"lines_removed", changed.removed}}));
  out.push_back({std::move(record)});
}

void Transcript::close_agent(const std::string& id, const Call& call, const std::string& tool_use_id,
                             std::string_view status, double duration_ms, std::vector<Made>& out) {
  metrics::Event record = envelope(kAgent, id, call.timestamp, call.session_id, call.prompt_id);
  record.row[metrics::kToolUseId] = tool_use_id;
  set(record, "agent_name", agent_name(call.agent));
  set(record, "interaction_type", "delegation");
  set(record, "status", status);
  if (duration_ms >= 0) set(record, "execution_time_ms", duration_ms);
  out.push_back({std::move(record)});
}

metrics::Event Transcript::update(std::string_view key, std::string_view timestamp, std::string_view prompt,
                                  const Json& context) const {
  metrics::Event record = envelope(kSession, key, timestamp, session_, prompt);
  set(record, "change", "update");
  set(record, "context", dump_json(context));
  return record;
}

// A turn is a prompt and what was answered; a prompt that the client itself answers is none.
void Transcript::take_turn(const Line& line, std::vector<Made>& out) {
  const bool user = line.type == Line::Type::user;
  if (user && !compaction_.is_null()) close_compaction(line, out);
  if (line.subtype == "compact_boundary") {
    const Compaction& one = line.compaction;
    compaction_ = {{"event", "compact"}, {"time", line.timestamp}, {"status", "success"}};
    set_if(compaction_, "trigger", clean_name(one.trigger));
    if (one.tokens_before >= 0) compaction_["tokens_before"] = one.tokens_before;
    if (one.tokens_after >= 0) compaction_["tokens_after"] = one.tokens_after;
    if (one.duration_ms >= 0) compaction_["duration_ms"] = one.duration_ms;
  }
  if (line.subtype == "turn_duration") {
    turn_.duration_ms = line.duration_ms;
    return close_turn(out);
  }
  const bool asks = user && !line.meta && !line.compacted && !line.interrupted && line.tool_results.empty();
  if (asks && !line.prompt_id.empty() && line.prompt_id != turn_.prompt_id) {
    close_turn(out);
    turn_ = {.prompt_id = line.prompt_id, .started = line.timestamp, .last = line.timestamp};
  }
  if (turn_.prompt_id.empty() || line.type == Line::Type::system) return;
  // What the client itself writes between two turns is of neither.
  if (!user || !line.tool_results.empty()) turn_.last = std::max(turn_.last, line.timestamp);
  if (line.type == Line::Type::assistant) {
    turn_.answered = true;
    turn_.status = line.api_error ? "error" : "success";
    turn_.error = word_of(line.error);
  }
  if (line.interrupted) turn_.status = "cancelled";
}

void Transcript::close_turn(std::vector<Made>& out) {
  const Turn turn = std::exchange(turn_, {});
  if (!turn.answered) return;
  Json context = {{"event", "turn"}, {"status", turn.status}};
  set_if(context, "error", turn.error);
  const auto from = parse_rfc3339(turn.started), until = parse_rfc3339(turn.last);
  if (turn.duration_ms >= 0)
    context["duration_ms"] = turn.duration_ms;
  else if (from && until && turn.status != "cancelled")
    context["duration_ms"] = static_cast<double>(to_ms(*until) - to_ms(*from));
  out.push_back({update(session_ + "/turn/" + turn.prompt_id, turn.last, turn.prompt_id, context)});
}

// The line behind it names its prompt; those of one prompt are numbered, as hooks do.
void Transcript::close_compaction(const Line& line, std::vector<Made>& out) {
  Json context = std::exchange(compaction_, nullptr);
  const std::string time = text_of(context, "time");
  context.erase("time");
  const std::string& prompt = line.prompt_id.empty() ? session_ : line.prompt_id;
  if (text_of(compacted_, "prompt") != prompt) compacted_ = {{"prompt", prompt}, {"count", 0}};
  const int number = compacted_["count"].get<int>() + 1;
  compacted_["count"] = number;
  const std::string key = session_ + "/compact/" + prompt + "/" + std::to_string(number);
  out.push_back({update(key, time, line.prompt_id, context)});
}

// Known by its line, which a fork copies.
void Transcript::take_error(const Line& line, std::vector<Made>& out) {
  ++counts_.api_errors;
  if (line.uuid.empty()) return;
  Json context = {{"event", "api_error"}};
  set_if(context, "error", word_of(line.error));
  if (line.http_status > 0) context["http_status"] = line.http_status;
  if (line.retry > 0) context["retry"] = line.retry;
  out.push_back(
      {update("api_error/" + line.uuid, line.timestamp, line.prompt_id.empty() ? prompt_ : line.prompt_id, context)});
}

void Transcript::rest(Rest how, std::vector<Made>& out) {
  std::erase_if(messages_, [&](const Message& one) {
    if (!one.stopped && how == Rest::busy) return false;
    close_message(one, out);
    return true;
  });
  if (how != Rest::ended || ended_) return;
  for (const auto& [id, call] : std::exchange(calls_, {})) close_call(id, call, "cancelled", {}, out);
  for (const auto& [id, call] : std::exchange(agents_, {})) close_agent(id, call, call.name, "success", -1, out);
  close_turn(out);
  end_session(out);
  ended_ = true;
}

void Transcript::end_session(std::vector<Made>& out) {
  if (!main_ || session_.empty()) return;
  metrics::Event record = envelope(kSession, session_ + "/end", last_, session_, "");
  set(record, "change", "end");
  set(record, "status", "completed");
  set(record, "session_start", first_);
  set(record, "session_end", last_);
  const auto from = parse_rfc3339(first_), until = parse_rfc3339(last_);
  if (from && until) {
    const auto length = static_cast<double>(to_ms(*until) - to_ms(*from));
    if (length >= 0 && length <= kLongestSessionMs) set(record, "total_duration_ms", length);
  }
  out.push_back({std::move(record)});
}

}  // namespace fortium::claude
