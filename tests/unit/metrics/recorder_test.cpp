// The way in: checked, stamped, and acknowledged when it is stored.
#include "fortium/metrics/recorder.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "support/fakes.h"
#include "support/memory_store.h"

using namespace fortium;
using namespace fortium::metrics;
using namespace std::chrono_literals;

namespace {

struct Desk {
  test::FakeClock clock;
  test::CountingEntropy entropy;
  test::MemoryRecords records;
  test::MemoryStore store{records};
  Recorder recorder{store, clock, entropy, {"mcp", "session-1", "alice", "shop"}};

  // The id, or what is wrong.
  std::string stage(const char* json, schema::Edge edge = schema::Edge::call) {
    auto staged = recorder.stage(*find_kind("tool_usage"), *parse_json(json), edge);
    if (auto* violations = std::get_if<Violations>(&staged)) return to_text(*violations);
    return std::get<std::string>(staged);
  }
  const Event& kept(const std::string& id) { return records.events.at({index_of(*find_kind("tool_usage")), id}); }
};

constexpr const char* kCall = R"({"tool_name":"Edit","execution_time_ms":1,"status":"success"})";

}  // namespace

TEST_CASE("what its caller does not say is stamped on") {
  Desk it;
  const std::string id = it.stage(kCall);
  CHECK(is_uuid(id));
  CHECK(it.records.events.empty());  // staged is not stored
  REQUIRE(it.recorder.commit().ok());
  const Event& event = it.kept(id);
  CHECK(event.timestamp() == it.clock.now());
  CHECK(event.integer(kRecordedAt) == to_ms(it.clock.now()));
  CHECK(event.text(kSource) == "mcp");
  CHECK(event.text(kSessionId) == "session-1");
  CHECK(event.text(kUserId) == "alice");
  CHECK(event.text(kProject) == "shop");
}

TEST_CASE("what its caller says counts") {
  Desk it;
  const std::string id = it.stage(
      R"({"tool_name":"Edit","execution_time_ms":1,"status":"success","session_id":"s2","user_id":"bob","project_id":"p",
          "timestamp":"2026-01-01T00:00:00Z"})");
  REQUIRE(it.recorder.commit().ok());
  const Event& event = it.kept(id);
  CHECK(to_rfc3339(event.timestamp()) == "2026-01-01T00:00:00.000Z");
  CHECK(event.integer(kRecordedAt) == to_ms(it.clock.now()));
  CHECK(event.text(kSessionId) == "s2");
  CHECK(event.text(kUserId) == "bob");
  CHECK(event.text(kProject) == "p");
}

TEST_CASE("a complete record keeps its id, source and device") {
  Desk it;
  CHECK(
      it.stage(
          R"({"id":"x","device_id":"d","source":"import","recorded_at":"2026-01-01T00:00:00Z","tool_name":"Edit","status":"success"})",
          schema::Edge::record) == "x");
  REQUIRE(it.recorder.commit().ok());
  CHECK(it.kept("x").text(kSource) == "import");
  CHECK(it.kept("x").text(kDeviceId) == "d");
  CHECK(to_rfc3339(from_ms(it.kept("x").integer(kRecordedAt))) == "2026-01-01T00:00:00.000Z");
}

TEST_CASE("a violation stages nothing") {
  Desk it;
  CHECK(it.stage("{}").find("is required") != std::string::npos);
  CHECK_FALSE(it.recorder.has_staged());
  const auto stored = it.recorder.commit();
  REQUIRE(stored.ok());
  CHECK(stored->empty());
}

TEST_CASE("all that was staged is stored together, in order, once") {
  Desk it;
  const std::string a = it.stage(kCall), b = it.stage(kCall);
  CHECK(a != b);
  CHECK(it.recorder.has_staged());
  const auto stored = it.recorder.commit();
  REQUIRE(stored.ok());
  CHECK(*stored == std::vector{Stored::fresh, Stored::fresh});
  CHECK_FALSE(it.recorder.has_staged());
  CHECK(it.kept(a).integer(kSeq) == 1);
  CHECK(it.kept(b).integer(kSeq) == 2);
  CHECK(it.recorder.commit()->empty());
  CHECK(it.records.events.size() == 2);
}

TEST_CASE("what could not be stored is not stored later by accident") {
  Desk it;
  it.stage(kCall);
  it.store.failure = Error{Errc::full, "full"};
  const auto failed = it.recorder.commit();
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code == Errc::full);
  CHECK_FALSE(it.recorder.has_staged());
  it.store.failure.reset();
  const std::string id = it.stage(kCall);
  REQUIRE(it.recorder.commit().ok());
  CHECK(it.records.events.size() == 1);
  CHECK(it.kept(id).integer(kSeq) == 1);
}

TEST_CASE("switched off, it checks and answers as always, and keeps nothing") {
  Desk it;
  Recorder off(it.store, it.clock, it.entropy, {"mcp", "s", "", ""}, /*disabled=*/true);
  const auto staged = off.stage(*find_kind("tool_usage"), *parse_json(kCall));
  CHECK(std::holds_alternative<std::string>(staged));
  CHECK(std::holds_alternative<Violations>(off.stage(*find_kind("tool_usage"), Json::object())));
  CHECK_FALSE(off.has_staged());
  REQUIRE(off.commit().ok());
  CHECK(it.records.events.empty());
}

TEST_CASE("an empty stamp leaves absent what is absent") {
  Desk it;
  Recorder plain(it.store, it.clock, it.entropy, {"cli", "", "", ""});
  const auto staged = plain.stage(*find_kind("tool_usage"), *parse_json(kCall));
  REQUIRE(plain.commit().ok());
  const Event& event = it.kept(std::get<std::string>(staged));
  CHECK_FALSE(event.has(kSessionId));
  CHECK_FALSE(event.has(kUserId));
  CHECK_FALSE(event.has(kProject));
  CHECK_FALSE(event.has(kSeq));
}
