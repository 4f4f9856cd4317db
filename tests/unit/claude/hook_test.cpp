// What each event means. A `Session` keeps what is open as the store does, so that a case reads as what happened.
#include "claude/hook.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "fortium/metrics/event.h"
#include "fortium/metrics/identity.h"

using namespace fortium;
using namespace fortium::claude;
using metrics::Change;
using metrics::derived_id;
using metrics::OpenCall;
using namespace std::chrono_literals;

namespace {

class Session {
 public:
  WallTime now = from_ms(1'767'322'445'678);
  std::int64_t pid = 100;
  Privacy privacy;
  std::vector<OpenCall> open;
  std::string prompt_id = "prompt-1";

  HookEvent event(const char* name, Json fields = Json::object()) const {
    fields["hook_event_name"] = name;
    fields["session_id"] = "session-1";
    if (!prompt_id.empty()) fields["prompt_id"] = prompt_id;
    Condenser condenser;
    condenser.feed(dump_json(fields));
    auto condensed = condenser.finish();
    REQUIRE(condensed.ok());
    auto event = read_event(std::move(*condensed));
    REQUIRE(event.ok());
    return std::move(*event);
  }

  // Written down and read back, as it lies in the inbox.
  Told told(const char* name, Json fields = Json::object()) const {
    auto read = parse_json(dump_json(tell(event(name, std::move(fields)), privacy).fields));
    REQUIRE(read.ok());
    return {std::move(*read)};
  }

  std::vector<Record> sees(const char* name, Json fields = Json::object()) {
    return keeps(what_happened(told(name, std::move(fields)), {now, pid, "shop"}, open));
  }

  // Applies the changes, and holds every record against its kind.
  std::vector<Record> keeps(Happened happened) {
    for (const Change& change : happened.changes) apply(change);
    for (const Record& record : happened.records) {
      const metrics::Kind* kind = metrics::find_kind(record.kind);
      REQUIRE(kind != nullptr);
      const auto checked = metrics::check_event(*kind, record.fields, now);
      CHECK_MESSAGE(checked.ok(), schema::to_text(checked.violations));
    }
    return std::move(happened.records);
  }

  std::int64_t open_of(std::string_view what) const { return std::ranges::count(open, what, &OpenCall::what); }

 private:
  void apply(const Change& change) {
    const auto same = [&](const OpenCall& one) { return one.what == change.call.what && one.key == change.call.key; };
    const auto at = std::ranges::find_if(open, same);
    switch (change.what) {
      case Change::Do::begin:
        if (at == open.end()) open.push_back(change.call);
        break;
      case Change::Do::renew:
        if (at != open.end()) open.erase(at);
        open.push_back(change.call);
        break;
      case Change::Do::count:
        if (at == open.end())
          open.push_back(change.call);
        else if (at->state != change.call.state || at->seen < change.call.seen - metrics::kSameMoment)
          ++at->count, at->state = change.call.state, at->seen = change.call.seen;
        break;
      case Change::Do::mark:
        if (at != open.end()) at->state = change.call.state;
        break;
      case Change::Do::end:
        if (at != open.end()) open.erase(at);
        break;
      case Change::Do::close: open.clear(); break;
    }
  }
};

Json tool(const char* name, const char* id, Json more = Json::object()) {
  more["tool_name"] = name;
  more["tool_use_id"] = id;
  if (!more.contains("tool_input")) more["tool_input"] = Json::object();
  return more;
}

Record only(const std::vector<Record>& records) {
  REQUIRE(records.size() == 1);
  return records[0];
}

}  // namespace

TEST_CASE("a tool call is one record, with the duration that Claude Code tells") {
  Session it;
  CHECK(it.sees("PreToolUse", tool("Bash", "t1", {{"tool_input", {{"command", "git status"}}}})).empty());
  CHECK(it.open_of("tool_usage") == 1);
  it.now += 900ms;
  const Record record = only(it.sees("PostToolUse", tool("Bash", "t1",
                                                         {{"tool_input", {{"command", "git status"}}},
                                                          {"tool_response", {{"stdout", "hunter2"}}},
                                                          {"permission_mode", "plan"},
                                                          {"duration_ms", 256}})));
  CHECK(record.kind == "tool_usage");
  CHECK(record.fields ==
        Json{{"id", derived_id("tool_usage", "t1")},
             {"timestamp", to_rfc3339(it.now)},
             {"session_id", "session-1"},
             {"prompt_id", "prompt-1"},
             {"tool_use_id", "t1"},
             {"tool_name", "Bash"},
             {"status", "success"},
             {"execution_time_ms", 256.0},
             {"context",
              {{"command_word", "git"}, {"input_bytes", 24}, {"output_bytes", 20}, {"permission_mode", "plan"}}}});
  CHECK(it.open_of("tool_usage") == 0);
}

TEST_CASE("without a word about the duration it is the time since its begin, and without a begin it is not known") {
  Session it;
  it.sees("PreToolUse", tool("Bash", "t1"));
  it.now += 1500ms;
  CHECK(only(it.sees("PostToolUse", tool("Bash", "t1"))).fields["execution_time_ms"] == 1500);
  CHECK_FALSE(only(it.sees("PostToolUse", tool("Bash", "t2"))).fields.contains("execution_time_ms"));
}

TEST_CASE("a call that fails is an error, a timeout, or was cancelled") {
  const auto status_of = [](Json more) {
    Session it;
    return only(it.sees("PostToolUseFailure", tool("Bash", "t1", std::move(more)))).fields;
  };
  const Json error = status_of({{"error", "Exit code 3"}, {"is_interrupt", false}});
  CHECK(error["status"] == "error");
  CHECK(error["context"]["exit_code"] == 3);
  CHECK_FALSE(error.contains("error_message"));
  CHECK(status_of({{"error", "MCP server \"x\" tool \"y\" timed out after 2s"}})["status"] == "timeout");
  CHECK(status_of({{"error", "x"}, {"is_interrupt", true}})["status"] == "cancelled");
}

TEST_CASE("a call that nobody ended is cancelled when its turn is over, with the word that it was asked for") {
  Session it;
  it.sees("UserPromptSubmit", {{"prompt", "do it"}});
  it.sees("PreToolUse", tool("Bash", "t1"));
  it.now += 1s;
  it.sees("PreToolUse", tool("Write", "t2"));
  it.sees("PermissionRequest", {{"tool_name", "Write"}});
  it.sees("PreToolUse", tool("Read", "t3", {{"agent_id", "a1"}}));  // of a subagent that still runs
  it.now += 1s;
  const auto records = it.sees("Stop");
  REQUIRE(records.size() == 3);
  for (const Record& record : records) {
    if (record.kind != "tool_usage") continue;
    CHECK(record.fields["status"] == "cancelled");
    CHECK_FALSE(record.fields.contains("execution_time_ms"));
    CHECK(record.fields["context"].contains("permission") == (record.fields["tool_use_id"] == "t2"));
  }
  CHECK(it.open_of("tool_usage") == 1);
  CHECK(only(it.sees("PermissionDenied", tool("Bash", "t4"))).fields["context"]["permission"] == "denied");
}

TEST_CASE("an edit tells how many lines it changed") {
  Session it;
  const Json patch = {{"structuredPatch", {{{"lines", {" a", "-b", "+c", "+d"}}}, {{"lines", {"+e"}}}}}};
  const Json context = only(it.sees("PostToolUse", tool("Edit", "t1", {{"tool_response", patch}}))).fields["context"];
  CHECK(context["lines_added"] == 3);
  CHECK(context["lines_removed"] == 1);
}

TEST_CASE("a new file has as many lines added as it has lines, however large it is") {
  Session it;
  std::string content;
  for (int i = 0; i < 20'000; ++i) content += "line\n";
  const Json made = {{"type", "create"}, {"content", content}, {"structuredPatch", Json::array()}};
  const Json context = only(it.sees("PostToolUse", tool("Write", "t1", {{"tool_response", made}}))).fields["context"];
  CHECK(context["lines_added"] == 20'001);
  CHECK(context["lines_removed"] == 0);
}

TEST_CASE("a slash command lasts from its prompt to the end of the turn") {
  Session it;
  CHECK(it.sees("UserPromptSubmit", {{"prompt", "/plan-product for hunter2"}}).empty());
  it.now += 2s;
  const auto records = it.sees("Stop");
  REQUIRE(records.size() == 2);  // the turn, too
  const Json& command = records[0].kind == "command_execution" ? records[0].fields : records[1].fields;
  CHECK(command["id"] == derived_id("command_execution", "prompt-1"));
  CHECK(command["command_name"] == "/plan-product");
  CHECK(command["execution_time_ms"] == 2000);
  CHECK(command["status"] == "success");
  CHECK(dump_json(command).find("hunter2") == std::string::npos);
}

TEST_CASE("a command whose turn fails is an error; one that was left for another prompt was cancelled") {
  Session it;
  it.sees("UserPromptSubmit", {{"prompt", "/one"}});
  it.prompt_id = "prompt-2";
  it.sees("UserPromptSubmit", {{"prompt", "/two"}});
  const auto records = it.sees("StopFailure", {{"error", "rate_limit"}});
  REQUIRE(records.size() == 4);
  for (const Record& record : records) {
    if (record.kind != "command_execution") continue;
    const bool first = record.fields["command_name"] == "/one";
    CHECK(record.fields["status"] == (first ? "cancelled" : "error"));
    CHECK(record.fields.contains("execution_time_ms") != first);
    if (!first) CHECK(record.fields["context"]["error"] == "rate_limit");
  }
}

TEST_CASE("an expanded command is known by its own name, and counts once with its prompt") {
  Session it;
  it.sees("UserPromptExpansion", {{"expansion_type", "slash_command"}, {"command_name", "deploy"}});
  it.sees("UserPromptSubmit", {{"prompt", "/deploy now"}});
  CHECK(it.open_of("command_execution") == 1);
}

TEST_CASE("a skill that the model runs is a tool call and a command") {
  Session it;
  const auto records =
      it.sees("PostToolUse",
              tool("Skill", "t1", {{"tool_input", {{"skill", "review"}, {"args", "hunter2"}}}, {"duration_ms", 5}}));
  REQUIRE(records.size() == 2);
  CHECK(records[0].kind == "command_execution");
  CHECK(records[0].fields["id"] == derived_id("command_execution", "t1"));
  CHECK(records[0].fields["command_name"] == "/review");
  CHECK(records[1].kind == "tool_usage");
}

TEST_CASE("a subagent is one interaction, and what it had open ends with it") {
  Session it;
  const Json agent = {{"agent_id", "a1"}, {"agent_type", "general-purpose"}};
  it.sees("SubagentStart", agent);
  it.sees("PreToolUse", tool("Bash", "t1", agent));
  it.now += 800ms;
  const auto records = it.sees("SubagentStop", agent);
  REQUIRE(records.size() == 2);
  CHECK(records[0].fields["status"] == "cancelled");
  CHECK(records[0].fields["context"]["agent_type"] == "general-purpose");
  CHECK(records[1].kind == "agent_interaction");
  CHECK(records[1].fields["id"] == derived_id("agent_interaction", "a1"));
  CHECK(records[1].fields["agent_name"] == "general-purpose");
  CHECK(records[1].fields["execution_time_ms"] == 800);
  // The call that started it says the same again.
  const auto call = it.sees("PostToolUse", tool("Agent", "t2",
                                                {{"tool_input", {{"subagent_type", "general-purpose"}}},
                                                 {"tool_response", {{"status", "completed"}, {"agentId", "a1"}}},
                                                 {"duration_ms", 845}}));
  REQUIRE(call.size() == 2);
  CHECK(call[0].fields["id"] == records[1].fields["id"]);
}

TEST_CASE("a helper of the client's own is no subagent; one without a type is called what the client takes then") {
  Session it;
  CHECK(it.sees("SubagentStop", {{"agent_id", "a1"}}).empty());
  it.sees("SubagentStart", {{"agent_id", "a2"}});
  CHECK(only(it.sees("SubagentStop", {{"agent_id", "a2"}})).fields["agent_name"] == "general-purpose");
}

TEST_CASE("a subagent that goes on in the background has not ended with its call") {
  Session it;
  const auto records = it.sees(
      "PostToolUse", tool("Agent", "t1", {{"tool_response", {{"status", "async_launched"}, {"agentId", "a1"}}}}));
  CHECK(only(records).kind == "tool_usage");
}

TEST_CASE("a session starts, lives and ends; what happened in it is counted by name") {
  Session it;
  it.prompt_id.clear();
  const Json start = only(it.sees("SessionStart", {{"source", "startup"}, {"model", "some-model"}})).fields;
  CHECK(start["id"] == derived_id("user_session", "session-1/start"));
  CHECK(start["change"] == "start");
  CHECK(start["session_start"] == to_rfc3339(it.now));
  CHECK(start["context"] == Json{{"event", "start"}, {"source", "startup"}, {"model", "some-model"}});
  it.sees("Notification", {{"message", "hunter2"}});
  it.now += 6s;
  it.sees("Notification", {{"message", "hunter2"}});
  it.sees("SomethingNew", {{"message", "hunter2"}});
  const Json end = only(it.sees("SessionEnd", {{"reason", "logout"}})).fields;
  CHECK(end["id"] == derived_id("user_session", "session-1/end"));
  CHECK(end["status"] == "completed");
  CHECK(end["completion_reason"] == "logout");
  CHECK(end["context"] == Json{{"events", {{"Notification", 2}, {"SomethingNew", 1}}}});
}

TEST_CASE("a turn is told with the length of its prompt and how it ended") {
  Session it;
  it.sees("UserPromptSubmit", {{"prompt", "do the thing"}});
  it.now += 300ms;
  const Json turn = only(it.sees("Stop")).fields;
  CHECK(turn["id"] == derived_id("user_session", "session-1/turn/prompt-1"));
  CHECK(turn["change"] == "update");
  CHECK(turn["context"] ==
        Json{{"event", "turn"}, {"prompt_chars", 12}, {"duration_ms", 300.0}, {"status", "success"}});
}

// Its transcript names the prompt, so the import of it brings turns, commands and compactions; under a name of our own
// they would count again.
TEST_CASE("an older version names no prompts: what depends on their names is left to the import") {
  Session it;
  it.prompt_id.clear();
  CHECK(it.sees("UserPromptSubmit", {{"prompt", "/again"}}).empty());
  CHECK(it.sees("PreCompact", {{"trigger", "auto"}}).empty());
  CHECK(it.sees("PostCompact", {{"trigger", "auto"}}).empty());
  it.now += 300ms;
  CHECK(it.sees("Stop").empty());
}

TEST_CASE("a goodbye of a session that was never seen makes no session: listing servers says one, too") {
  Session it;
  CHECK(it.sees("SessionEnd", {{"reason", "other"}}).empty());
  CHECK(it.open.empty());
  // Whatever it did before, it is known.
  it.sees("PreToolUse", tool("Bash", "t1"));
  CHECK(it.sees("SessionEnd", {{"reason", "other"}}).size() == 2);
}

TEST_CASE("a compaction is told with its trigger and how long it took; the session goes on") {
  Session it;
  it.sees("PreCompact", {{"trigger", "auto"}, {"custom_instructions", "hunter2"}});
  CHECK(it.sees("SessionStart", {{"source", "compact"}}).empty());
  it.now += 4s;
  const Json compaction = only(it.sees("PostCompact", {{"trigger", "auto"}, {"compact_summary", "hunter2"}})).fields;
  CHECK(compaction["id"] == derived_id("user_session", "session-1/compact/prompt-1/1"));
  CHECK(compaction["context"] ==
        Json{{"event", "compact"}, {"trigger", "auto"}, {"duration_ms", 4000.0}, {"status", "success"}});
  // The next of the same prompt; one that was begun in vain has no number.
  it.sees("PreCompact", {{"trigger", "auto"}});
  it.now += 1h;
  it.sees("PreCompact", {{"trigger", "auto"}});
  it.now += 2s;
  const Json second = only(it.sees("PostCompact", {{"trigger", "auto"}})).fields;
  CHECK(second["id"] == derived_id("user_session", "session-1/compact/prompt-1/2"));
  CHECK(second["context"]["duration_ms"] == 2000.0);
  CHECK(it.sees("Stop").empty());
  CHECK(it.sees("SessionEnd").size() == 1);
}

TEST_CASE("a session that is resumed starts and ends once more") {
  Session it;
  it.sees("SessionStart", {{"source", "startup"}});
  const Json end = only(it.sees("SessionEnd", {{"reason", "other"}})).fields;
  it.pid = 200;
  const Json again = only(it.sees("SessionStart", {{"source", "resume"}})).fields;
  CHECK(again["id"] != derived_id("user_session", "session-1/start"));
  CHECK_FALSE(again.contains("session_start"));
  CHECK(only(it.sees("SessionEnd", {{"reason", "other"}})).fields["id"] != end["id"]);
}

TEST_CASE("every event twice, as from two installations, makes the records of one") {
  const std::vector<std::pair<const char*, Json>> day = {
      {"SessionStart", {{"source", "startup"}}},
      {"UserPromptSubmit", {{"prompt", "/do it"}}},
      {"PreToolUse", tool("Bash", "t1")},
      {"PostToolUse", tool("Bash", "t1", {{"duration_ms", 5}})},
      {"PreToolUse", tool("Bash", "t2")},
      {"SubagentStart", {{"agent_id", "a1"}, {"agent_type", "x"}}},
      {"SubagentStop", {{"agent_id", "a1"}, {"agent_type", "x"}}},
      {"Notification", {{"message", "m"}}},
      {"PreCompact", {{"trigger", "manual"}}},
      {"PostCompact", {{"trigger", "manual"}}},
      {"Stop", Json::object()},
      {"SessionEnd", {{"reason", "other"}}},
      {"SessionStart", {{"source", "resume"}}},
      {"SessionEnd", {{"reason", "other"}}},
  };
  // One after the other, and at the same moment: both saw what was open before.
  for (const bool together : {false, true}) {
    std::map<std::string, Json> once, twice;
    Session one, two;
    for (const auto& [name, fields] : day) {
      for (const Record& record : one.sees(name, fields)) once.emplace(record.fields["id"], record.fields);
      const auto first = what_happened(two.told(name, fields), {two.now, two.pid}, two.open);
      if (!together) (void)two.keeps(first);
      two.now += 3ms;
      const auto second = what_happened(two.told(name, fields), {two.now, two.pid}, two.open);
      if (together) (void)two.keeps(first);
      (void)two.keeps(second);
      for (const Happened& happened : {first, second})
        for (const Record& record : happened.records) twice.emplace(record.fields["id"], record.fields);
      one.now += 3ms;
    }
    CAPTURE(together);
    REQUIRE(once.size() == twice.size());
    for (const auto& [id, fields] : once) {
      CAPTURE(dump_json(fields));
      REQUIRE(twice.contains(id));
      CHECK(twice[id]["context"]["events"] == fields.value("context", Json::object())["events"]);
    }
  }
}

TEST_CASE("a session without a goodbye is abandoned: what was open is told, at the time it was last seen") {
  Session it;
  it.sees("SessionStart", {{"source", "startup"}});
  it.sees("UserPromptSubmit", {{"prompt", "/go"}});
  it.now += 10s;
  it.sees("PreToolUse", tool("Bash", "t1"));
  const WallTime last = it.now;
  it.now += 48h;
  const auto records = it.keeps(abandon(it.open));
  REQUIRE(records.size() == 4);
  const Json& end = records.back().fields;
  CHECK(end["id"] == derived_id("user_session", "session-1/end"));
  CHECK(end["status"] == "abandoned");
  CHECK(end["session_end"] == to_rfc3339(last));
  for (const Record& record : records) CHECK(record.fields["project"] == "shop");
  // What is kept of it then is forgotten when it is closed once more; so is one that said goodbye.
  CHECK(it.open.size() == 1);
  CHECK(it.keeps(abandon(it.open)).empty());
  CHECK(it.open.empty());
  it.sees("SessionStart", {{"source", "startup"}});
  it.sees("SessionEnd", {{"reason", "other"}});
  CHECK(it.keeps(abandon(it.open)).empty());
  CHECK(it.open.empty());
}

TEST_CASE("a session that was given up and does something is active again, and ends once more") {
  Session it;
  it.sees("SessionStart", {{"source", "startup"}});
  it.now += 200h;
  const Json given_up = only(it.keeps(abandon(it.open))).fields;
  it.now += 1h;
  const Json back = only(it.sees("PreToolUse", tool("Bash", "t1"))).fields;
  CHECK(back["status"] == "active");
  CHECK(it.sees("PreToolUse", tool("Bash", "t2")).empty());
  const auto records = it.sees("SessionEnd", {{"reason", "other"}});
  REQUIRE(records.size() == 3);
  CHECK(records.back().fields["status"] == "completed");
  CHECK(records.back().fields["id"] != given_up["id"]);
  // By a goodbye alone, and by a resumption, too.
  for (const bool resumed : {false, true}) {
    Session other;
    other.sees("SessionStart", {{"source", "startup"}});
    const Json first = only(other.keeps(abandon(other.open))).fields;
    if (resumed) {
      other.pid = 200;
      CHECK(only(other.sees("SessionStart", {{"source", "resume"}})).fields["status"] == "active");
    }
    const Json end = only(other.sees("SessionEnd", {{"reason", "other"}})).fields;
    CHECK(end["status"] == "completed");
    CHECK(end["id"] != first["id"]);
  }
}

TEST_CASE("with everything allowed nothing but contents of files and secrets is left out") {
  Session it;
  it.privacy = {.prompts = true, .arguments = true, .paths = true, .errors = true, .salt = "s"};
  it.sees("UserPromptSubmit", {{"prompt", "write it, PASSWORD=hunter2"}});
  const Json failed =
      only(it.sees("PostToolUseFailure", tool("Write", "t1",
                                              {{"tool_input", {{"file_path", "/a/b.txt"}, {"content", "hunter2"}}},
                                               {"error", "no \x1b[1m token=hunter2"}})))
          .fields;
  CHECK(failed["error_message"] == "no  [1m token=[redacted]");
  CHECK(failed["context"]["file_path"] == "/a/b.txt");
  const Json turn = only(it.sees("Stop")).fields;
  CHECK(turn["context"]["prompt"] == "write it, PASSWORD=[redacted]");
}

TEST_CASE("what is no event of a session is refused, and one that lacks its names does no harm") {
  for (const char* text : {"{}", R"({"session_id":"s"})", R"({"hook_event_name":"Stop"})",
                           R"({"session_id":1,"hook_event_name":"Stop"})"}) {
    CAPTURE(text);
    CHECK_FALSE(read_event({text, {}}).ok());
  }
  for (const char* name :
       {"PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "PermissionRequest", "SubagentStart",
        "SubagentStop", "PostCompact", "UserPromptExpansion", "Stop", "SessionEnd"}) {
    CAPTURE(name);
    Session it;
    it.sees(name, {{"tool_input", 1}, {"tool_response", 2}, {"error", 3}, {"duration_ms", "x"}, {"prompt", 4}});
  }
}
