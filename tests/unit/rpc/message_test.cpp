// The words of JSON-RPC. What a server makes of them is told by the transcripts.
#include "fortium/rpc/message.h"

#include <doctest/doctest.h>

using namespace fortium;
using namespace fortium::rpc;

namespace {

Message read(const char* text) {
  auto json = parse_json(text);
  REQUIRE(json.ok());
  return read_message(std::move(*json));
}

}  // namespace

TEST_CASE("a message is what its members make it") {
  CHECK(std::holds_alternative<Request>(read(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")));
  CHECK(std::holds_alternative<Notification>(read(R"({"jsonrpc":"2.0","method":"ping"})")));
  CHECK(std::holds_alternative<Response>(read(R"({"jsonrpc":"2.0","id":1,"result":null})")));
  CHECK(std::holds_alternative<Response>(read(R"({"jsonrpc":"2.0","id":null,"error":{}})")));
  CHECK(std::holds_alternative<Malformed>(read(R"({"jsonrpc":"2.0","id":1})")));
  CHECK(std::holds_alternative<Malformed>(read("[]")));
  // A member that makes no sense beside the others does not change what it is.
  CHECK(std::holds_alternative<Request>(read(R"({"jsonrpc":"2.0","id":1,"method":"ping","result":{}})")));
}

TEST_CASE("absent parameters are an empty object") {
  CHECK(std::get<Request>(read(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")).params == Json::object());
  CHECK(std::get<Notification>(read(R"({"jsonrpc":"2.0","method":"x","params":[1]})")).params == Json::object());
  const Message given = read(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1}})");
  CHECK(std::get<Request>(given).params["a"] == 1);
}

TEST_CASE("an id is kept as its JSON text") {
  CHECK(std::get<Request>(read(R"({"jsonrpc":"2.0","id":7,"method":"x"})")).id == "7");
  CHECK(std::get<Request>(read(R"({"jsonrpc":"2.0","id":"7","method":"x"})")).id == "\"7\"");
  CHECK(std::get<Malformed>(read(R"({"jsonrpc":"2.0","id":"a\"b"})")).id == R"("a\"b")");
  CHECK(std::get<Malformed>(read(R"({"jsonrpc":"2.0","id":1.5,"method":"x"})")).id == "null");
}

TEST_CASE("answers are written to the byte") {
  CHECK(result_line("1", "{}") == R"({"jsonrpc":"2.0","id":1,"result":{}})");
  CHECK(error_line("\"a\"", kInvalidParams, "no \"such\"\n") ==
        R"({"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"no \"such\"\n"}})");
  CHECK(error_line("null", kResourceNotFound, "x", R"({"uri":"u"})") ==
        R"({"jsonrpc":"2.0","id":null,"error":{"code":-32002,"message":"x","data":{"uri":"u"}}})");
}
