#include "fortium/mcp/server.h"

#include <exception>
#include <nlohmann/json.hpp>

#include "fortium/base/log.h"
#include "fortium/schema/check.h"
#include "fortium/schema/render.h"

namespace fortium::mcp {

namespace {

// Claude Code refuses nothing above it, but shows the model only so much.
constexpr std::string_view kServerName = "fortium-metrics-server";
constexpr std::string_view kServerTitle = "Fortium Metrics";

// A member that is null is absent, in arguments and in the objects that they name.
void drop_nulls(Json& value, int levels = 2) {
  if (!value.is_object() || levels == 0) return;
  for (auto at = value.begin(); at != value.end();) {
    if (at->is_null()) {
      at = value.erase(at);
    } else {
      drop_nulls(*at, levels - 1);
      ++at;
    }
  }
}

std::string text_of(const Json& params, const char* name) {
  const auto at = params.find(name);
  return at != params.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace

CallResult CallResult::refused(const metrics::Violations& violations) {
  return failure("not recorded: " + schema::to_text(violations));
}

CallResult CallResult::json(const Json& value) {
  std::string text = dump_json(value);
  return {text, text, false};
}

Server::Server(const Catalog& catalog, Context context, std::string_view version)
    : catalog_(catalog), context_(std::move(context)), version_(version) {
  context_.commit = [this] { return commit(); };
  for (const Tool& tool : catalog_.tools) tools_.emplace(tool.name, &tool);
}

std::optional<std::string> Server::handle(std::string_view line) {
  const rpc::Line one{line, 0};
  std::vector<std::string> answers = handle(std::span(&one, 1));
  if (answers.empty()) return std::nullopt;
  return std::move(answers.front());
}

std::vector<std::string> Server::handle(std::span<const rpc::Line> lines) {
  std::vector<Reply> group;
  group.reserve(lines.size());
  group_ = &group;
  look_for_cancellations(lines);
  for (line_ = 0; line_ < lines.size(); ++line_) group.push_back(reply_to(lines[line_]));
  (void)commit();  // a failure has turned the answers that depend on it
  group_ = nullptr;

  std::vector<std::string> out;
  out.reserve(group.size());
  for (Reply& reply : group) {
    if (reply.answers.empty()) continue;
    if (!reply.batch) {
      out.push_back(std::move(reply.answers.front().line));
      continue;
    }
    std::string array = "[";
    for (const Answer& answer : reply.answers) array += (array.size() > 1 ? "," : "") + answer.line;
    out.push_back(array + "]");
  }
  return out;
}

void Server::look_for_cancellations(std::span<const rpc::Line> lines) {
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
Result<void> Server::commit() {
  auto done = context_.recorder.commit();
  const auto settle = [&](std::vector<Answer>& answers) {
    for (Answer& answer : answers) {
      if (answer.awaits_commit && !done)
        answer.line = rpc::result_line(
            answer.id, result_json(CallResult::failure("not recorded: " + done.error().what + "; try again")));
      answer.awaits_commit = false;
    }
  };
  for (Reply& reply : *group_) settle(reply.answers);
  if (current_ != nullptr) settle(*current_);
  if (!done) return std::move(done).error();
  return {};
}

Server::Reply Server::reply_to(const rpc::Line& line) {
  if (line.dropped > 0)
    return {
        {error("null", rpc::kInvalidRequest,
               "line is " + std::to_string(line.dropped) + " bytes, limit is " + std::to_string(rpc::kMaxLineBytes))}};
  auto parsed = parse_json(line.text);
  if (!parsed) return {{error("null", rpc::kParseError, "parse error: " + parsed.error().what)}};
  if (parsed->is_array()) return reply_to_batch(std::move(*parsed));
  auto one = answer(std::move(*parsed), /*in_batch=*/false);
  if (!one) return {};
  return {{std::move(*one)}};
}

Server::Reply Server::reply_to_batch(Json&& messages) {
  if (!revision_ || !has_batches(*revision_))
    return {{error("null", rpc::kInvalidRequest,
                   revision_ ? "this revision has no batches: send one message a line" : "send initialize first")}};
  if (messages.empty()) return {{error("null", rpc::kInvalidRequest, "the batch is empty")}};
  Reply reply;
  reply.batch = true;
  current_ = &reply.answers;
  for (Json& message : messages)
    if (auto one = answer(std::move(message), /*in_batch=*/true)) reply.answers.push_back(std::move(*one));
  current_ = nullptr;
  return reply;
}

std::optional<Server::Answer> Server::answer(Json&& value, bool in_batch) {
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
    return error(id, rpc::kInternalError, "internal error");
  }
  if (const auto* malformed = std::get_if<rpc::Malformed>(&message))
    return error(malformed->id, rpc::kInvalidRequest, "invalid request: " + malformed->why);
  // Notifications are never answered, known or not, and none needs anything done; and we ask nothing that could be
  // answered.
  return std::nullopt;
}

Server::Answer Server::dispatch(rpc::Request&& request, bool in_batch) {
  struct Method {
    std::string_view name;
    Answer (Server::*run)(const rpc::Request&);
  };
  static constexpr Method kMethods[] = {
      {"tools/list", &Server::list_tools},
      {"resources/list", &Server::list_resources},
      {"resources/templates/list", &Server::list_templates},
      {"resources/read", &Server::read_resource},
      {"prompts/list", &Server::list_prompts},
      {"prompts/get", &Server::get_prompt},
  };
  if (request.method == "ping") return {rpc::result_line(request.id, "{}"), request.id};
  if (request.method == "initialize") {
    if (in_batch) return error(request.id, rpc::kInvalidRequest, "initialize must not be part of a batch");
    return initialize(request);
  }
  const bool calls = request.method == "tools/call";
  const Method* method = nullptr;
  for (const Method& known : kMethods)
    if (known.name == request.method) method = &known;
  if (method == nullptr && !calls) return error(request.id, rpc::kMethodNotFound, "method not found");
  if (!revision_) return error(request.id, rpc::kInvalidRequest, "not initialized: send initialize first");
  if (calls) return call_tool(std::move(request));
  return (this->*method->run)(request);
}

Server::Answer Server::initialize(const rpc::Request& request) {
  if (revision_) return error(request.id, rpc::kInvalidRequest, "already initialized");
  const std::string wanted = text_of(request.params, "protocolVersion");
  if (wanted.empty()) return error(request.id, rpc::kInvalidParams, "protocolVersion must be a string");
  revision_ = find_revision(wanted).value_or(kNewest);
  tools_json_ = render_tools();

  Json info{{"name", kServerName}, {"version", version_}};
  if (has_structured_content(*revision_)) info["title"] = kServerTitle;
  const Json result{
      {"protocolVersion", name(*revision_)},
      {"capabilities", {{"tools", Json::object()}, {"resources", Json::object()}, {"prompts", Json::object()}}},
      {"serverInfo", std::move(info)},
      {"instructions", catalog_.instructions}};
  return {rpc::result_line(request.id, dump_json(result)), request.id};
}

// Every list is one page: real clients read only the first.
std::optional<Server::Answer> Server::refuse_cursor(const rpc::Request& request) const {
  if (!request.params.contains("cursor") || request.params["cursor"].is_null()) return std::nullopt;
  return error(request.id, rpc::kInvalidParams, "cursor: there is only one page");
}

std::string Server::render_tools() const {
  Json tools = Json::array();
  for (const Tool& tool : catalog_.tools) {
    Json row{{"name", tool.name},
             {"description", tool.doc},
             {"inputSchema", schema::json_schema(tool.input, schema::Edge::call)}};
    if (has_annotations(*revision_))
      row["annotations"] = {{"title", tool.title},
                            {"readOnlyHint", tool.read_only},
                            {"destructiveHint", false},
                            {"idempotentHint", tool.read_only},
                            {"openWorldHint", false}};
    if (has_structured_content(*revision_)) {
      row["title"] = tool.title;
      row["outputSchema"] = schema::json_schema(tool.output, schema::Edge::call, /*open=*/true);
    }
    tools.push_back(std::move(row));
  }
  return dump_json({{"tools", std::move(tools)}});
}

Server::Answer Server::list_tools(const rpc::Request& request) {
  if (auto refused = refuse_cursor(request)) return *refused;
  return {rpc::result_line(request.id, tools_json_), request.id};
}

Server::Answer Server::call_tool(rpc::Request&& request) {
  const auto name = request.params.find("name");
  if (name == request.params.end() || !name->is_string())
    return error(request.id, rpc::kInvalidParams, "name must be a string");
  const auto found = tools_.find(name->get_ref<const std::string&>());
  if (found == tools_.end()) return error(request.id, rpc::kInvalidParams, "unknown tool: see tools/list");
  const Tool& tool = *found->second;

  static const Json kNone = Json::object();
  const auto given = request.params.find("arguments");
  // What a recorder is given is its check's to judge, and kept verbatim.
  if (given != request.params.end() && !tool.records) drop_nulls(*given);
  const Json& arguments = given == request.params.end() || given->is_null() ? kNone : *given;
  if (!arguments.is_object()) return error(request.id, rpc::kInvalidParams, "arguments must be an object");

  CallResult result;
  if (tool.records) {
    result = tool.run(context_, arguments);
  } else {
    const schema::Checked checked = schema::check(tool.input, arguments, schema::Edge::call, context_.clock.now());
    if (!checked.ok()) {
      result = CallResult::failure(std::string(tool.name) + ": " + schema::to_text(checked.violations));
    } else {
      // A failed commit is the earlier answers' to tell; this question is answered from what is there.
      (void)commit();
      result = tool.run(context_, arguments);
    }
  }
  return {rpc::result_line(request.id, result_json(result)), request.id,
          !result.error && context_.recorder.has_staged()};
}

std::string Server::result_json(const CallResult& result) const {
  std::string json = R"({"content":[{"type":"text","text":)";
  append_json_string(json, result.text);
  json += "}]";
  if (!result.structured.empty() && has_structured_content(*revision_))
    json += ",\"structuredContent\":" + result.structured;
  json += result.error ? R"(,"isError":true})" : R"(,"isError":false})";
  return json;
}

namespace {

constexpr std::string_view kOrganization = "{organization_id}";

std::string uri_of(const Resource& resource, std::string_view organization) {
  std::string uri = resource.uri;
  if (const auto at = uri.find(kOrganization); at != uri.npos) uri.replace(at, kOrganization.size(), organization);
  return uri;
}

Json describe(const Resource& resource, bool titles) {
  Json row{{"name", resource.name}, {"description", resource.doc}, {"mimeType", "application/json"}};
  if (titles) row["title"] = resource.title;
  return row;
}

}  // namespace

Server::Answer Server::list_resources(const rpc::Request& request) {
  if (auto refused = refuse_cursor(request)) return *refused;
  Json rows = Json::array();
  for (const Resource& resource : catalog_.resources) {
    rows.push_back(describe(resource, has_structured_content(*revision_)));
    rows.back()["uri"] = uri_of(resource, context_.organization);
  }
  return {rpc::result_line(request.id, dump_json({{"resources", std::move(rows)}})), request.id};
}

Server::Answer Server::list_templates(const rpc::Request& request) {
  if (auto refused = refuse_cursor(request)) return *refused;
  Json rows = Json::array();
  for (const Resource& resource : catalog_.resources) {
    if (resource.uri.find(kOrganization) == resource.uri.npos) continue;
    rows.push_back(describe(resource, has_structured_content(*revision_)));
    rows.back()["uriTemplate"] = resource.uri;
  }
  return {rpc::result_line(request.id, dump_json({{"resourceTemplates", std::move(rows)}})), request.id};
}

Server::Answer Server::read_resource(const rpc::Request& request) {
  const std::string uri = text_of(request.params, "uri");
  if (uri.empty()) return error(request.id, rpc::kInvalidParams, "uri must be a string");
  for (const Resource& resource : catalog_.resources) {
    if (uri_of(resource, context_.organization) != uri) continue;
    (void)commit();
    const auto value = resource.read(context_);
    if (!value) return error(request.id, rpc::kInternalError, "cannot read: " + value.error().what);
    const Json result{
        {"contents", Json::array({{{"uri", uri}, {"mimeType", "application/json"}, {"text", dump_json(*value)}}})}};
    return {rpc::result_line(request.id, dump_json(result)), request.id};
  }
  return error(request.id, rpc::kResourceNotFound, "resource not found", dump_json({{"uri", uri}}));
}

Server::Answer Server::list_prompts(const rpc::Request& request) {
  if (auto refused = refuse_cursor(request)) return *refused;
  Json rows = Json::array();
  for (const Prompt& prompt : catalog_.prompts) {
    Json arguments = Json::array();
    for (const schema::Field& field : prompt.arguments)
      arguments.push_back(
          {{"name", field.name}, {"description", field.doc}, {"required", field.need == schema::Need::required}});
    Json row{{"name", prompt.name}, {"description", prompt.doc}, {"arguments", std::move(arguments)}};
    if (has_structured_content(*revision_)) row["title"] = prompt.title;
    rows.push_back(std::move(row));
  }
  return {rpc::result_line(request.id, dump_json({{"prompts", std::move(rows)}})), request.id};
}

Server::Answer Server::get_prompt(const rpc::Request& request) {
  const std::string wanted = text_of(request.params, "name");
  for (const Prompt& prompt : catalog_.prompts) {
    if (prompt.name != wanted) continue;
    Json arguments = request.params.value("arguments", Json::object());
    drop_nulls(arguments);
    if (arguments.is_null()) arguments = Json::object();
    const schema::Checked checked =
        schema::check(prompt.arguments, arguments, schema::Edge::call, context_.clock.now());
    if (!checked.ok()) return error(request.id, rpc::kInvalidParams, schema::to_text(checked.violations));
    (void)commit();
    const auto text = prompt.write(context_, arguments);
    if (!text)
      return error(request.id, text.error().code == Errc::invalid ? rpc::kInvalidParams : rpc::kInternalError,
                   text.error().what);
    const Json result{
        {"description", prompt.doc},
        {"messages", Json::array({{{"role", "user"}, {"content", {{"type", "text"}, {"text", *text}}}}})}};
    return {rpc::result_line(request.id, dump_json(result)), request.id};
  }
  return error(request.id, rpc::kInvalidParams, "unknown prompt: see prompts/list");
}

Server::Answer Server::error(std::string_view id, int code, std::string_view message, std::string_view data) const {
  if (id == "null" && revision_ && may_omit_error_id(*revision_)) {
    std::string line = rpc::error_line("null", code, message, data);
    const std::string_view no_id = R"("id":null,)";
    line.erase(line.find(no_id), no_id.size());
    return {line, "null"};
  }
  return {rpc::error_line(id, code, message, data), std::string(id)};
}

}  // namespace fortium::mcp
