// The table of kinds, as the interface fixes it.
#include "fortium/metrics/kind.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace fortium::metrics;

TEST_CASE("kinds have their documented order, keys, tools and paths") {
  std::string text;
  for (const Kind& kind : kinds())
    text += std::string(kind.name) + " " + std::string(kind.batch_key) + " " + std::string(kind.tool) + " " +
            std::string(kind.path) + "\n";
  CHECK(text ==
        "command_execution command_executions record-command-execution command-execution\n"
        "tool_usage tool_usages record-tool-usage tool-usage\n"
        "agent_interaction agent_interactions record-agent-interaction agent-interaction\n"
        "user_session user_sessions  session\n"
        "productivity_metric productivity_metrics record-productivity-metric productivity\n"
        "model_usage model_usages record-model-usage model-usage\n");
}

TEST_CASE("a kind is found by its name and by its key in a batch") {
  for (const Kind& kind : kinds()) {
    CHECK(find_kind(kind.name) == &kind);
    CHECK(find_kind(kind.batch_key) == &kind);
    CHECK(&kinds()[index_of(kind)] == &kind);
  }
  for (const char* name : {"", "tool", "tool-usage", "Tool_usage", "tool_usagess"}) CHECK(find_kind(name) == nullptr);
}

TEST_CASE("every kind begins with the envelope") {
  const char* kNames[] = {"id",  "timestamp", "recorded_at", "session_id", "user_id",     "team_id",    "device_id",
                          "seq", "source",    "project",     "prompt_id",  "tool_use_id", "request_id", "message_id"};
  for (const Kind& kind : kinds()) {
    REQUIRE(kind.shape.size() > kEnvelopeSize);
    for (std::size_t i = 0; i < kEnvelopeSize; ++i) CHECK(kind.shape[i].name == kNames[i]);
  }
}

TEST_CASE("every kind has its own name, table and key") {
  std::set<std::string_view> seen;
  for (const Kind& kind : kinds()) {
    CHECK(seen.insert(kind.name).second);
    CHECK(seen.insert(kind.batch_key).second);
    CHECK(kind.version >= 1);
    CHECK(kind.doc.ends_with('.'));
    CHECK_FALSE(kind.title.empty());
  }
}
