#include "connection.h"

#include <exception>
#include <nlohmann/json.hpp>

#include "address.h"
#include "fortium/base/log.h"
#include "identity.h"
#include "params.h"

namespace fortium::mcp {

Connection::Connection(const Catalog& catalog, Context context, std::string_view version)
    : catalog_(catalog),
      context_(std::move(context)),
      version_(version),
      server_info_meta_(mcp::server_info_meta(version)),
      lists_(catalog, context_.organization) {
  context_.commit = [this] { return commit(); };
  context_.pulse = [this](std::int64_t done, std::int64_t total, std::string_view message) {
    return pulse(Progress{done, total, message});
  };
  context_.reader = [this, reader = std::move(context_.reader)]() -> Result<metrics::Reader*> {
    FM_TRY(metrics::Reader* const found, reader());
    found->while_reading([this] { return pulse(std::nullopt).ok(); });
    return found;
  };
  context_.log = [this](Severity severity, std::string_view logger, const Json& data) {
    log_call(severity, logger, data);
  };
  for (const Tool& tool : catalog_.tools) tools_.emplace(tool.name, &tool);
}

std::vector<std::string> Connection::handle(std::span<const rpc::Line> lines) {
  handle_group(lines);
  return std::exchange(outbox_, {});
}

// What waits may be long work again, during which more lines come: those wait behind the rest.
std::vector<std::string> Connection::catch_up() {
  std::vector<Waiting> kept;
  for (; !waiting_.empty() && kept.size() < kMostGroup; waiting_.pop_front()) {
    waiting_bytes_ -= size_of(waiting_.front());
    kept.push_back(std::move(waiting_.front()));
  }
  std::vector<rpc::Line> lines;
  lines.reserve(kept.size());
  for (const Waiting& line : kept) lines.push_back({line.text, line.dropped});
  return handle(lines);
}

void Connection::handle_group(std::span<const rpc::Line> lines) {
  group_.reserve(lines.size());
  look_for_cancellations(lines);
  for (line_ = 0; line_ < lines.size(); ++line_) {
    Reply reply;
    current_ = &reply;
    reply_to(lines[line_]);
    current_ = nullptr;
    if (!reply.answers.empty() || !reply.notes.empty()) group_.push_back(std::move(reply));
  }
  (void)commit();  // a failure has turned the answers that depend on it
  release();
}

void Connection::look_for_cancellations(std::span<const rpc::Line> lines) {
  constexpr std::string_view kMethod = "notifications/cancelled";
  cancelled_.clear();
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].text.find(kMethod) == std::string_view::npos) continue;
    auto parsed = parse_json(lines[i].text);
    if (!parsed || !parsed->is_object() || text_of(*parsed, "method") != kMethod) continue;
    const auto params = parsed->find("params");
    if (params == parsed->end() || !params->is_object() || !params->contains("requestId")) continue;
    cancelled_[dump_json((*params)["requestId"])] = i;
  }
}

// Commits what is staged. On failure every answer so far that acknowledges a record becomes a refusal.
Result<void> Connection::commit() {
  auto done = context_.recorder.commit();
  const auto settle = [&](std::vector<Answer>& answers) {
    for (Answer& answer : answers) {
      if (answer.awaits_commit && !done) {
        const auto refused = CallResult::failure("not recorded: " + done.error().what + "; try again");
        answer.line = rpc::result_line(answer.id, result_text(answer.revision, tool_members(refused, answer.revision)));
      }
      answer.awaits_commit = false;
    }
  };
  for (Reply& reply : group_) settle(reply.answers);
  if (current_ != nullptr) settle(current_->answers);
  if (!done) return std::move(done).error();
  return {};
}

void Connection::say(std::string line) { (current_ != nullptr ? current_->notes : outbox_).push_back(std::move(line)); }

// Lets go of what waits, once nothing of it depends on a commit any more.
void Connection::release() {
  for (Reply& reply : group_) {
    for (std::string& note : reply.notes) outbox_.push_back(std::move(note));
    if (reply.answers.empty()) continue;
    if (!reply.batch) {
      outbox_.push_back(std::move(reply.answers.front().line));
      continue;
    }
    std::string array = "[";
    for (const Answer& answer : reply.answers) array += (array.size() > 1 ? "," : "") + answer.line;
    outbox_.push_back(array + "]");
  }
  group_.clear();
  if (current_ == nullptr) return;
  for (std::string& note : current_->notes) outbox_.push_back(std::move(note));
  current_->notes.clear();
}

void Connection::reply_to(const rpc::Line& line) {
  std::vector<Answer>& answers = current_->answers;
  if (line.dropped > 0) {
    answers.push_back(
        error("null", rpc::kInvalidRequest,
              "line is " + std::to_string(line.dropped) + " bytes, limit is " + std::to_string(rpc::kMaxLineBytes)));
    return;
  }
  auto parsed = parse_json(line.text);
  if (!parsed)
    answers.push_back(error("null", rpc::kParseError, "parse error: " + parsed.error().what));
  else if (parsed->is_array())
    reply_to_batch(std::move(*parsed));
  else if (auto one = answer(std::move(*parsed), /*in_batch=*/false))
    answers.push_back(std::move(*one));
}

void Connection::reply_to_batch(Json&& messages) {
  std::vector<Answer>& answers = current_->answers;
  if (!session_ || !has_batches(*session_)) {
    answers.push_back(
        error("null", rpc::kInvalidRequest,
              session_ ? "this revision has no batches: send one message a line" : "send initialize first"));
    return;
  }
  if (messages.empty()) {
    answers.push_back(error("null", rpc::kInvalidRequest, "the batch is empty"));
    return;
  }
  if (messages.size() > kMostBatch) {
    answers.push_back(error(
        "null", rpc::kInvalidRequest,
        "the batch has " + std::to_string(messages.size()) + " messages, limit is " + std::to_string(kMostBatch)));
    return;
  }
  current_->batch = true;
  for (Json& message : messages)
    if (auto one = answer(std::move(message), /*in_batch=*/true)) answers.push_back(std::move(*one));
}

std::optional<Connection::Answer> Connection::answer(Json&& value, bool in_batch) {
  rpc::Message message = rpc::read_message(std::move(value));
  if (auto* request = std::get_if<rpc::Request>(&message)) {
    const rpc::IdText id = request->id;
    if (const auto at = cancelled_.find(id);
        at != cancelled_.end() && at->second > line_ && request->method != "initialize")
      return std::nullopt;
    try {
      return dispatch(std::move(*request), in_batch);
    } catch (const Bug& bug) {
      log_error(bug.what);
    } catch (const std::exception&) {
      log_error("a row of the catalog let an exception out");  // its words may hold what was given
    }
    call_ = nullptr;
    return error(id, rpc::kInternalError, "internal error");
  }
  if (const auto* malformed = std::get_if<rpc::Malformed>(&message))
    return error(malformed->id, rpc::kInvalidRequest, "invalid request: " + malformed->why);
  if (auto* notification = std::get_if<rpc::Notification>(&message)) hear(std::move(*notification));
  if (auto* response = std::get_if<rpc::Response>(&message)) hear(std::move(*response));
  return std::nullopt;
}

// Notifications are never answered, known or not, and switch nothing.
void Connection::hear(rpc::Notification&& notification) {
  if (notification.method == "notifications/cancelled") {
    if (const auto id = notification.params.find("requestId"); id != notification.params.end())
      subscriptions_.cancel(dump_json(*id));
  } else if (session_ && (notification.method == "notifications/initialized" ||
                          notification.method == "notifications/roots/list_changed")) {
    ask_for_roots();
  }
}

void Connection::ask_for_roots() {
  if (!asks_roots_) return;
  say(rpc::request_line("\"roots-" + std::to_string(++roots_asked_) + "\"", "roots/list"));
}

// The only thing that we ask for is the project's folder, and only its name is kept: paths are private.
void Connection::hear(rpc::Response&& response) {
  if (response.id != "\"roots-" + std::to_string(roots_asked_) + "\"" || !response.result.is_object()) return;
  const auto roots = response.result.find("roots");
  if (roots == response.result.end() || !roots->is_array() || roots->empty() || !roots->front().is_object()) return;
  if (std::string name = folder_of(text_of(roots->front(), "uri")); !name.empty())
    context_.recorder.set_project(std::move(name));
}

std::optional<SessionState> Connection::session_state() const {
  if (!session_) return std::nullopt;
  SessionState state{*session_, session_log_, subscriptions_.of_session(), {}};
  if (!state.subscribed.empty()) state.counts = counts_;
  return state;
}

void Connection::resume(const SessionState& state) {
  session_ = state.revision;
  session_log_ = state.log_least;
  if (!subscriptions_.any()) counts_ = state.counts;
  subscriptions_.replace(state.subscribed);
}

Connection::Answer Connection::error(std::string_view id, int code, std::string_view message,
                                     std::string_view data) const {
  std::string line = rpc::error_line(id, code, message, data);
  if (id == "null" && (session_ ? may_omit_error_id(*session_) : stateless_)) {
    constexpr std::string_view kNoId = R"("id":null,)";
    line.erase(line.find(kNoId), kNoId.size());
  }
  return {std::move(line), std::string(id)};
}

// Where every request stands alone, only requests may ask for messages.
bool Connection::hears(Severity severity) const { return session_ && severity >= session_log_; }

std::vector<std::string> Connection::log(Severity severity, std::string_view logger, std::string_view text) {
  if (hears(severity))
    if (auto line = journal_.write(severity, logger, Json(text), context_.clock.steady())) say(std::move(*line));
  return std::exchange(outbox_, {});
}

void Connection::watch() {
  if (subscriptions_.any() && !counts_.empty()) return;
  (void)commit();
  if (auto reader = context_.reader())
    if (auto counts = (*reader)->counts()) counts_ = std::move(*counts);
  look_again_ = context_.clock.steady() + kWatchInterval;
}

std::optional<Millis> Connection::notices_in() const {
  if (!subscriptions_.any()) return std::nullopt;
  const auto left = std::chrono::ceil<Millis>(look_again_ - context_.clock.steady());
  return std::max(left, Millis(0));
}

std::vector<std::string> Connection::notices() {
  const SteadyTime now = context_.clock.steady();
  if (!subscriptions_.any() || now < look_again_) return {};
  look_again_ = now + kWatchInterval;
  auto reader = context_.reader();
  if (!reader) return {};
  auto counts = (*reader)->counts();
  if (!counts || *counts == counts_) return {};
  const std::vector<std::int64_t> before = std::exchange(counts_, std::move(*counts));
  return subscriptions_.updates([&](const std::string& uri) {
    const auto found = find_resource(catalog_, context_.organization, uri);
    if (!found) return false;
    for (const std::string_view kind : found->resource->kinds) {
      const std::size_t at = metrics::index_of(*metrics::find_kind(kind));
      if (at >= before.size() || counts_[at] != before[at]) return true;
    }
    return false;
  });
}

}  // namespace fortium::mcp
