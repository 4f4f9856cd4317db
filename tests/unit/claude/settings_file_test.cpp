// Claude Code's files, edited: ours goes in and out, and whatever else stands there stays as it is.
#include "claude/settings_file.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "support/dice.h"

using namespace fortium;
using namespace fortium::claude;

namespace {

constexpr std::string_view kEvents[] = {"PreToolUse", "Stop"};
constexpr std::string_view kProgram = "/opt/fm/fortium-metrics";

std::string with_hooks(std::string_view text, std::span<const std::string_view> events = kEvents,
                       std::string_view program = kProgram) {
  auto out = add_hooks(text, events, program);
  REQUIRE(out.ok());
  return *out;
}
std::string without_hooks(std::string_view text) {
  auto out = remove_hooks(text);
  REQUIRE(out.ok());
  return *out;
}
std::string with_server(std::string_view text, const Above& above = {}, std::string_view program = kProgram) {
  auto out = add_server(text, above, program);
  REQUIRE(out.ok());
  return *out;
}
std::string without_server(std::string_view text, const Above& above = {}) {
  auto out = remove_server(text, above);
  REQUIRE(out.ok());
  return *out;
}
std::string refusal(const Result<std::string>& result) { return result ? "" : result.error().what; }

// A JSON text of any layout: keys that must not be mistaken, blanks everywhere, hooks of somebody else.
class Scribe {
 public:
  Scribe(test::Dice& dice, bool tidy) : dice_(dice), tidy_(tidy) {}

  std::string document() {
    std::string out = blanks() + "{";
    const std::size_t members = dice_.below(5), hooks_at = dice_.below(6);
    bool first = true;
    for (std::size_t i = 0; i <= members; ++i) {
      if (i == hooks_at)
        out += std::string(std::exchange(first, false) ? "" : ",") + blanks() + "\"hooks\"" + colon() + hooks();
      if (i == members) break;
      out += std::string(std::exchange(first, false) ? "" : ",") + blanks() + "\"k" + std::to_string(i) + "\"" +
             colon() + value(3) + trail();
    }
    return out + (first ? "" : blanks()) + "}" + blanks();
  }

 private:
  std::string blanks() {
    if (tidy_) return dice_.one_in(2) ? "\n  " : "\n    ";
    constexpr std::string_view kAll[] = {"", " ", "\n", "\n  ", "\r\n\t", "  \n\n ", "\t"};
    return std::string(dice_.pick<std::string_view>(kAll));
  }
  std::string trail() { return tidy_ ? "" : blanks(); }
  std::string colon() { return trail() + ":" + (tidy_ ? " " : blanks()); }
  std::string value(std::size_t depth) {
    constexpr std::string_view kPlain[] = {"1e2",
                                           "-0.50",
                                           "true",
                                           "null",
                                           "\"a, ] } \\\" {\"",
                                           "\"\\u0041\"",
                                           "\"\"",
                                           "{}",
                                           "\"\\\\\"",
                                           "\"ä\"",
                                           "[]",
                                           "12345678901234567890",
                                           "\"fortium-metrics hook\""};
    if (depth == 0 || dice_.one_in(2)) return std::string(dice_.pick<std::string_view>(kPlain));
    const bool object = dice_.one_in(2);
    std::string out = object ? "{" : "[";
    const std::size_t count = 1 + dice_.below(3);
    for (std::size_t i = 0; i < count; ++i) {
      out += (i == 0 ? "" : ",") + blanks();
      if (object) out += "\"" + dice_.letters(1 + i) + "\"" + colon();
      out += value(depth - 1) + trail();
    }
    return out + blanks() + (object ? "}" : "]");
  }
  std::string hooks() {
    constexpr std::string_view kNames[] = {"PreToolUse", "PostToolUse", "Stop"};
    std::string out = "{";
    bool first = true;
    for (const std::string_view name : kNames) {
      if (dice_.one_in(2) && !(first && name == "Stop")) continue;
      out += std::string(std::exchange(first, false) ? "" : ",") + blanks() + "\"" + std::string(name) + "\"" +
             colon() + "[" + blanks();
      const std::size_t groups = 1 + dice_.below(2);
      for (std::size_t i = 0; i < groups; ++i)
        out += std::string(i == 0 ? "" : ",") + blanks() + "{\"matcher\"" + colon() + "\"Bash\"," + blanks() +
               "\"hooks\"" + colon() + "[{\"type\":\"command\"," + blanks() + "\"command\":\"mine " +
               std::to_string(dice_.below(9)) + "\"}" + trail() + "]" + trail() + "}";
      out += trail() + "]" + trail();
    }
    return out + blanks() + "}";
  }

  test::Dice& dice_;
  bool tidy_;
};

}  // namespace

TEST_CASE("the server's tool takes the place of the command, and goes as it does") {
  constexpr std::string_view kByServer[] = {"PreToolUse"};
  for (const std::string_view text :
       {"{}\n", R"({"a":1,"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x"}]}]}})"}) {
    const std::string commands = with_hooks(text);
    const auto served = add_hooks(text, kEvents, kProgram, kByServer);
    REQUIRE(served.ok());
    CHECK(served->find("record-hook-event") != std::string::npos);
    CHECK(*add_hooks(*served, kEvents, kProgram, kByServer) == *served);
    CHECK(*add_hooks(commands, kEvents, kProgram, kByServer) != commands);
    CHECK(parse_json(with_hooks(*served)).ok());
    CHECK(*parse_json(with_hooks(*served)) == *parse_json(commands));
    CHECK(without_hooks(*served) == without_hooks(commands));
    CHECK(wiring_of(*served)->events.size() == 2);
    CHECK(wiring_of(*served)->programs.size() == 1);
  }
}

TEST_CASE("a file that is not there begins with two blanks a level") {
  CHECK(with_hooks("", std::span(kEvents).first(1)) == R"({
  "hooks": {
    "PreToolUse": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "\"/opt/fm/fortium-metrics\" hook",
            "timeout": 10
          }
        ]
      }
    ]
  }
}
)");
  CHECK(without_hooks("") == "");
}

TEST_CASE("a person's hooks, keys and blanks stay, and ours come after them in the same style") {
  const std::string before =
      "{\n\t\"model\": \"opus\",\n\t\"hooks\": {\n\t\t\"Stop\": [\n\t\t\t{ \"hooks\": [] }\n\t\t]\n\t},\n"
      "\t\"z\": 1.50\n}";
  const std::string after = with_hooks(before);
  CHECK(after.starts_with(
      "{\n\t\"model\": \"opus\",\n\t\"hooks\": {\n\t\t\"Stop\": [\n\t\t\t{ \"hooks\": [] },\n\t\t\t{\n\t\t\t\t"
      "\"hooks\": [\n\t\t\t\t\t{\n"));
  CHECK(after.ends_with("\t\t]\n\t},\n\t\"z\": 1.50\n}"));
  CHECK(without_hooks(after) == before);
}

TEST_CASE("what is on one line stays on one line") {
  CHECK(
      with_hooks("{\"a\":1}", std::span(kEvents).last(1)) ==
      R"({"a":1,"hooks":{"Stop":[{"hooks":[{"type":"command","command":"\"/opt/fm/fortium-metrics\" hook","timeout":10}]}]}})");
  CHECK(
      with_server("{\"a\": 1, \"b\": 2}\n") ==
      R"({"a": 1, "b": 2, "mcpServers": {"fortium-metrics": {"type": "stdio", "command": "/opt/fm/fortium-metrics", "args": ["mcp"], "env": {}}}})"
      "\n");
}

TEST_CASE("line ends of another system are used where they are used") {
  const std::string after = with_hooks("{\r\n  \"a\": 1\r\n}\r\n");
  for (std::size_t at = after.find('\n'); at != after.npos; at = after.find('\n', at + 1)) CHECK(after[at - 1] == '\r');
}

TEST_CASE("adding twice is adding once") {
  for (const char* text : {"", "{}", "{\"a\":1}", "{\n  \"hooks\": {}\n}", "{\"hooks\":{\"Stop\":[]}}"}) {
    const std::string once = with_hooks(text);
    CHECK(with_hooks(once) == once);
    const std::string server = with_server(text);
    CHECK(with_server(server) == server);
  }
}

TEST_CASE("another program, another version: each event has one entry, and where it was") {
  const std::string old = with_hooks("{\"a\":1}", kEvents, "/old/fortium-metrics");
  CHECK(with_hooks(old) == with_hooks("{\"a\":1}"));
  constexpr std::string_view kFewer[] = {"Stop"};
  CHECK(with_hooks(with_hooks("{\"a\":1}"), kFewer) == with_hooks("{\"a\":1}", kFewer));
  const std::string twice =
      R"({"hooks":{"Stop":[{"matcher":"*","hooks":[{"command":"/x/fortium-metrics hook"},{"command":"other"},{"command":"'/y z/fortium-metrics' hook"}]}]}})";
  CHECK(
      with_hooks(twice, kFewer) ==
      R"({"hooks":{"Stop":[{"matcher":"*","hooks":[{"command":"\"/opt/fm/fortium-metrics\" hook"},{"command":"other"}]}]}})");
  CHECK(without_hooks(twice) == R"({"hooks":{"Stop":[{"matcher":"*","hooks":[{"command":"other"}]}]}})");
}

TEST_CASE("a hook is ours by its command") {
  for (const char* ours : {"fortium-metrics hook", "/a/fortium-metrics hook", "\"/a b/fortium-metrics\" hook",
                           "'/a/fortium-metrics' hook"})
    CHECK(is_our_hook(ours));
  for (const char* other : {"", "hook", " hook", "fortium-metrics", "fortium-metrics report", "my-fortium-metrics hook",
                            "fortium-metrics-server hook", "/a/fortium-metrics/x hook", "echo fortium-metrics hook"})
    CHECK_FALSE(is_our_hook(other));
  for (const char* program : {"/a/fortium-metrics", "/a b/fortium-metrics", "/a\"$`\\b/fortium-metrics"}) {
    CHECK(is_our_hook(hook_command(program)));
    auto wiring = wiring_of(with_hooks("{}", kEvents, program));
    REQUIRE(wiring.ok());
    CHECK(wiring->programs == std::vector<std::string>{program});
  }
  CHECK(hook_command("/a \"$`\\") == "\"/a \\\"\\$\\`\\\\\" hook");
}

TEST_CASE("what cannot be kept intact is refused, and the reason is named") {
  for (const char* text :
       {"// mine\n{}", "{\"a\": 1, // why\n\"b\": 2}", "{\"a\":1,}", "[]", "null", "x", "{\"a\":1,\"a\":2}",
        "\xEF\xBB\xBF{}", " ", "{\"hooks\":[]}", "{\"hooks\":{\"Stop\":{}}}", "{\"hooks\":null}"}) {
    CAPTURE(text);
    CHECK(refusal(add_hooks(text, kEvents, kProgram)) != "");
  }
  CHECK(refusal(add_hooks("{\"a\":1,}", kEvents, kProgram)).starts_with("it is not plain JSON: "));
  CHECK(refusal(add_hooks("{\"hooks\":{\"Stop\":1}}", kEvents, kProgram)) == "\"hooks\".Stop in it is not a list");
  CHECK(refusal(add_server("{\"mcpServers\":[]}", {}, kProgram)) == "\"mcpServers\" in it is not an object");
  CHECK(refusal(add_server(R"({"mcpServers":{"fortium-metrics":{"url":"https://x"}}})", {}, kProgram)) != "");
}

TEST_CASE("a server is added at its place, keeps what a person gave it, and leaves nothing behind") {
  CHECK(with_server("{\n  \"a\": 1\n}\n", {"projects", "/p"}) ==
        "{\n  \"a\": 1,\n  \"projects\": {\n    \"/p\": {\n      \"mcpServers\": {\n        \"fortium-metrics\": {\n"
        "          \"type\": \"stdio\",\n          \"command\": \"/opt/fm/fortium-metrics\",\n          \"args\": [\n"
        "            \"mcp\"\n          ],\n          \"env\": {}\n        }\n      }\n    }\n  }\n}\n");
  const std::string mine =
      R"({"mcpServers":{"x":{},"fortium-metrics":{"command":"/old/fortium-metrics","args":["mcp"],"timeout":9000}}})";
  CHECK(
      with_server(mine) ==
      R"({"mcpServers":{"x":{},"fortium-metrics":{"command":"/opt/fm/fortium-metrics","args":["mcp"],"timeout":9000}}})");
  CHECK(without_server(mine) == R"({"mcpServers":{"x":{}}})");
  for (const char* text : {"{}", "{\"a\":1}", R"({"projects":{"/p":{"x":1}}})",
                           R"({"projects":{"/q":{"mcpServers":{"y":{}}}}})", R"({"mcpServers":{"y":{}},"z":[]})"})
    for (const Above& above : {Above{}, Above{"projects", "/p"}}) {
      CAPTURE(text);
      CHECK(without_server(with_server(text, above), above) == text);
      CHECK(without_server(text, above) == text);
    }
}

TEST_CASE("adding and removing gives the text from before, whatever its layout") {
  test::Dice dice(5);
  for (int i = 0; i < 4'000; ++i) {
    const std::string before = Scribe(dice, i % 2 == 0).document();
    CAPTURE(before);
    REQUIRE(parse_json(before).ok());
    const std::string after = with_hooks(before);
    CAPTURE(after);
    REQUIRE(without_hooks(after) == before);
    REQUIRE(with_hooks(after) == after);
    REQUIRE(without_hooks(before) == before);
    // Ours and nothing else: the meaning without our entries is the meaning from before.
    Json meaning = *parse_json(after), was = *parse_json(before);
    std::size_t ours = 0;
    for (auto& [event, groups] : meaning["hooks"].items())
      ours += std::erase_if(groups.get_ref<Json::array_t&>(), [](const Json& group) {
        return is_our_hook(group["hooks"][0]["command"].get<std::string>());
      });
    CHECK(ours == std::size(kEvents));
    for (const char* event : {"PreToolUse", "Stop"})
      if (meaning["hooks"][event].empty()) meaning["hooks"].erase(event);
    if (meaning["hooks"].empty() && !was.contains("hooks")) meaning.erase("hooks");
    CHECK(meaning == was);
    CHECK(without_server(with_server(before)) == before);
    CHECK(without_server(with_server(before, {"projects", "a\"b"}), {"projects", "a\"b"}) == before);
  }
}

TEST_CASE("hooks of others that came after ours stay when ours go") {
  std::string text = with_hooks("{\n  \"a\": 1\n}\n");
  const std::string other = "{\"hooks\":[{\"type\":\"command\",\"command\":\"theirs\"}]}";
  const auto end = text.find("\n    ],");  // of PreToolUse
  text.insert(end, ",\n      " + other);
  const std::string left = without_hooks(text);
  CHECK(left == "{\n  \"a\": 1,\n  \"hooks\": {\n    \"PreToolUse\": [\n      " + other + "\n    ]\n  }\n}\n");
}

TEST_CASE("wiring says what of ours is there") {
  auto wiring = wiring_of(with_server(with_hooks("{}")));
  REQUIRE(wiring.ok());
  CHECK(wiring->events == std::vector<std::string>{"PreToolUse", "Stop"});
  CHECK(wiring->programs == std::vector<std::string>{std::string(kProgram)});
  CHECK(wiring->server);
  CHECK(wiring->server_program == kProgram);
  CHECK(wiring_of(R"({"projects":{"/p":{"mcpServers":{"m":{"command":"/opt/bin/fortium-metrics"}}}}})")->server);
  CHECK_FALSE(wiring_of(R"({"mcpServers":{"other":{"command":"x"}}})")->server);
  CHECK_FALSE(wiring_of("")->server);
  CHECK_FALSE(wiring_of("not JSON").ok());
}

TEST_CASE("secrets are not shown") {
  CHECK(
      without_secrets(
          R"({ "env": {"A": "b", "N": 1}, "model": "opus", "x": [{"apiKey":"k", "my_TOKEN" : ["t", {"u":"v"}]}] })") ==
      R"({ "env": {"A": "…", "N": 1}, "model": "opus", "x": [{"apiKey":"…", "my_TOKEN" : ["…", {"u":"…"}]}] })");
  CHECK(without_secrets("{\"a\": \"b\"}\n") == "{\"a\": \"b\"}\n");
  CHECK(without_secrets(R"({"/p/my-key-store":{"a":"b"}})") == R"({"/p/my-key-store":{"a":"b"}})");
  CHECK(without_secrets("") == "");
  const std::string ours = with_server(with_hooks("{}"));
  CHECK(without_secrets(ours) == ours);
}

TEST_CASE("what is to be added by hand is what would have been added") {
  CHECK(Json::parse(hooks_by_hand(kEvents, kProgram)) == Json::parse(with_hooks("")));
  CHECK(Json::parse(server_by_hand(kProgram)) == Json::parse(with_server("")));
}
