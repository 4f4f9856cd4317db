#include "claude/privacy.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace fortium;
using namespace fortium::claude;

namespace {

Json input_of(const Json& input, const Privacy& privacy = {}) {
  Json context = Json::object();
  describe_input(context, input, privacy);
  return context;
}

std::string word_of(const char* command) { return input_of({{"command", command}}).value("command_word", ""); }

}  // namespace

TEST_CASE("of a shell command the first word is kept, which is a program's name") {
  CHECK(word_of("git push origin secret-branch") == "git");
  CHECK(word_of("  /usr/bin/python3.11 x.py") == "python3.11");
  CHECK(word_of("A=1 B_2=x make all") == "make");
  CHECK(word_of("ls;rm x") == "ls");
  CHECK(word_of("g++ a.cpp") == "g++");
  for (const char* command : {"", "   ", "A=1", "A='x y' make", "A=$(cat x) make", "\"$HOME/bin/x\" y", "(cd x; make)",
                              "a-program-with-a-name-that-nobody-gives-one", "TOKEN=x;y z"})
    CHECK_MESSAGE(word_of(command) == "", command);
}

TEST_CASE("of a path the extension and a hash of this installation are kept") {
  const Json one = input_of({{"file_path", "/a/secret plan/Main.CPP"}}, {.salt = "s"});
  CHECK(one["file_extension"] == "cpp");
  CHECK(one["file_hash"].get<std::string>().size() == 16);
  CHECK(one.size() == 2);
  CHECK(one == input_of({{"file_path", "/a/secret plan/Main.CPP"}}, {.salt = "s"}));
  CHECK(one["file_hash"] != input_of({{"file_path", "/a/secret plan/Main.CPP"}}, {.salt = "t"})["file_hash"]);
  CHECK(input_of({{"notebook_path", "/x.ipynb"}}) == Json{{"file_extension", "ipynb"}});
  for (const char* path : {"/a/.env", "/a/Makefile", "/a.b/c", "/a/x.a b", "/a/x.an-extension-too-long", ""})
    CHECK_MESSAGE(input_of({{"path", path}}) == Json::object(), path);
}

TEST_CASE("nothing else of an input is kept") {
  const Json input = {{"pattern", "hunter2"},
                      {"url", "https://hunter2"},
                      {"content", "hunter2"},
                      {"n", 42},
                      {"description", "hunter2"}};
  CHECK(input_of(input) == Json::object());
  CHECK(input_of("hunter2") == Json::object());
}

TEST_CASE("arguments that were allowed are kept without secrets, contents of files and paths") {
  const Privacy privacy{.arguments = true};
  const Json kept = input_of({{"command", "curl -H 'Authorization: Bearer abcdefgh12' x"},
                              {"file_path", "/a/b"},
                              {"content", "text"},
                              {"old_string", "text"},
                              {"timeout", 5},
                              {"password", "hunter2"},
                              {"deep", {{"token", "hunter2"}, {"list", {"a\x1b[1m", nullptr}}}}},
                             privacy)["arguments"];
  CHECK(kept == Json{{"command", "curl -H 'Authorization: Bearer [redacted]' x"},
                     {"timeout", 5},
                     {"password", "[redacted]"},
                     {"deep", {{"token", "[redacted]"}, {"list", {"a [1m", nullptr}}}}});
  CHECK(input_of({{"file_path", "/a/b"}}, {.arguments = true, .paths = true})["arguments"]["file_path"] == "/a/b");
  Json large = Json::array();
  for (int i = 0; i < 20; ++i) large.push_back(std::string(4'000, 'x'));
  CHECK_FALSE(input_of({{"list", large}}, privacy).contains("arguments"));
}

TEST_CASE("each of the four is allowed by itself") {
  Json context = Json::object();
  describe_prompt(context, "do it", 5, {.arguments = true, .paths = true, .errors = true});
  CHECK(context == Json{{"prompt_chars", 5}});
  describe_prompt(context, "do it", 5, {.prompts = true});
  CHECK(context["prompt"] == "do it");

  CHECK(describe_error(context, "boom", 4, {.prompts = true, .arguments = true, .paths = true}) == "");
  CHECK(describe_error(context, "boom \x1b[31m token=abc", 4, {.errors = true}) == "boom  [31m token=[redacted]");

  CHECK_FALSE(
      input_of({{"file_path", "/a"}}, {.prompts = true, .arguments = true, .errors = true}).contains("file_path"));
  CHECK(input_of({{"file_path", "/a"}}, {.paths = true})["file_path"] == "/a");
}

TEST_CASE("of an error its length and the code of a process are kept") {
  Json context = Json::object();
  CHECK(describe_error(context, "Exit code 127\nhunter2", 21, {}) == "");
  CHECK(context == Json{{"exit_code", 127}, {"error_chars", 21}});
  context = Json::object();
  describe_error(context, "Exit code X", 11, {});
  CHECK(context == Json{{"error_chars", 11}});
}

TEST_CASE("a command is a word after a slash, not a path or a sentence") {
  CHECK(command_of("/plan-product now") == "/plan-product");
  CHECK(command_of("/plugin:do_it\nmore") == "/plugin:do_it");
  CHECK(command_of("/help") == "/help");
  for (const char* prompt : {"", "/", "/ x", "plan", " /plan", "/usr/bin/x is broken", "/a/b", "/é", "/a\"b"})
    CHECK_MESSAGE(command_of(prompt) == "", prompt);
}

TEST_CASE("a name of somebody else is fit for a record") {
  CHECK(clean_name("mcp__a__b") == "mcp__a__b");
  CHECK(clean_name("a\nb\x1b\x7F") == "a b  ");
  CHECK(clean_name(std::string(254, 'x') + "é") == std::string(254, 'x'));
  CHECK(clean_name(std::string(253, 'x') + "é").size() == 255);
}
