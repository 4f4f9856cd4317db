// What is counted in transcripts, rule by rule.
#include <algorithm>
#include <set>

#include "fortium/metrics/identity.h"
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

namespace {

// What happened in a session, by the word for it.
std::vector<Json> events(const ImportWorld& world, const std::string& word) {
  std::vector<Json> found;
  for (const Json& one : world.of("user_session"))
    if (one.value("context", Json::object()).value("event", "") == word) found.push_back(one);
  return found;
}

}  // namespace

TEST_CASE("a turn is recorded when the next begins, under the name by which hooks know it") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl", {lines.prompt("one"), lines.assistant("m1", "r1", 5, "end_turn"),
                              lines.prompt("x").replace(1, 0, R"("isMeta":true,)"), lines.prompt("two")});
  world.import();
  REQUIRE(events(world, "turn").size() == 1);
  const Json turn = events(world, "turn")[0];
  const std::string prompt = turn["prompt_id"];
  CHECK(prompt.starts_with("prompt-"));
  CHECK(turn["id"] == metrics::derived_id("user_session", "s1/turn/" + prompt));
  CHECK(turn["context"] == Json{{"event", "turn"}, {"status", "success"}, {"duration_ms", 1000.0}});
  // One that nobody answered is none; one that goes on is not over while it does.
  world.append("p/s1.jsonl", {lines.prompt("three"), lines.assistant("m2", "r2", 5, "end_turn")});
  world.import(claude::kStill);
  CHECK(events(world, "turn").size() == 1);
  world.append("p/s1.jsonl", {lines.system("turn_duration", R"(,"durationMs":4321)")});
  world.import();
  REQUIRE(events(world, "turn").size() == 2);
  world.append("p/s1.jsonl", {lines.prompt("four"), lines.failed()});
  world.import(claude::kEnded);
  std::set<std::string> said;
  for (const Json& one : events(world, "turn")) said.insert(one["context"].dump());
  CHECK(said == std::set<std::string>{R"({"duration_ms":1000.0,"error":"rate_limit","event":"turn","status":"error"})",
                                      R"({"duration_ms":1000.0,"event":"turn","status":"success"})",
                                      R"({"duration_ms":4321.0,"event":"turn","status":"success"})"});
}

TEST_CASE("a turn that a person stopped was cancelled") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl", {lines.prompt("one"), lines.assistant("m1", "r1", 5, "end_turn"),
                              lines.prompt("[Request interrupted by user]"), lines.prompt("two")});
  world.import();
  REQUIRE(events(world, "turn").size() == 1);
  CHECK(events(world, "turn")[0]["context"] == Json{{"event", "turn"}, {"status", "cancelled"}});
}

TEST_CASE("the compactions of a prompt are numbered, as hooks do; what a fork copied is its parent's") {
  ImportWorld world;
  Lines lines("s1");
  const auto compaction = [](Lines& by) {
    return by.system("compact_boundary",
                     R"(,"compactMetadata":{"trigger":"auto","preTokens":3064,"postTokens":2538,"durationMs":581})");
  };
  const auto summary = [](Lines& by) {
    std::string line = by.prompt("secret");
    const auto at = line.find("\"promptId\"");
    return line.replace(at, line.find(',', at) - at, R"("isCompactSummary":true,"promptId":"prompt-x")");
  };
  world.append("p/s1.jsonl", {lines.prompt("a"), compaction(lines), summary(lines), compaction(lines)});
  world.import();
  world.append("p/s1.jsonl", {summary(lines)});  // in another run
  world.import();
  Lines fork("s2", false, 100), copied("s2");
  world.append("p/s2.jsonl", {fork.prompt("b"), compaction(copied), summary(copied)});
  world.import();
  REQUIRE(events(world, "compact").size() == 2);
  std::set<std::string> ids;
  for (const Json& one : events(world, "compact")) {
    ids.insert(one["id"]);
    CHECK(one["context"] == Json{{"event", "compact"},
                                 {"trigger", "auto"},
                                 {"status", "success"},
                                 {"tokens_before", 3064},
                                 {"tokens_after", 2538},
                                 {"duration_ms", 581.0}});
  }
  CHECK(ids == std::set<std::string>{metrics::derived_id("user_session", "s1/compact/prompt-x/1"),
                                     metrics::derived_id("user_session", "s1/compact/prompt-x/2")});
}

TEST_CASE("a failed request and a retry are told with the status of the answer, each by its line") {
  ImportWorld world;
  Lines lines("s1");
  world.append(
      "p/s1.jsonl",
      {lines.system("api_error", R"(,"error":{"status":529,"message":"secret"},"retryAttempt":2,"maxRetries":10)"),
       lines.failed()});
  world.import();
  CHECK(world.errors == 2);
  std::set<std::string> said;
  for (const Json& one : events(world, "api_error")) said.insert(one["context"].dump());
  CHECK(said == std::set<std::string>{R"({"error":"rate_limit","event":"api_error","http_status":429})",
                                      R"({"event":"api_error","http_status":529,"retry":2})"});
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

TEST_CASE("a subagent in the background counts with its name, but not before it may have ended") {
  ImportWorld world;
  Lines lines("s1");
  world.append("p/s1.jsonl",
               {lines.assistant("m1", "r1", 1, "tool_use", Lines::tool_use("t1", "Agent")),
                lines.tool_result("t1", false, R"(,"toolUseResult":{"status":"async_launched","agentId":"a1"})")});
  world.import();
  CHECK(world.of("agent_interaction").empty());
  world.import(claude::kEnded);
  REQUIRE(world.of("agent_interaction").size() == 1);
  CHECK(world.of("agent_interaction")[0]["id"] == metrics::derived_id("agent_interaction", "a1"));
  CHECK(world.of("agent_interaction")[0]["agent_name"] == "general-purpose");
  CHECK_FALSE(world.of("agent_interaction")[0].contains("execution_time_ms"));
}

TEST_CASE("an edit tells how many lines it changed, a new file all of its lines") {
  ImportWorld world;
  Lines lines("s1");
  world.append(
      "p/s1.jsonl",
      {lines.assistant("m1", "r1", 1, "tool_use", Lines::tool_use("t1", "Edit")),
       lines.tool_result("t1", false,
                         R"(,"toolUseResult":{"filePath":"/a","structuredPatch":[{"lines":[" a","-b","+c","+d"]},)"
                         R"({"lines":["+e"]}]})"),
       lines.assistant("m2", "r2", 1, "tool_use", Lines::tool_use("t2", "Write")),
       lines.tool_result("t2", false,
                         R"(,"toolUseResult":{"type":"create","content":"a\\n\nb\n","structuredPatch":[]})"),
       lines.assistant("m3", "r3", 1, "tool_use", Lines::tool_use("t3", "Bash")),
       lines.tool_result("t3", false, R"(,"toolUseResult":{"stdout":"+x","interrupted":false})")});
  world.import();
  std::map<std::string, Json> context;
  for (const Json& one : world.of("tool_usage")) context[one["tool_use_id"]] = one.value("context", Json());
  CHECK(context["t1"] == Json{{"lines_added", 3}, {"lines_removed", 1}});
  CHECK(context["t2"] == Json{{"lines_added", 3}, {"lines_removed", 0}});
  CHECK(context["t3"].is_null());
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
