// JSON-RPC 2.0 messages, and the codes of its errors. Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "fortium/base/json.h"

namespace fortium::rpc {

enum Code : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kResourceNotFound = -32002,     // MCP, before 2026-07-28
  kHeaderMismatch = -32020,       // MCP, from 2026-07-28 on
  kUnsupportedRevision = -32022,  // likewise
};

// An id's JSON text, exactly as it is echoed: "7" (a number) or "\"7\"" (a string) differ.
using IdText = std::string;

struct Request {
  IdText id;
  std::string method;
  Json params;  // an object; {} if absent
};
struct Notification {
  std::string method;
  Json params;
};
// An answer to a request of ours.
struct Response {
  IdText id;
  Json result;  // null: the peer answered with an error
};
// Not a message; to be answered with kInvalidRequest.
struct Malformed {
  IdText id;  // "null" where none could be read
  std::string why;
};
using Message = std::variant<Request, Notification, Response, Malformed>;

// Reads one message. The value is consumed.
Message read_message(Json&& value);

std::string result_line(std::string_view id, std::string_view result_json);
std::string request_line(std::string_view id, std::string_view method);
std::string notification_line(std::string_view method, std::string_view params_json);
std::string error_line(std::string_view id, int code, std::string_view message, std::string_view data_json = "");

}  // namespace fortium::rpc
