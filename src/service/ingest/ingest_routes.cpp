#include "ingest_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fortium/base/json.h"
#include "older.h"
#include "receipt.h"
#include "sessions.h"

namespace fortium::service {

namespace {

Response capabilities(Parts& parts, const Call& call) {
  std::string scopes;
  for (const std::string& name : scope_names(call.who.scopes)) scopes += (scopes.empty() ? "\"" : ",\"") + name + "\"";
  return {.body = "{\"service\":\"fortium-metrics-server\",\"version\":\"" FORTIUM_VERSION "\",\"server_time\":\"" +
                  to_rfc3339(parts.clock.now()) + "\",\"organization\":{\"id\":\"" + call.who.tenant +
                  "\",\"name\":" + json_string(call.who.tenant_name) + "},\"scopes\":[" + scopes +
                  "],\"limits\":" + limits_json(call.request.most_body) +
                  ",\"encodings\":[\"gzip\"],\"features\":[\"receipts\",\"verify\"]}"};
}

Response batch(Parts& parts, const Call& call) { return parts.ingest.batch(call.request, call.who); }

Response record(Parts& parts, const Call& call) {
  auto taken = parts.ingest.take(call.request, call.who,
                                 [&call](const Json& json, WallTime) { return one_record(*call.route.takes, json); });
  if (auto* refused = std::get_if<Response>(&taken)) return std::move(*refused);
  return single_receipt(call.request, std::get<Taken>(taken));
}

// Where single records of a kind are posted to; a text that stays.
std::string_view path_of(const metrics::Kind& kind) {
  static const std::vector<std::string> kPaths = [] {
    std::vector<std::string> all;
    for (const metrics::Kind& one : metrics::kinds()) all.push_back("/api/v1/metrics/" + std::string(one.path));
    return all;
  }();
  return kPaths[metrics::index_of(kind)];
}

// Where the predecessors took them.
struct Older {
  std::string_view path;
  std::string_view kind;
};
constexpr Older kOlder[] = {
    {"/api/metrics/commands", "command_execution"},        {"/api/metrics/agents", "agent_interaction"},
    {"/api/metrics/productivity", "productivity_metric"},  {"/api/v1/metrics/commands", "command_execution"},
    {"/api/v1/metrics/interactions", "agent_interaction"}, {"/api/v1/metrics/tools", "tool_usage"},
};

// A shape of a predecessor, and what its answer says beside the documented.
template <class More>
Response older(Parts& parts, const Call& call, Batch (*read)(const Json&, WallTime), More more) {
  Json body;
  auto taken = parts.ingest.take(call.request, call.who, [&](const Json& json, WallTime now) {
    body = json;
    return read(json, now);
  });
  if (auto* refused = std::get_if<Response>(&taken)) return std::move(*refused);
  const Taken& kept = std::get<Taken>(taken);
  return single_receipt(call.request, kept, more(body, kept));
}

std::string hook_answer(const Json& body, const Taken& taken) {
  std::string more = ",\"session_id\":" + dump_json(body["session_id"]);
  if (body.contains("tool_name")) more += ",\"tool_name\":" + dump_json(body["tool_name"]);
  return more + ",\"activity_created\":false,\"received_at\":\"" + to_rfc3339(taken.at) + "\",\"processed\":true";
}

Response hook_tool(Parts& parts, const Call& call) { return older(parts, call, read_hook_tool, hook_answer); }
Response hook_start(Parts& parts, const Call& call) { return older(parts, call, read_hook_start, hook_answer); }
Response hook_end(Parts& parts, const Call& call) { return older(parts, call, read_hook_end, hook_answer); }

Response collect(Parts& parts, const Call& call) {
  return older(parts, call, read_collect, [](const Json&, const Taken&) { return std::string(); });
}

Response hybrid(Parts& parts, const Call& call) {
  auto taken = parts.ingest.take(call.request, call.who, read_hybrid);
  if (auto* refused = std::get_if<Response>(&taken)) return std::move(*refused);
  return receipt(std::get<Taken>(taken));
}

Response generic(Parts& parts, const Call& call) {
  return older(parts, call, read_generic, [&](const Json& body, const Taken& taken) {
    return ",\"sessionId\":" + dump_json(body["sessionId"]) + ",\"tenantId\":" + json_string(call.who.tenant) +
           ",\"metricsCount\":" + std::to_string(taken.checked.lines.size()) + ",\"submittedAt\":\"" +
           to_rfc3339(taken.at) + "\"";
  });
}

// What had no form: a record of it would be made up.
struct Gone {
  std::string_view path;
  std::string_view instead;
};
constexpr Gone kGone[] = {
    {"/hooks/productivity-data", "POST /api/v1/metrics/productivity"},
    {"/api/v1/hooks/productivity-data", "POST /api/v1/metrics/productivity"},
    {"/api/v1/tool-metrics", "POST /api/v1/metrics/tool-usage"},
    {"/api/v1/tool-metrics/batch", "POST /api/v1/metrics/batch"},
    {"/api/v1/sessions", "POST /api/v1/metrics/session/start"},
};

Response gone(Parts& /*parts*/, const Call& call) {
  const auto row = std::ranges::find(kGone, call.route.path, &Gone::path);
  FM_CHECK(row != std::end(kGone));
  return problem(call.request, 410, "use_instead",
                 "the body of this end point had no form; use " + std::string(row->instead));
}

// What hooks of the predecessors post, below each of two bases.
struct Hook {
  std::string_view paths[2];
  Response (*run)(Parts&, const Call&);
  std::string_view doc;
};
constexpr Hook kHooks[] = {
    {{"/hooks/tool-metrics", "/api/v1/hooks/tool-metrics"}, &hook_tool, "Older shape: a tool call, told by a hook."},
    {{"/hooks/session-start", "/api/v1/hooks/session-start"}, &hook_start, "Older shape: a session began."},
    {{"/hooks/session-end", "/api/v1/hooks/session-end"}, &hook_end, "Older shape: a session ended."},
    {{"/hooks/tool-usage", "/api/v1/hooks/tool-usage"}, &hook_tool, "Older shape: a tool call, told by a hook."},
};

}  // namespace

std::span<const Route> ingest_routes() {
  static const std::vector<Route> kRoutes = [] {
    using Run = Response (*)(Parts&, const Call&);
    const auto takes = [](std::string_view method, std::string_view path, Run run, std::string_view doc) {
      return Route{method, path, kWrite, Body::json, Cost::own, run, doc};
    };
    const auto post = [&](std::string_view path, Run run, std::string_view doc) {
      return takes("POST", path, run, doc);
    };
    const auto batched = [&](std::string_view path) {
      Route row = post(path, &batch, "Up to 1000 records of all kinds, with a receipt for each.");
      row.batch = true;
      return row;
    };
    constexpr std::string_view kStart = "Starts a session; its answer carries the session, by whose id it is changed.";
    constexpr std::string_view kChange = "Changes a session; its answer carries the session as all changes make it.";
    constexpr std::string_view kEnd = "Ends a session; its answer carries the session as all changes make it.";
    std::vector<Route> all = {
        {"GET", "/api/v1/capabilities", kAnyPermission, Body::none, Cost::request, &capabilities,
         "What this service takes, and whose credential this is."},
        batched("/api/v1/metrics/batch"),
        post("/api/v1/metrics/session/start", &start_session, kStart),
        takes("PUT", "/api/v1/metrics/session/{id}", &change_session, kChange),
        post("/api/v1/metrics/session/end", &end_session, kEnd),
        // What the predecessors documented, under each of its names.
        batched("/api/metrics/batch"),
        batched("/api/v1/metrics/bulk"),
        post("/api/metrics/sessions/start", &start_session, kStart),
        takes("PUT", "/api/metrics/sessions/{id}", &change_session, kChange),
        post("/api/v1/metrics/sessions", &start_session, kStart),
        takes("PUT", "/api/v1/metrics/sessions/{id}", &change_session, kChange),
        takes("DELETE", "/api/v1/metrics/sessions/{id}", &end_session, kEnd),
        post("/api/v1/metrics", &generic, "Older shape: named values of one session, as productivity metrics."),
        post("/api/v1/metrics/hybrid-sync", &hybrid, "Older shape: tool calls of the hybrid collector."),
        post("/mcp/metrics/collect", &collect, "Older shape: a command, told by an agent's tool."),
    };
    for (const Hook& hook : kHooks)
      for (const std::string_view path : hook.paths) all.push_back(post(path, hook.run, hook.doc));
    for (const Gone& row : kGone) all.push_back(post(row.path, &gone, "Refused: its body had no form."));
    const auto single = [&](std::string_view path, const metrics::Kind& kind) {
      all.push_back(post(path, &record, kind.doc));
      all.back().takes = &kind;
    };
    for (const metrics::Kind& kind : metrics::kinds())
      if (!kind.tool.empty()) single(path_of(kind), kind);  // a session has end points of its own
    for (const Older& one : kOlder) single(one.path, *metrics::find_kind(one.kind));
    return all;
  }();
  return kRoutes;
}

}  // namespace fortium::service
