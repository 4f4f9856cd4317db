// What is counted in transcripts, rule by rule.
#include "import_world.h"

using namespace fortium;  // NOLINT(google-build-using-namespace)
using test::ImportWorld;
using test::Lines;

TEST_CASE("the blocks of one message count once, with its largest usage") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl", {lines.prompt("hello"), lines.assistant("m1", "r1", 1, nullptr),
                              lines.assistant("m1", "r1", 2, nullptr, Lines::tool_use("t1")),
                              lines.assistant("m1", "r1", 50, "tool_use", Lines::tool_use("t2"))});
  world.import();
  REQUIRE(world.of("model_usage").size() == 1);
  const Json one = world.of("model_usage")[0];
  CHECK(one["output_tokens"] == 50);
  CHECK(one["input_tokens"] == 10);
  CHECK(one["cache_read_tokens"] == 1000);
  CHECK(one["cache_creation_tokens"] == 100);  // the sum was left at zero by older clients
  CHECK(one["timestamp"] == "2026-03-01T00:00:02.000Z");
  CHECK(one["request_id"] == "r1");
  CHECK(one["source"] == "import");
  CHECK(one["project"] == "project-x");
  CHECK(world.merged == 2);
}

TEST_CASE("a message is not recorded before it says why it stopped") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl", {lines.assistant("m1", "r1", 1, nullptr)});
  world.import();
  CHECK(world.of("model_usage").empty());
  world.append("p/s1.jsonl", {lines.assistant("m1", "r1", 50, "end_turn")});
  world.import();
  CHECK(world.sum("output_tokens") == 50);
}

TEST_CASE("a message that never says why it stopped is recorded when its file has been still") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl", {lines.assistant("m1", "r1", 7, nullptr)});
  world.import(claude::kStill - Millis(5'000));
  CHECK(world.of("model_usage").empty());
  world.import(claude::kStill);
  CHECK(world.sum("output_tokens") == 7);
  CHECK(world.read_bytes == 0);
}

TEST_CASE("a fork's copies count once, for the session that is older") {
  ImportWorld world;
  Lines parent("s1"), fork("s2", false, 100);
  const std::string first = fork.prompt("begin of the fork");
  world.append("p/s1.jsonl", {parent.assistant("m1", "r1", 5, "end_turn")});
  world.append("p/a-fork.jsonl",
               {first, Lines("s2").assistant("m1", "r1", 5, "end_turn"), fork.assistant("m2", "r2", 6, "end_turn")});
  world.import();
  CHECK(world.of("model_usage").size() == 2);
  CHECK(world.sum("output_tokens") == 11);
  for (const Json& one : world.of("model_usage")) CHECK(one["session_id"] == (one["message_id"] == "m1" ? "s1" : "s2"));
  for (const Json& one : world.of("user_session"))
    if (one["session_id"] == "s2") CHECK(one["session_start"] == "2026-03-01T00:01:41.000Z");
}

TEST_CASE("what the client calls synthetic is an error and no usage") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl", {lines.failed()});
  world.import(claude::kEnded);
  CHECK(world.of("model_usage").empty());
  CHECK(world.errors == 1);
}

TEST_CASE("a tool call is recorded with its result: success, error, refused, or never") {
  ImportWorld world;
  Lines lines("s1");
  for (const char* id : {"ok", "bad", "no", "never"})
    world.append("p/s1.jsonl", {lines.assistant(std::string("m-") + id, "r", 1, "tool_use", Lines::tool_use(id))});
  world.append("p/s1.jsonl", {lines.tool_result("ok"), lines.tool_result("bad", true),
                              lines.tool_result("no", true, R"(,"toolUseResult":"User rejected tool use")")});
  world.import();
  CHECK(world.of("tool_usage").size() == 3);
  world.import(claude::kEnded);
  std::map<std::string, std::string> status;
  for (const Json& one : world.of("tool_usage")) {
    status[one["tool_use_id"]] = one["status"];
    CHECK(one["tool_name"] == "Read");
    CHECK_FALSE(one.contains("execution_time_ms"));  // a transcript does not know it
    CHECK(one.dump().find("secret") == std::string::npos);
  }
  CHECK(status == std::map<std::string, std::string>{
                      {"ok", "success"}, {"bad", "error"}, {"no", "cancelled"}, {"never", "cancelled"}});
}

TEST_CASE("a subagent is one interaction, with the time that it took") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl",
               {lines.assistant("m1", "r1", 1, "tool_use", Lines::tool_use("t1", "Agent")),
                lines.tool_result("t1", false,
                                  R"(,"toolUseResult":{"status":"completed","agentId":"a1","agentType":"reviewer",)"
                                  R"("totalDurationMs":245,"totalTokens":9})")});
  Lines side("s1", true, 10);
  world.append("p/s1/subagents/agent-a1.jsonl", {side.prompt("do it"), side.assistant("m2", "r2", 3, "end_turn")});
  world.import();
  REQUIRE(world.of("agent_interaction").size() == 1);
  CHECK(world.of("agent_interaction")[0]["agent_name"] == "reviewer");
  CHECK(world.of("agent_interaction")[0]["execution_time_ms"] == 245);
  CHECK(world.of("user_session").size() == 1);
  CHECK(world.sum("output_tokens") == 4);
}

TEST_CASE("a slash command is recorded by its name, and nothing behind it") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl",
               {lines.prompt("<command-name>/compact</command-name>\\n<command-args>secret</command-args>"),
                lines.prompt("say <command-name>/not</command-name>")});
  world.import();
  REQUIRE(world.of("command_execution").size() == 1);
  CHECK(world.of("command_execution")[0]["command_name"] == "/compact");
}

TEST_CASE("what is no name of a command is none: typed words are not taken for one") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl", {lines.prompt("<command-name>/deploy hunter2</command-name>"),
                              lines.prompt("<command-name>/private/notes.txt</command-name>")});
  world.import();
  REQUIRE(world.of("command_execution").size() == 1);
  CHECK(world.of("command_execution")[0]["command_name"] == "/deploy");
}

TEST_CASE("nothing is taken of a project that opted out") {
  ImportWorld world;
  Lines lines("s1");
  world.off = "/a/private/place/project-x";
  world.append("p/s1.jsonl", {lines.prompt("a"), lines.assistant("m1", "r1", 5, "end_turn")});
  world.import(claude::kEnded);
  CHECK(world.records.empty());
  CHECK(world.skipped.empty());
}

TEST_CASE("a session begins with its first line, and ends when its file has been left alone for a day") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl", {lines.prompt("a"), lines.prompt("b")});
  world.import();
  CHECK(world.of("user_session").size() == 1);
  world.import(claude::kEnded);
  REQUIRE(world.of("user_session").size() == 2);
  for (const Json& one : world.of("user_session"))
    if (one["change"] == "end") CHECK(one["total_duration_ms"] == 1000);
}

TEST_CASE("only whole lines are taken, bad ones are told, and nothing is read twice") {
  ImportWorld world;
  Lines lines("s1");
  const std::string first = lines.assistant("m1", "r1", 5, "end_turn"),
                    second = lines.assistant("m2", "r2", 6, "end_turn");
  world.append("p/s1.jsonl", {first, "{\"type\":\"user\",\"timestamp\":\n", second.substr(0, second.size() / 2)});
  world.import();
  CHECK(world.sum("output_tokens") == 5);
  CHECK(world.skipped.size() == 1);
  world.append("p/s1.jsonl", {second.substr(second.size() / 2)});
  world.import();
  CHECK(world.sum("output_tokens") == 11);
  world.import();
  CHECK(world.read_bytes == 0);
  CHECK(world.skipped.size() == 1);
}

TEST_CASE("a file that became shorter, or is another one, is read from its begin") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl", {lines.assistant("m1", "r1", 5, "end_turn"), lines.assistant("m2", "r2", 6, "end_turn")});
  world.import();
  std::filesystem::resize_file(world.dir.file("p/s1.jsonl"), 0);
  world.append("p/s1.jsonl", {Lines("s1").assistant("m3", "r3", 7, "end_turn")});
  world.import();
  CHECK(world.sum("output_tokens") == 18);
}

TEST_CASE("a line at the limit is read, a longer one is told, and what follows it counts") {
  ImportWorld world;
  Lines lines("s1");
  const auto of_length = [&](std::size_t size) {
    const std::string line = lines.prompt("");
    const auto gap = line.find("\"content\":\"") + 11;
    return line.substr(0, gap) + std::string(size + 1 - line.size(), 'x') + line.substr(gap);
  };
  world.append("p/s1.jsonl", {of_length(claude::kMostLineBytes)});
  world.import();
  CHECK(world.skipped.empty());
  world.append("p/s1.jsonl", {of_length(claude::kMostLineBytes + 1), lines.assistant("m1", "r1", 5, "end_turn")});
  world.import();
  CHECK(world.skipped == std::vector<std::string>{"line is 16777217 bytes, limit is 16777216"});
  CHECK(world.sum("output_tokens") == 5);
}

TEST_CASE("lines that are not counted are told by their first bytes") {
  CHECK(claude::skippable(R"({"type":"file-history-snapshot","messageId":"m"})"));
  CHECK(claude::skippable(R"({"parentUuid":"u","isSidechain":false,"type":"attachment","uuid":"u"})"));
  CHECK_FALSE(claude::skippable(R"({"type":"user","message":{}})"));
  CHECK_FALSE(claude::skippable(R"({"type":"cost-state"})"));
  CHECK_FALSE(claude::skippable(R"({"parentUuid":"u","isSidechain":false,"message":{}})"));
  CHECK_FALSE(claude::skippable(R"({ "type": "summary" })"));
}
