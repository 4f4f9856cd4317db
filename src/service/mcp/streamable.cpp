#include "streamable.h"

#include <nlohmann/json.hpp>

#include "conversation.h"
#include "fortium/rpc/message.h"
#include "message.h"
#include "service/limits.h"
#include "session_state.h"
#include "talks.h"

namespace fortium::service {

namespace {

constexpr std::string_view kJson = "application/json", kEvents = "text/event-stream";
constexpr std::string_view kSession = "Mcp-Session-Id", kVersion = "MCP-Protocol-Version";
constexpr std::string_view kListen = "subscriptions/listen", kCancelled = "notifications/cancelled";

bool is_newest_revision(const Request& request) {
  const auto revision = mcp::find_revision(request.header(kVersion));
  return revision && mcp::is_stateless(*revision);
}

std::optional<Response> refuse_version(const Request& request, const Posted& posted) {
  const std::string_view version = request.header(kVersion);
  if (version.empty() || mcp::find_revision(version)) return std::nullopt;
  return rpc_error(400, posted.id, rpc::kInvalidRequest, "MCP-Protocol-Version is none that this service speaks");
}

Response no_session(const Posted& posted) {
  return rpc_error(404, posted.id, rpc::kInvalidRequest, "there is no such session: begin anew with initialize");
}

McpSessions::Owner owner_of(const Credential& who) { return {who.tenant, who.actor}; }

// The status of an answer that stands alone.
int status_of(const std::string& line, const Posted& posted) {
  const auto code = error_code(line);
  if (!code) return 200;
  if (*code == rpc::kParseError || *code == rpc::kInvalidRequest) return 400;
  if (!posted.alone) return 200;
  if (*code == rpc::kMethodNotFound) return 404;
  return *code == rpc::kUnsupportedRevision || !posted.whole_meta ? 400 : 200;
}

// What was said to a message: as JSON, unless there is more than one thing or the client wants events.
Response reply(const Request& request, const Posted& posted, std::vector<std::string> lines) {
  if (!posted.asks && lines.empty()) return {.status = 202};
  if (lines.empty()) return rpc_error(200, posted.id, rpc::kInternalError, "the request was cancelled");
  const int status = status_of(lines.back(), posted);
  const bool events = accepts(request, kEvents) && (lines.size() > 1 || !accepts(request, kJson));
  if (events && status == 200) return {.talk = said(std::move(lines))};
  return {.status = status, .body = std::move(lines.back())};
}

bool wants_progress(const Request& request, const Posted& posted) {
  return posted.asks && posted.progress && posted.method == "tools/call" && accepts(request, kEvents);
}

std::vector<std::string> handle(Conversation& conversation, const std::string& message) {
  const rpc::Line line{message, 0};
  return conversation.server().handle(std::span(&line, 1));
}

Response too_many_streams(const Request& request) {
  Response response = problem(request, 429, "too_many_streams", "this organization has too many open streams");
  response.headers.emplace_back("Retry-After", std::to_string(kRetryWhenBusy.count() / 1000));
  return response;
}

// From 2026-07-28 on.
Response answer_alone(Parts& parts, const Call& call, const Posted& posted) {
  const Request& request = call.request;
  if (posted.batch) return rpc_error(400, "null", rpc::kInvalidRequest, "2026-07-28 has no batches");
  if (posted.method.empty()) return rpc_error(400, posted.id, rpc::kInvalidRequest, "the body must be a request");
  if (posted.id == "null" && !posted.asks) return {.status = 202};
  if (posted.revision.empty())
    return rpc_error(400, posted.id, rpc::kInvalidParams,
                     "_meta[io.modelcontextprotocol/protocolVersion] must be a string");
  if (auto refused = refuse_mismatch(request, posted)) return std::move(*refused);
  auto conversation = std::make_unique<Conversation>(parts.depot, parts.figures, parts.clock, call.who, "");
  if (posted.whole_meta && wants_progress(request, posted))
    return {.talk = working(std::move(conversation), request.body, OnGone::cancel)};
  if (posted.method != kListen) return reply(request, posted, handle(*conversation, request.body));

  if (!accepts(request, kEvents))
    return rpc_error(406, posted.id, rpc::kInvalidRequest, "the answer is an event stream: Accept must name it");
  auto place = parts.mcp.place(call.who.tenant);
  if (!place) return too_many_streams(request);
  std::vector<std::string> lines = handle(*conversation, request.body);
  if (lines.empty() || error_code(lines.back())) return reply(request, posted, std::move(lines));
  Request head = request;
  head.body.clear();
  return {.talk = subscribed(parts, std::move(head), std::move(conversation), std::move(place), std::move(lines))};
}

// Keeps what the message changed of its session; or why it is not kept.
std::optional<Response> keep(Parts& parts, const Call& call, const Posted& posted, Conversation& conversation,
                             const mcp::SessionState& before) {
  const auto after = conversation.server().session_state();
  if (!after || *after == before) return std::nullopt;
  const std::string text = to_text(*after);
  if (text.size() > kMaxSessionStateBytes)
    return rpc_error(200, posted.id, rpc::kInvalidParams, "too many subscriptions for one session");
  const auto kept = parts.mcp.sessions().change(owner_of(call.who), call.request.header(kSession), text);
  if (!kept) return store_problem(call.request, kept.error());
  return std::nullopt;
}

Response go_on(Parts& parts, const Call& call, const Posted& posted) {
  const Request& request = call.request;
  const auto found = parts.mcp.sessions().find(owner_of(call.who), request.header(kSession), parts.clock.now());
  if (!found) return store_problem(request, found.error());
  const auto state = *found ? read_state((*found)->state) : std::nullopt;
  if (!state) return no_session(posted);
  auto conversation =
      std::make_unique<Conversation>(parts.depot, parts.figures, parts.clock, call.who, (*found)->label);
  conversation->server().resume(*state);
  const std::string session(request.header(kSession));
  if (posted.method == kCancelled) parts.mcp.tell_work(session, request.body);
  auto work = posted.asks ? std::make_unique<Mcp::Work>(parts.mcp, session) : nullptr;
  if (wants_progress(request, posted))
    return {.talk = working(std::move(conversation), request.body, OnGone::go_on, std::move(work))};
  if (work)
    conversation->server().use([&work](std::vector<std::string>& /*out*/, std::vector<rpc::Line>* in) {
      if (in != nullptr) *in = lines_for(*work);
      return true;
    });
  std::vector<std::string> lines = handle(*conversation, request.body);
  if (auto refused = keep(parts, call, posted, *conversation, *state)) return std::move(*refused);
  return reply(request, posted, std::move(lines));
}

Response begin(Parts& parts, const Call& call, const Posted& posted) {
  SystemEntropy entropy;
  const WallTime now = parts.clock.now();
  const std::string label = uuid7(now, entropy);
  Conversation conversation(parts.depot, parts.figures, parts.clock, call.who, label);
  std::vector<std::string> lines = handle(conversation, call.request.body);
  const auto state = conversation.server().session_state();
  Response response = reply(call.request, posted, std::move(lines));
  if (!state) return response;
  const auto id = parts.mcp.sessions().begin(owner_of(call.who), label, to_text(*state), now, entropy);
  if (!id) return store_problem(call.request, id.error());
  response.headers.emplace_back(kSession, *id);
  return response;
}

}  // namespace

std::optional<Response> refuse_origin(Parts& parts, const Request& request) {
  if (parts.mcp.origins().welcomes(request)) return std::nullopt;
  return rpc_error(403, "null", rpc::kInvalidRequest, "pages of this origin may not ask");
}

std::variant<Json, Response> read_message(Parts& parts, const Call& call) {
  const Request& request = call.request;
  if (auto refused = refuse_origin(parts, request)) return std::move(*refused);
  if (!request.header("Content-Encoding").empty() && request.header("Content-Encoding") != "identity")
    return problem(request, 415, "unsupported_encoding", "messages are sent as they are, without Content-Encoding");
  if (!accepts(request, kJson) && !accepts(request, kEvents))
    return problem(request, 406, "not_acceptable", "Accept must name application/json or text/event-stream");
  if (request.body.size() > kMaxMessageBytes)
    return problem(request, 413, "too_large",
                   "the message is " + std::to_string(request.body.size()) + " bytes, limit is " +
                       std::to_string(kMaxMessageBytes));
  auto json = parse_json(request.body);
  if (!json) return rpc_error(400, "null", rpc::kParseError, "parse error: " + json.error().what);
  const std::size_t messages = json->is_array() ? json->size() : 1;
  const Standing standing = parts.limit.charge(call.who.tenant, units_of(messages));
  if (!standing.allowed) return too_many(request, standing);
  return std::move(*json);
}

Response mcp_post(Parts& parts, const Call& call) {
  auto read = read_message(parts, call);
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  const Posted posted = look_at(std::get<Json>(read));
  if (posted.alone || is_newest_revision(call.request)) return answer_alone(parts, call, posted);
  if (auto refused = refuse_version(call.request, posted)) return std::move(*refused);
  if (!call.request.header(kSession).empty()) return go_on(parts, call, posted);
  if (posted.method == "initialize") return begin(parts, call, posted);
  return rpc_error(400, posted.id, rpc::kInvalidRequest,
                   "Mcp-Session-Id is missing: begin with initialize, or name a revision in params._meta");
}

Response mcp_get(Parts& parts, const Call& call) {
  const Request& request = call.request;
  if (auto refused = refuse_origin(parts, request)) return std::move(*refused);
  if (is_newest_revision(request)) {
    Response response = problem(request, 405, "method_not_allowed", "2026-07-28 has subscriptions/listen for this");
    response.headers.emplace_back("Allow", "POST");
    return response;
  }
  if (!accepts(request, kEvents)) return problem(request, 406, "not_acceptable", "Accept must name text/event-stream");
  const Posted posted{.id = "null"};
  if (auto refused = refuse_version(request, posted)) return std::move(*refused);
  const std::string session(request.header(kSession));
  if (session.empty()) return rpc_error(400, "null", rpc::kInvalidRequest, "Mcp-Session-Id is missing");
  const auto found = parts.mcp.sessions().find(owner_of(call.who), session, parts.clock.now());
  if (!found) return store_problem(request, found.error());
  if (!*found) return no_session(posted);
  auto place = parts.mcp.place(call.who.tenant);
  if (!place) return too_many_streams(request);
  return {.talk = listening(parts, request,
                            std::make_unique<Conversation>(parts.depot, parts.figures, parts.clock, call.who, ""),
                            std::move(place), session, call.who.actor)};
}

Response mcp_delete(Parts& parts, const Call& call) {
  const Request& request = call.request;
  if (auto refused = refuse_origin(parts, request)) return std::move(*refused);
  const std::string_view session = request.header(kSession);
  if (session.empty()) return rpc_error(400, "null", rpc::kInvalidRequest, "Mcp-Session-Id is missing");
  const auto ended = parts.mcp.sessions().end(owner_of(call.who), session);
  if (!ended) return store_problem(request, ended.error());
  return *ended ? Response{.status = 204} : no_session(Posted{.id = "null"});
}

}  // namespace fortium::service
