// tools/call, and what can happen while a tool works: progress leaves, a ping is answered, the call is cancelled.
#include <nlohmann/json.hpp>

#include "connection.h"
#include "fortium/schema/check.h"
#include "params.h"

namespace fortium::mcp {

CallResult CallResult::refused(const metrics::Violations& violations) {
  return failure("not recorded: " + schema::to_text(violations));
}

CallResult CallResult::json(const Json& value) {
  std::string text = dump_json(value);
  return {text, text, false};
}

std::optional<Connection::Answer> Connection::call_tool(Call& call) {
  const Json& params = call.request.params;
  const auto name = params.find("name");
  if (name == params.end() || !name->is_string()) return refuse(call, rpc::kInvalidParams, "name must be a string");
  const auto found = tools_.find(name->get_ref<const std::string&>());
  if (found == tools_.end()) return refuse(call, rpc::kInvalidParams, "unknown tool: see tools/list");
  const Tool& tool = *found->second;

  static const Json kNone = Json::object();
  const auto given = params.find("arguments");
  const Json& arguments = given == params.end() || given->is_null() ? kNone : *given;
  if (!arguments.is_object()) return refuse(call, rpc::kInvalidParams, "arguments must be an object");

  CallResult result;
  if (tool.records) {
    // What a recorder is given is its check's to judge, and kept verbatim.
    result = tool.run(context_, arguments);
  } else {
    Json cleaned = arguments;
    drop_nulls(cleaned);
    const schema::Checked checked = schema::check(tool.input, cleaned, schema::Edge::call, context_.clock.now());
    if (!checked.ok()) {
      result = CallResult::failure(std::string(tool.name) + ": " + schema::to_text(checked.violations));
    } else {
      // A failed commit is the earlier answers' to tell; this question is answered from what is there.
      (void)commit();
      result = tool.run(context_, cleaned);
    }
  }
  Answer answer = this->result(call, tool_members(result, call.revision));
  answer.awaits_commit = !result.error && context_.recorder.has_staged();
  return answer;
}

std::string Connection::tool_members(const CallResult& result, Revision revision) const {
  std::string json = R"("content":[{"type":"text","text":)";
  append_json_string(json, result.text);
  json += "}]";
  if (!result.structured.empty() && has_structured_content(revision))
    json += ",\"structuredContent\":" + result.structured;
  json += result.error ? R"(,"isError":true)" : R"(,"isError":false)";
  return json;
}

Result<void> Connection::pulse(std::optional<Progress> progress) {
  if (call_ == nullptr || context_.recorder.has_staged()) return {};
  const Error cancelled{Errc::cancelled, "nobody waits for the answer any more"};
  if (call_->cancelled) return cancelled;
  const SteadyTime now = context_.clock.steady();
  if (now < call_->look_again) return {};
  call_->look_again = now + kLookInterval;
  if (progress) tell_progress(now, *progress);
  release();
  if (!exchange_) return {};
  std::vector<rpc::Line> in;
  if (!exchange_(outbox_, nullptr)) call_->cancelled = true;
  // Who does not read what was said is not listened to either.
  if (!call_->cancelled && outbox_.empty() && waiting_bytes_ < kMostWaitingBytes && !exchange_(outbox_, &in))
    call_->cancelled = true;
  for (const rpc::Line& line : in) overhear(line);
  if (!outbox_.empty() && !exchange_(outbox_, nullptr)) call_->cancelled = true;
  if (call_->cancelled) return cancelled;
  return {};
}

void Connection::tell_progress(SteadyTime now, const Progress& progress) {
  const auto& [done, total, message] = progress;
  if (call_->progress_token == nullptr) return;
  // What is over in no time is no long work, and the end is told by the answer.
  if (!call_->progress_again) call_->progress_again = now + kProgressInterval;
  if (now < *call_->progress_again || done <= call_->progress || (total > 0 && done >= total)) return;
  if (!outbox_.empty()) return;  // the peer does not read: no more than one word of it waits
  call_->progress_again = now + kProgressInterval;
  call_->progress = done;
  std::string params =
      R"({"progressToken":)" + dump_json(*call_->progress_token) + R"(,"progress":)" + std::to_string(done);
  if (total > 0) params += R"(,"total":)" + std::to_string(total);
  if (has_progress_message(call_->revision)) params += R"(,"message":)" + json_string(message);
  say(rpc::notification_line("notifications/progress", params + "}"));
}

// A line that comes while a tool works: what cannot wait is done, everything else waits.
void Connection::overhear(const rpc::Line& line) {
  const auto wait = [&] {
    waiting_.push_back({std::string(line.text), line.dropped});
    waiting_bytes_ += size_of(waiting_.back());
  };
  auto parsed = parse_json(line.text);
  if (!parsed || !parsed->is_object()) return wait();
  rpc::Message message = rpc::read_message(std::move(*parsed));
  if (const auto* notification = std::get_if<rpc::Notification>(&message)) {
    const auto id = notification->params.find("requestId");
    if (notification->method == "notifications/cancelled" && id != notification->params.end() &&
        dump_json(*id) == call_->request.id && call_->request.method != "initialize") {
      call_->cancelled = true;
      return;
    }
  }
  if (auto* request = std::get_if<rpc::Request>(&message); request != nullptr && request->method == "ping") {
    Call* const outer = call_;
    if (auto answer = dispatch(std::move(*request), /*in_batch=*/false)) outbox_.push_back(std::move(answer->line));
    call_ = outer;
    return;
  }
  wait();
}

void Connection::log_call(Severity severity, std::string_view logger, const Json& data) {
  if (call_ == nullptr || !call_->log_least || severity < *call_->log_least) return;
  // A request that stands alone hears all of its own, whatever others heard.
  if (is_stateless(call_->revision))
    say(log_line(severity, logger, data));
  else if (auto line = journal_.write(severity, logger, data, context_.clock.steady()))
    say(std::move(*line));
}

}  // namespace fortium::mcp
