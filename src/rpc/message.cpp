#include "fortium/rpc/message.h"

namespace fortium::rpc {

namespace {

constexpr std::string_view kNoId = "null";

bool is_id(const Json& value) { return value.is_string() || value.is_number_integer(); }

IdText text_of(const Json& id) {
  if (id.is_string()) return json_string(id.get_ref<const std::string&>());
  return id.is_number_unsigned() ? std::to_string(id.get<std::uint64_t>()) : std::to_string(id.get<std::int64_t>());
}

}  // namespace

Message read_message(Json&& value) {
  if (!value.is_object()) return Malformed{std::string(kNoId), "a message is a JSON object"};
  auto& members = value.get_ref<Json::object_t&>();
  const auto find = [&members](const char* name) -> Json* {
    const auto at = members.find(name);
    return at != members.end() ? &at->second : nullptr;
  };
  Json* const id = find("id");
  const bool usable_id = id != nullptr && is_id(*id);
  const IdText id_text = usable_id ? text_of(*id) : std::string(kNoId);

  const Json* const version = find("jsonrpc");
  if (version == nullptr || !version->is_string() || *version != "2.0")
    return Malformed{id_text, "jsonrpc must be \"2.0\""};
  Json* const method = find("method");
  if (method == nullptr) {
    Json* const result = find("result");
    if (id != nullptr && (result != nullptr || find("error") != nullptr))
      return Response{id_text, result != nullptr ? std::move(*result) : Json()};
    return Malformed{id_text, "method is missing"};
  }
  if (!method->is_string()) return Malformed{id_text, "method must be a string"};
  Json* const params = find("params");
  if (params != nullptr && !params->is_object()) {
    if (id == nullptr) return Notification{std::move(method->get_ref<std::string&>()), Json::object()};
    return Malformed{id_text, "params must be an object"};
  }
  Json arguments = params != nullptr ? std::move(*params) : Json::object();
  if (id == nullptr) return Notification{std::move(method->get_ref<std::string&>()), std::move(arguments)};
  if (!usable_id) return Malformed{id_text, "id must be a string or a whole number"};
  return Request{id_text, std::move(method->get_ref<std::string&>()), std::move(arguments)};
}

std::string result_line(std::string_view id, std::string_view result_json) {
  std::string line;
  line.reserve(id.size() + result_json.size() + 40);
  line += R"({"jsonrpc":"2.0","id":)";
  line += id;
  line += R"(,"result":)";
  line += result_json;
  line += '}';
  return line;
}

std::string request_line(std::string_view id, std::string_view method) {
  return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":)" + json_string(method) + "}";
}

std::string notification_line(std::string_view method, std::string_view params_json) {
  return R"({"jsonrpc":"2.0","method":)" + json_string(method) + R"(,"params":)" + std::string(params_json) + "}";
}

std::string error_line(std::string_view id, int code, std::string_view message, std::string_view data_json) {
  std::string line = R"({"jsonrpc":"2.0","id":)";
  line += id;
  line += R"(,"error":{"code":)" + std::to_string(code) + R"(,"message":)";
  append_json_string(line, message);
  if (!data_json.empty()) {
    line += R"(,"data":)";
    line += data_json;
  }
  line += "}}";
  return line;
}

}  // namespace fortium::rpc
