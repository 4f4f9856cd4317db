#include "message.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fortium/mcp/revision.h"
#include "fortium/rpc/message.h"

namespace fortium::service {

namespace {

constexpr const char* kVersion = "io.modelcontextprotocol/protocolVersion";
constexpr const char* kCapabilities = "io.modelcontextprotocol/clientCapabilities";

const Json* member(const Json* object, const char* name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto at = object->find(name);
  return at != object->end() ? &*at : nullptr;
}

std::string text_at(const Json* object, const char* name) {
  const Json* at = member(object, name);
  return at != nullptr && at->is_string() ? at->get<std::string>() : std::string();
}

bool asks(const Json& message) { return member(&message, "method") != nullptr && member(&message, "id") != nullptr; }

// The method's argument that the header Mcp-Name repeats.
const char* named_by(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  return method == "resources/read" ? "uri" : nullptr;
}

int value_of(char c) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = kDigits.find(c);
  return at == kDigits.npos ? -1 : static_cast<int>(at);
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  unsigned bits = 0, have = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>(bits >> have & 0xFF);
  }
  return out;
}

// What is no plain text in a header comes as "=?base64?…?=".
std::optional<std::string> decoded(std::string_view header) {
  constexpr std::string_view kBegin = "=?base64?", kEnd = "?=";
  if (!header.starts_with(kBegin) || !header.ends_with(kEnd) || header.size() < kBegin.size() + kEnd.size())
    return std::string(header);
  return from_base64(header.substr(kBegin.size(), header.size() - kBegin.size() - kEnd.size()));
}

bool is_space(char c) { return c == ' ' || c == '\t'; }

}  // namespace

Posted look_at(const Json& body) {
  Posted posted{.id = "null"};
  if (body.is_array()) {
    posted.batch = true;
    posted.messages = body.size();
    // A batch that is empty or holds what is no message is answered too.
    posted.asks = body.empty() || std::ranges::any_of(body, [](const Json& message) {
                    return asks(message) || (text_at(&message, "method").empty() && !member(&message, "result") &&
                                             !member(&message, "error"));
                  });
    return posted;
  }
  posted.method = text_at(&body, "method");
  posted.asks = asks(body) || (posted.method.empty() && !member(&body, "result") && !member(&body, "error"));
  if (const Json* id = member(&body, "id"); id != nullptr && (id->is_string() || id->is_number_integer()))
    posted.id = dump_json(*id);
  const Json* params = member(&body, "params");
  if (const char* name = named_by(posted.method)) posted.name = text_at(params, name);
  const Json* meta = member(params, "_meta");
  posted.progress = member(meta, "progressToken") != nullptr;
  posted.alone = member(meta, kVersion) != nullptr || member(meta, kCapabilities) != nullptr;
  posted.revision = text_at(meta, kVersion);
  const Json* capabilities = member(meta, kCapabilities);
  posted.whole_meta = !posted.revision.empty() && capabilities != nullptr && capabilities->is_object();
  return posted;
}

std::optional<Response> refuse_mismatch(const Request& request, const Posted& posted) {
  const auto mismatch = [&posted](std::string_view header, std::string_view must) {
    return rpc_error(400, posted.id, rpc::kHeaderMismatch, std::string(header) + " " + std::string(must));
  };
  const std::string_view version = request.header("MCP-Protocol-Version");
  if (posted.revision.empty()) return std::nullopt;  // the protocol says what is missing
  if (version.empty()) return mismatch("MCP-Protocol-Version", "must be there");
  if (version != posted.revision) return mismatch("MCP-Protocol-Version", "must be what the body says");
  if (version != mcp::name(mcp::Revision::v2026_07_28)) return std::nullopt;  // likewise
  if (request.header("Mcp-Method") != posted.method) return mismatch("Mcp-Method", "must be what the body says");
  if (named_by(posted.method) == nullptr || posted.name.empty()) return std::nullopt;
  const auto name = decoded(request.header("Mcp-Name"));
  if (!name || *name != posted.name) return mismatch("Mcp-Name", "must be what the body says");
  return std::nullopt;
}

Response rpc_error(int status, std::string_view id, int code, std::string_view message) {
  std::string line = rpc::error_line(id, code, message);
  constexpr std::string_view kNoId = R"("id":null,)";
  if (id == "null") line.erase(line.find(kNoId), kNoId.size());
  return {.status = status, .body = std::move(line)};
}

std::optional<int> error_code(std::string_view line) {
  if (line.find(R"("error":{"code":-)") == line.npos) return std::nullopt;
  const auto json = parse_json(line);
  if (!json) return std::nullopt;
  const Json* code = member(member(&*json, "error"), "code");
  return code != nullptr && code->is_number_integer() ? std::optional(code->get<int>()) : std::nullopt;
}

bool accepts(const Request& request, std::string_view type) {
  std::string_view header = request.header("Accept");
  if (header.empty()) return type == "application/json";
  const std::string any = std::string(type.substr(0, type.find('/'))) + "/*";
  while (!header.empty()) {
    std::string_view one = header.substr(0, header.find(','));
    header.remove_prefix(std::min(header.size(), one.size() + 1));
    one = one.substr(0, one.find(';'));
    while (!one.empty() && is_space(one.front())) one.remove_prefix(1);
    while (!one.empty() && is_space(one.back())) one.remove_suffix(1);
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
    if (one == "*/*" || std::ranges::equal(one, type, same) || one == any) return true;
  }
  return false;
}

}  // namespace fortium::service
