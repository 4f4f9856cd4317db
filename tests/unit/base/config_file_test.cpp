// The settings file: read line by line, and edited so that every other line stays as it was.
#include "fortium/base/config_file.h"

#include <doctest/doctest.h>

#include "support/dice.h"

using namespace fortium;
using namespace fortium;

namespace {

std::string shown(std::string_view text) {
  std::string out;
  for (const auto& [key, value] : parse_config(text).values) out += key + "=" + value + ";";
  return out;
}
std::string problems(std::string_view text) {
  std::string out;
  for (const std::string& problem : parse_config(text).problems) out += problem + ";";
  return out;
}
std::string edited(std::string_view text, std::string_view key, std::optional<std::string_view> value) {
  auto out = edit_config(text, key, value);
  REQUIRE(out.ok());
  return *out;
}

}  // namespace

TEST_CASE("strings, whole numbers, flags, tables and comments are read") {
  CHECK(shown("") == "");
  CHECK(shown("a = 1\nb = -7\nc = 1_000\nd = true\n") == "a=1;b=-7;c=1000;d=true;");
  CHECK(shown("a=\"x y\"\nb='x \\n \"y\"'\n") == "a=x y;b=x \\n \"y\";");
  CHECK(shown(R"(a = "q\" b\\ t\t n\n")") == "a=q\" b\\ t\t n\n;");
  CHECK(shown("# c\n\n  a = 1  # why\nb = \"#no comment\" # c\n") == "a=1;b=#no comment;");
  CHECK(shown("a = 1\n[t]\nb = 2\n[ t.u ]\nc = 3\n") == "a=1;t.b=2;t.u.c=3;");
  CHECK(shown("a = 1\r\nb = \"x\"\r\n") == "a=1;b=x;");
  CHECK(shown("a = 1") == "a=1;");  // without a last line end
  CHECK(shown("a = \"ä😀\"") == "a=ä😀;");
  CHECK(problems("# only\n\n[t]\n   \n") == "");
}

TEST_CASE("what cannot be read is told with its line, and the others count") {
  CHECK(problems("a = 1\nnonsense\nb = 2\n") == "line 2: expected key = value;");
  CHECK(shown("a = 1\nnonsense\nb = 2\n") == "a=1;b=2;");
  CHECK(problems("a = x") == "line 1: a: a value is \"text\", a whole number, true or false;");
  CHECK(problems("a = ") != "");
  CHECK(problems("a = 1.5") != "");
  CHECK(problems("a = \"x") == "line 1: a: the string does not end;");
  CHECK(problems("a = \"x\\\"") == "line 1: a: the string does not end;");
  CHECK(problems("a = \"x\" y") == "line 1: a: something follows the string;");
  CHECK(problems("a = 'x' y") != "");
  CHECK(problems("a = \"\\q\"") == "line 1: a: unknown escape in the string;");
  CHECK(problems("a b = 1") == "line 1: expected key = value;");
  CHECK(problems("= 1") == "line 1: expected key = value;");
  CHECK(problems("ä = 1") == "line 1: expected key = value;");
  CHECK(problems("a = [1]") != "");
}

TEST_CASE("a problem never shows the value") {
  for (const char* text : {"api_key = hunter2", "api_key = \"hunter2", "api_key = \"hunter2\" x", "api_key hunter2",
                           "api_key = \"\\q hunter2\""})
    CHECK(problems(text).find("hunter2") == std::string::npos);
}

TEST_CASE("a setting is replaced in its place, added before the first table, or removed") {
  const std::string text = "# mine\nmode = \"local\"  # why\n\nurl = \"u\"\n[privacy]\n# p\npaths = true\n";
  CHECK(edited(text, "mode", "hybrid") == "# mine\nmode = \"hybrid\"\n\nurl = \"u\"\n[privacy]\n# p\npaths = true\n");
  CHECK(edited(text, "batch_size", "20") ==
        "# mine\nmode = \"local\"  # why\n\nurl = \"u\"\nbatch_size = 20\n[privacy]\n# p\npaths = true\n");
  CHECK(edited(text, "url", std::nullopt) == "# mine\nmode = \"local\"  # why\n\n[privacy]\n# p\npaths = true\n");
  CHECK(edited(text, "nothing", std::nullopt) == text);
  CHECK(edited("", "mode", "local") == "mode = \"local\"\n");
  CHECK(edited("a = 1", "b", "2") == "a = 1\nb = 2\n");
  CHECK(edited("[t]\nmode = 1\n", "mode", "local") == "mode = \"local\"\n[t]\nmode = 1\n");
}

TEST_CASE("a setting that is there twice is there once afterwards") {
  CHECK(edited("a = 1\nb = 2\na = 3\n", "a", "4") == "a = 4\nb = 2\n");
  CHECK(edited("a = 1\nb = 2\na = 3\n", "a", std::nullopt) == "b = 2\n");
}

TEST_CASE("line ends of another system are left as they are") {
  CHECK(edited("a = 1\r\nb = 2\r\n", "b", "3") == "a = 1\r\nb = 3\n");
}

TEST_CASE("whatever is written reads back") {
  test::Dice dice(9);
  constexpr const char* kPieces[] = {"\"", "\\", "'", "#", "=", " ", "a", "ä", "😀", "[", "]", "1", "_", "-"};
  for (int i = 0; i < 3'000; ++i) {
    std::string value;
    for (std::size_t n = dice.below(8); n > 0; --n) value += kPieces[dice.below(14)];
    const std::string text = edited("before = 1\n[t]\nx = 2\n", "key", value);
    const ConfigText back = parse_config(text);
    CAPTURE(text);
    REQUIRE(back.problems.empty());
    CHECK(back.values.at("key") == value);
    CHECK(back.values.at("before") == "1");
    CHECK(back.values.at("t.x") == "2");
  }
}

TEST_CASE("a value with a control character is refused") {
  for (const char* value : {"a\nb", "a\rb", "\x01"}) CHECK_FALSE(edit_config("", "a", value).ok());
}
