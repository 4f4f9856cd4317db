// The table of methods: in which revisions each is, and what it does. And how a request finds its revision.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "address.h"
#include "connection.h"
#include "fortium/schema/check.h"
#include "identity.h"
#include "params.h"

namespace fortium::mcp {

namespace {

constexpr std::string_view kMeta = "io.modelcontextprotocol/";
constexpr const char* kProtocolVersion = "io.modelcontextprotocol/protocolVersion";
constexpr const char* kClientCapabilities = "io.modelcontextprotocol/clientCapabilities";
constexpr const char* kClientInfo = "io.modelcontextprotocol/clientInfo";
constexpr const char* kLogLevel = "io.modelcontextprotocol/logLevel";

// What a client may keep of lists that change only when another version is installed: five minutes.
constexpr std::string_view kForEverybody = R"(,"ttlMs":300000,"cacheScope":"public")";
constexpr std::string_view kForThisClient = R"(,"ttlMs":300000,"cacheScope":"private")";
constexpr std::string_view kStale = R"(,"ttlMs":0,"cacheScope":"private")";

// The members of an object, as text without braces.
std::string members_of(const Json& object) {
  const std::string text = dump_json(object);
  return text.substr(1, text.size() - 2);
}

}  // namespace

// In the order of how often they are called.
const Connection::Method Connection::kMethods[] = {
    {"tools/call", &Connection::call_tool},
    {"ping", &Connection::ping, kOldest, kLastSession, /*before_initialize=*/true},
    {"tools/list", &Connection::list<List::tools>},
    {"resources/list", &Connection::list<List::resources>},
    {"resources/templates/list", &Connection::list<List::templates>},
    {"resources/read", &Connection::read_resource},
    {"resources/subscribe", &Connection::subscribe, kOldest, kLastSession},
    {"resources/unsubscribe", &Connection::unsubscribe, kOldest, kLastSession},
    {"prompts/list", &Connection::list<List::prompts>},
    {"prompts/get", &Connection::get_prompt},
    {"completion/complete", &Connection::complete},
    {"logging/setLevel", &Connection::set_level, kOldest, kLastSession},
    {"initialize", &Connection::initialize, kOldest, kLastSession, /*before_initialize=*/true},
    {"server/discover", &Connection::discover, Revision::v2026_07_28, kNewest},
    {"subscriptions/listen", &Connection::listen, Revision::v2026_07_28, kNewest},
};

const Connection::Method* Connection::find_method(std::string_view name) {
  for (const Method& method : kMethods)
    if (method.name == name) return &method;
  return nullptr;
}

// A request that names its revision is served by it; any other by the one that `initialize` agreed on.
std::optional<Connection::Answer> Connection::dispatch(rpc::Request&& request, bool in_batch) {
  const Json* meta = member(request.params, "_meta");
  const bool alone = meta != nullptr && (member(*meta, kProtocolVersion) || member(*meta, kClientCapabilities));
  const Method* method = find_method(request.method);
  Call call{request, session_.value_or(kOldest), std::nullopt};
  if (alone) {
    if (in_batch) return error(request.id, rpc::kInvalidRequest, "2026-07-28 has no batches: send one message a line");
    if (auto refused = judge_meta(request, *meta)) return refused;
    call.revision = Revision::v2026_07_28;
    stateless_ = true;
    if (const Json* level = member(*meta, kLogLevel)) call.log_least = find_severity(level->get<std::string>());
  } else if (session_) {
    call.log_least = session_log_;
  }
  const bool known =
      method != nullptr && (session_ || alone ? method->is_in(call.revision) : method->first < Revision::v2026_07_28);
  if (!known) return error(request.id, rpc::kMethodNotFound, "method not found");
  if (!alone && !session_ && !method->before_initialize)
    return error(request.id, rpc::kInvalidParams,
                 "not initialized: send initialize first, or name a revision in params._meta");
  if (in_batch && request.method == "initialize")
    return error(request.id, rpc::kInvalidRequest, "initialize must not be part of a batch");
  if (meta != nullptr)
    if (const Json* token = member(*meta, "progressToken"); token && (token->is_string() || token->is_number_integer()))
      call.progress_token = token;
  call_ = &call;
  std::optional<Answer> answer = (this->*method->run)(call);
  call_ = nullptr;
  if (call.cancelled) return std::nullopt;
  return answer;
}

// What 2026-07-28 demands of every request.
std::optional<Connection::Answer> Connection::judge_meta(const rpc::Request& request, const Json& meta) const {
  const auto wrong = [&](const char* key, std::string_view must) {
    return error(request.id, rpc::kInvalidParams, "_meta[" + std::string(key) + "] " + std::string(must));
  };
  const Json* version = member(meta, kProtocolVersion);
  if (version == nullptr || !version->is_string()) return wrong(kProtocolVersion, "must be a string");
  if (*version != name(Revision::v2026_07_28))
    return error(request.id, rpc::kUnsupportedRevision, "unsupported protocol version",
                 dump_json({{"supported", {name(Revision::v2026_07_28)}}, {"requested", *version}}));
  const Json* capabilities = member(meta, kClientCapabilities);
  if (capabilities == nullptr || !capabilities->is_object()) return wrong(kClientCapabilities, "must be an object");
  if (const Json* info = member(meta, kClientInfo))
    if (text_of(*info, "name").empty() || text_of(*info, "version").empty())
      return wrong(kClientInfo, "must be an object with name and version");
  if (const Json* level = member(meta, kLogLevel))
    if (!level->is_string() || !find_severity(level->get<std::string>()))
      return wrong(kLogLevel, "must be one of debug, info, notice, warning, error, critical, alert, emergency");
  return std::nullopt;
}

std::string Connection::result_text(Revision revision, std::string_view members, Cache cache) const {
  std::string text;
  text.reserve(members.size() + 256);
  text += '{';
  text += members;
  if (is_stateless(revision)) {
    if (cache == Cache::everybody) text += kForEverybody;
    if (cache == Cache::this_client) text += kForThisClient;
    if (cache == Cache::stale) text += kStale;
    if (!members.empty()) text += ',';
    text += R"("resultType":"complete","_meta":{)";
    text += server_info_meta_;
    text += '}';
  }
  text += '}';
  return text;
}

Connection::Answer Connection::result(const Call& call, std::string_view members, Cache cache) const {
  return {rpc::result_line(call.request.id, result_text(call.revision, members, cache)), call.request.id,
          call.revision};
}

Connection::Answer Connection::refuse(const Call& call, int code, std::string_view message,
                                      std::string_view data) const {
  return error(call.request.id, code, message, data);
}

std::optional<Connection::Answer> Connection::ping(Call& call) { return result(call, ""); }

std::optional<Connection::Answer> Connection::initialize(Call& call) {
  if (session_) return refuse(call, rpc::kInvalidRequest, "already initialized");
  const std::string wanted = text_of(call.request.params, "protocolVersion");
  if (wanted.empty()) return refuse(call, rpc::kInvalidParams, "protocolVersion must be a string");
  const auto revision = find_revision(wanted);
  session_ = revision && !is_stateless(*revision) ? *revision : kLastSession;
  call.revision = *session_;
  const Json* client = member(call.request.params, "capabilities");
  asks_roots_ = client != nullptr && member(*client, "roots") != nullptr && context_.recorder.stamp().project.empty();
  return result(call, members_of({{"protocolVersion", name(*session_)},
                                  {"capabilities", capabilities(*session_)},
                                  {"serverInfo", describe_server(*session_, version_)},
                                  {"instructions", catalog_.instructions}}));
}

std::optional<Connection::Answer> Connection::discover(Call& call) {
  Json out{{"supportedVersions", {name(Revision::v2026_07_28)}},
           {"capabilities", capabilities(call.revision)},
           {"instructions", catalog_.instructions},
           {"resultType", "complete"},
           {"ttlMs", 300'000},
           {"cacheScope", "public"},
           {"_meta", {{std::string(kMeta) + "serverInfo", describe_server(call.revision, version_)}}}};
  return Answer{rpc::result_line(call.request.id, dump_json(out)), call.request.id, call.revision};
}

std::optional<Connection::Answer> Connection::set_level(Call& call) {
  const auto level = find_severity(text_of(call.request.params, "level"));
  if (!level)
    return refuse(call, rpc::kInvalidParams,
                  "level must be one of debug, info, notice, warning, error, critical, alert, emergency");
  session_log_ = *level;
  return result(call, "");
}

template <List list>
std::optional<Connection::Answer> Connection::list(Call& call) {
  const Json* cursor = member(call.request.params, "cursor");
  const bool given = cursor != nullptr && !cursor->is_null();
  // An empty cursor was never given out either.
  const std::string* page = given && (!cursor->is_string() || cursor->get_ref<const std::string&>().empty())
                                ? nullptr
                                : lists_.page(list, call.revision, given ? cursor->get<std::string>() : std::string());
  if (page == nullptr) return refuse(call, rpc::kInvalidParams, "cursor: must be one that was given out");
  return result(call, *page, list == List::resources ? Cache::this_client : Cache::everybody);
}

Connection::Answer Connection::not_found(const Call& call, std::string_view uri) const {
  return refuse(call, has_not_found_code(call.revision) ? rpc::kResourceNotFound : rpc::kInvalidParams,
                "resource not found", dump_json({{"uri", uri}}));
}

std::optional<Connection::Answer> Connection::read_resource(Call& call) {
  const std::string uri = text_of(call.request.params, "uri");
  if (uri.empty()) return refuse(call, rpc::kInvalidParams, "uri must be a string");
  const auto found = find_resource(catalog_, context_.organization, uri);
  if (!found) return not_found(call, uri);
  (void)commit();
  const auto value = found->resource->read(context_, found->value);
  if (!value && value.error().code == Errc::not_found) return not_found(call, uri);
  if (!value) return refuse(call, rpc::kInternalError, "cannot read: " + value.error().what);
  return result(
      call,
      members_of(
          {{"contents", Json::array({{{"uri", uri}, {"mimeType", "application/json"}, {"text", dump_json(*value)}}})}}),
      Cache::stale);
}

bool Connection::is_subscribable(std::string_view uri) const {
  return find_resource(catalog_, context_.organization, uri).has_value();
}

std::optional<Connection::Answer> Connection::subscribe(Call& call) {
  const std::string uri = text_of(call.request.params, "uri");
  if (uri.empty()) return refuse(call, rpc::kInvalidParams, "uri must be a string");
  if (!is_subscribable(uri)) return not_found(call, uri);
  watch();
  if (!subscriptions_.subscribe(uri))
    return refuse(call, rpc::kInvalidParams,
                  "too many subscriptions: at most " + std::to_string(kMostSubscribed) + " at a time");
  return result(call, "");
}

std::optional<Connection::Answer> Connection::unsubscribe(Call& call) {
  const std::string uri = text_of(call.request.params, "uri");
  if (uri.empty()) return refuse(call, rpc::kInvalidParams, "uri must be a string");
  subscriptions_.unsubscribe(uri);
  return result(call, "");
}

// The request stays open: it is answered when the server ends.
std::optional<Connection::Answer> Connection::listen(Call& call) {
  const Json* wanted = member(call.request.params, "notifications");
  if (wanted == nullptr || !wanted->is_object())
    return refuse(call, rpc::kInvalidParams, "notifications must be an object");
  std::vector<std::string> uris;
  if (const Json* list = member(*wanted, "resourceSubscriptions")) {
    if (!list->is_array()) return refuse(call, rpc::kInvalidParams, "resourceSubscriptions must be a list of URIs");
    for (const Json& uri : *list) {
      if (!uri.is_string()) return refuse(call, rpc::kInvalidParams, "resourceSubscriptions must be a list of URIs");
      const auto text = uri.get<std::string>();
      if (is_subscribable(text) && std::find(uris.begin(), uris.end(), text) == uris.end()) uris.push_back(text);
    }
  }
  watch();
  // Our lists never change, so nothing else is honored.
  if (!subscriptions_.listen(call.request.id, uris))
    return refuse(call, rpc::kInvalidParams,
                  "too many subscriptions: at most " + std::to_string(kMostListens) + " requests and " +
                      std::to_string(kMostSubscribed) + " resources at a time");
  say(Subscriptions::acknowledgement(call.request.id, uris));
  return std::nullopt;
}

std::optional<Connection::Answer> Connection::get_prompt(Call& call) {
  const std::string wanted = text_of(call.request.params, "name");
  for (const Prompt& prompt : catalog_.prompts) {
    if (prompt.name != wanted) continue;
    Json arguments = call.request.params.value("arguments", Json::object());
    drop_nulls(arguments);
    if (arguments.is_null()) arguments = Json::object();
    const schema::Checked checked =
        schema::check(prompt.arguments, arguments, schema::Edge::call, context_.clock.now());
    if (!checked.ok()) return refuse(call, rpc::kInvalidParams, schema::to_text(checked.violations));
    (void)commit();
    const auto text = prompt.write(context_, arguments);
    if (!text)
      return refuse(call, text.error().code == Errc::invalid ? rpc::kInvalidParams : rpc::kInternalError,
                    text.error().what);
    return result(
        call, members_of(
                  {{"description", prompt.doc},
                   {"messages", Json::array({{{"role", "user"}, {"content", {{"type", "text"}, {"text", *text}}}}})}}));
  }
  return refuse(call, rpc::kInvalidParams, "unknown prompt: see prompts/list");
}

std::optional<Connection::Answer> Connection::complete(Call& call) {
  const Json* ref = member(call.request.params, "ref");
  const Json* argument = member(call.request.params, "argument");
  const std::string type = ref != nullptr ? text_of(*ref, "type") : "";
  const std::string name = argument != nullptr ? text_of(*argument, "name") : "";
  const Json* typed = argument != nullptr ? member(*argument, "value") : nullptr;
  if (typed == nullptr || !typed->is_string())
    return refuse(call, rpc::kInvalidParams, "argument must have a name and a value, both strings");
  bool known = false;
  if (type == "ref/prompt") {
    const std::string wanted = text_of(*ref, "name");
    const auto prompt = std::ranges::find(catalog_.prompts, wanted, &Prompt::name);
    if (prompt == catalog_.prompts.end()) return refuse(call, rpc::kInvalidParams, "unknown prompt: see prompts/list");
    known = std::ranges::find(prompt->arguments, name, &schema::Field::name) != prompt->arguments.end();
  } else if (type == "ref/resource") {
    const auto resource = std::ranges::find(catalog_.resources, text_of(*ref, "uri"), &Resource::uri);
    if (resource == catalog_.resources.end() || variable_of(*resource).empty())
      return refuse(call, rpc::kInvalidParams, "unknown template: see resources/templates/list");
    known = variable_of(*resource) == name;
  } else {
    return refuse(call, rpc::kInvalidParams, "ref/type must be ref/prompt or ref/resource");
  }
  if (!known) return refuse(call, rpc::kInvalidParams, "there is no such argument");
  (void)commit();
  const auto values = completion_.complete(context_, name, typed->get_ref<const std::string&>());
  if (!values) return refuse(call, rpc::kInternalError, "cannot read: " + values.error().what);
  return result(call, members_of({{"completion", *values}}));
}

}  // namespace fortium::mcp
