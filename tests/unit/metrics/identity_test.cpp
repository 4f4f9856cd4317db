#include "fortium/metrics/identity.h"

#include <doctest/doctest.h>

#include "fortium/base/entropy.h"

using fortium::metrics::derived_id;

TEST_CASE("the same thing has the same id, on every way in and for ever") {
  // SHA-256 of "fortium-metrics\ntool_usage\ntoolu_1", its first 16 bytes, as version 8.
  CHECK(derived_id("tool_usage", "toolu_1") == "9ad08570-9040-8575-81dd-274759af815a");
  CHECK(derived_id("tool_usage", "toolu_1") != derived_id("tool_usage", "toolu_2"));
  CHECK(derived_id("tool_usage", "toolu_1") != derived_id("command_execution", "toolu_1"));
}

TEST_CASE("it is a UUID of version 8, whatever the name") {
  for (const char* key : {"", "a", "ünï", "a/b\n"}) {
    const std::string id = derived_id("user_session", key);
    CHECK(fortium::is_uuid(id));
    CHECK(id[14] == '8');
    CHECK((id[19] == '8' || id[19] == '9' || id[19] == 'a' || id[19] == 'b'));
  }
}

TEST_CASE("an id says whether it may be derived") {
  CHECK(fortium::metrics::is_derived(derived_id("tool_usage", "toolu_1")));
  CHECK_FALSE(fortium::metrics::is_derived("0197a000-0000-7000-8000-00000000abcd"));
  CHECK_FALSE(fortium::metrics::is_derived("build-17-of-8"));
  CHECK_FALSE(fortium::metrics::is_derived(""));
}

TEST_CASE("a model request is the API's request id, else the pair of its message and request") {
  using fortium::metrics::request_key;
  CHECK(request_key("req_1", "msg_1") == request_key("req_1", ""));
  CHECK(request_key("req_1", "msg_1") != request_key("req_2", "msg_1"));
  CHECK(request_key("", "msg_1") != request_key("", "msg_2"));
  CHECK(request_key("1", "msg_1") != request_key("1", "msg_2"));
  CHECK(request_key("req_", "msg_1") != request_key("req_", "msg_2"));
}
