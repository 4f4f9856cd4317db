#include "mcp_routes.h"

#include <nlohmann/json.hpp>

#include "catalogs.h"
#include "conversation.h"
#include "fortium/rpc/message.h"
#include "message.h"
#include "service/health.h"
#include "streamable.h"
#include "talks.h"

namespace fortium::service {

namespace {

constexpr mcp::Revision kDocumented = mcp::Revision::v2024_11_05;

// The documented end points, older than Streamable HTTP: a message is posted and answered, there are no sessions, and
// errors of the protocol are answers like others. Clients that name a revision get it, others the documented one.
mcp::Revision revision_of(const Request& request) {
  const auto named = mcp::find_revision(request.header("MCP-Protocol-Version"));
  return named && !mcp::is_stateless(*named) ? *named : kDocumented;
}

Response ask(Parts& parts, const Call& call, mcp::Revision revision, bool batch) {
  auto read = read_message(parts, call);
  if (auto* refused = std::get_if<Response>(&read)) return std::move(*refused);
  const Posted posted = look_at(std::get<Json>(read));
  if (posted.batch != batch)
    return rpc_error(200, posted.id, rpc::kInvalidRequest,
                     batch ? "the body must be a list of messages" : "the body must be one message");
  Conversation conversation(parts.depot, parts.figures, parts.clock, call.who, "");
  if (posted.method != "initialize") conversation.server().resume({.revision = revision});
  const auto answer = conversation.server().handle(call.request.body);
  if (!answer || !posted.asks) return {.status = 202};
  return {.body = *answer};
}

Response one(Parts& parts, const Call& call) { return ask(parts, call, revision_of(call.request), /*batch=*/false); }
Response batch(Parts& parts, const Call& call) { return ask(parts, call, kDocumented, /*batch=*/true); }

Response web_socket(Parts& parts, const Call& call) {
  const Request& request = call.request;
  if (auto refused = refuse_origin(parts, request)) return std::move(*refused);
  if (request.header("Upgrade").empty()) {
    Response response = problem(request, 426, "upgrade_required", "this is a WebSocket: ask for one");
    response.headers = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}};
    return response;
  }
  auto place = parts.mcp.place(call.who.tenant);
  if (!place) return problem(request, 429, "too_many_streams", "this organization has too many open streams");
  return {.status = 101,
          .talk = chat(parts, request,
                       std::make_unique<Conversation>(parts.depot, parts.figures, parts.clock, call.who, ""),
                       std::move(place))};
}

// What `initialize` would answer to this credential.
Json introduction(Parts& parts, const Credential& who) {
  Conversation conversation(parts.depot, parts.figures, parts.clock, who, "");
  const std::string line = dump_json({{"jsonrpc", "2.0"},
                                      {"id", 1},
                                      {"method", "initialize"},
                                      {"params", {{"protocolVersion", mcp::name(mcp::kLastSession)}}}});
  const auto answer = parse_json(conversation.server().handle(line).value_or(""));
  FM_CHECK(answer.ok());
  return answer->at("result");
}

Json endpoints() {
  return {{"mcp", "/mcp"}, {"rpc", "/mcp/v1/request"}, {"batch", "/mcp/v1/batch"}, {"websocket", "/mcp/ws"}};
}

Json versions() {
  Json all = Json::array();
  for (const mcp::Revision revision : mcp::kRevisions) all.push_back(mcp::name(revision));
  return all;
}

Response capabilities(Parts& parts, const Call& call) {
  const Json hello = introduction(parts, call.who);
  return {.body = dump_json({{"server_info", hello["serverInfo"]},
                             {"protocol_version", hello["protocolVersion"]},
                             {"protocol_versions", versions()},
                             {"capabilities", hello["capabilities"]},
                             {"endpoints", endpoints()}})};
}

// Nothing of anybody: who asks is not known.
Response server_info(Parts& parts, const Call& call) {
  const Json hello = introduction(parts, call.who);
  return {.body = dump_json(
              {{"name", hello["serverInfo"]["name"]},
               {"version", FORTIUM_VERSION},
               {"protocol_version", hello["protocolVersion"]},
               {"protocol_versions", versions()},
               {"capabilities", hello["capabilities"]},
               {"endpoints", endpoints()},
               {"integration",
                {{"claude_code_compatible", true}, {"backward_compatible", true}, {"migration_support", true}}}})};
}

}  // namespace

std::span<const Route> mcp_routes() {
  static constexpr Route kRoutes[] = {
      {"POST", "/mcp", kMcp, Body::json, Cost::own, &mcp_post,
       "MCP, Streamable HTTP: one message; the answer is JSON or an event stream."},
      {"GET", "/mcp", kMcp, Body::none, Cost::request, &mcp_get, "MCP: an event stream of what a session is to hear."},
      {"DELETE", "/mcp", kMcp, Body::none, Cost::request, &mcp_delete, "MCP: ends a session."},
      {"POST", "/mcp/v1/request", kMcp, Body::json, Cost::own, &one, "MCP: one message, without a session."},
      {"POST", "/mcp/v1/batch", kMcp, Body::json, Cost::own, &batch, "MCP: a list of messages, without a session."},
      {"GET", "/mcp/ws", kMcp, Body::none, Cost::request, &web_socket, "MCP over a WebSocket."},
      {"POST", "/api/mcp/rpc", kMcp, Body::json, Cost::own, &one, "MCP: one message, without a session."},
      {"POST", "/api/mcp/batch", kMcp, Body::json, Cost::own, &batch, "MCP: a list of messages, without a session."},
      {"GET", "/api/mcp/ws", kMcp, Body::none, Cost::request, &web_socket, "MCP over a WebSocket."},
      {"GET", "/api/mcp/capabilities", kMcp, Body::none, Cost::request, &capabilities,
       "What MCP offers to this credential."},
      {"GET", "/api/mcp/health", 0, Body::none, Cost::nothing, &mcp_health, "Whether MCP is served."},
      {"GET", "/health/mcp", 0, Body::none, Cost::nothing, &mcp_health, "Whether MCP is served."},
      {"GET", "/api/mcp-server-info", 0, Body::none, Cost::nothing, &server_info, "What MCP offers."},
  };
  return kRoutes;
}

}  // namespace fortium::service
