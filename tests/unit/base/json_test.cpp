// What is taken as JSON, and what is refused, with the reason.
#include "fortium/base/json.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "support/dice.h"

using namespace fortium;

namespace {

std::string nested(std::size_t levels, const std::string& open = "[", const std::string& close = "]",
                   const std::string& inside = "") {
  std::string text;
  for (std::size_t i = 0; i < levels; ++i) text += open;
  text += inside;
  for (std::size_t i = 0; i < levels; ++i) text += close;
  return text;
}

std::string refusal(std::string_view text) {
  const auto parsed = parse_json(text);
  if (parsed) return "";
  CHECK(parsed.error().code == Errc::invalid);
  return parsed.error().what;
}

std::string number_text(double number) {
  std::string out;
  append_json_number(out, number);
  return out;
}

std::string pointer(std::string_view name) {
  std::string out = "/a";
  append_pointer(out, name);
  return out;
}

}  // namespace

TEST_CASE("JSON is read as it is") {
  for (const char* text :
       {"null", "true", "0", "-1", "1.5", "\"\"", "[]", "{}", R"({"a":[1,{"b":null}],"c":"\u00e4\n"})",
        "9223372036854775807", "18446744073709551615", "-9223372036854775808"}) {
    CAPTURE(text);
    const auto parsed = parse_json(text);
    REQUIRE(parsed.ok());
    CHECK(*parsed == Json::parse(text));
  }
  CHECK(parse_json(" \t\r\n{ } \n").ok());
}

TEST_CASE("64 levels are read, 65 are refused, of lists and objects alike") {
  const std::size_t limit = kMaxJsonDepth;
  CHECK(parse_json(nested(limit)).ok());
  CHECK(refusal(nested(limit + 1)) == "nested deeper than 64 levels");
  CHECK(parse_json(nested(limit, "{\"a\":", "}", "1")).ok());
  CHECK(refusal(nested(limit + 1, "{\"a\":", "}", "1")) == "nested deeper than 64 levels");
  CHECK(parse_json(nested(limit / 2, "{\"a\":[", "]}", "1")).ok());
  // Levels are of nesting, not a count of brackets.
  std::string wide = "[";
  for (int i = 0; i < 1000; ++i) wide += "[],{},";
  CHECK(parse_json(wide + "1]").ok());
  // Nor does depth cost anything: it is refused where it begins to be too much.
  CHECK(refusal(nested(5'000'000)) == "nested deeper than 64 levels");
  CHECK(refusal(std::string(5'000'000, '[')) == "nested deeper than 64 levels");
}

TEST_CASE("a key given twice in one object is refused, at any depth") {
  CHECK(refusal(R"({"a":1,"a":1})") == "key given twice in one object");
  CHECK(refusal(R"({"x":[{"a":1,"b":2,"a":3}]})") == "key given twice in one object");
  CHECK(refusal(R"({"a":1,"\u0061":2})") == "key given twice in one object");
  CHECK(parse_json(R"({"a":{"a":1},"b":{"a":2}})").ok());
}

TEST_CASE("numbers beyond double are refused, numbers near nothing are nothing") {
  CHECK(refusal("1e999").starts_with("number is beyond double"));
  CHECK(refusal("-1e999").starts_with("number is beyond double"));
  CHECK(refusal("[1.8e308]").starts_with("number is beyond double"));
  CHECK(parse_json("1.7976931348623157e308").ok());
  CHECK(parse_json("1e-999")->get<double>() == 0);
  CHECK(parse_json("18446744073709551616")->is_number_float());
  for (const char* text : {"NaN", "Infinity", "-Infinity", "01", "+1", ".5", "5.", "0x10", "1e", "--1"}) {
    CAPTURE(text);
    CHECK(refusal(text) != "");
  }
}

TEST_CASE("text that is not Unicode is refused") {
  using std::string_literals::operator""s;
  for (const std::string& text :
       {"\"\xff\""s, "\"\xc0\xaf\""s, "\"\xed\xa0\x80\""s, "\"\xf4\x90\x80\x80\""s, "\"\xe2\x82\""s, R"("\ud800")"s,
        R"("\udc00")"s, R"("\udc00\ud800")"s, R"("\ud800x")"s, R"({"\ud800":1})"s}) {
    CAPTURE(text);
    CHECK(refusal(text) != "");
  }
  CHECK(parse_json(R"("\ud83d\ude00")")->get<std::string>() == "😀");
  CHECK(parse_json(R"("\u0000")")->get<std::string>() == std::string(1, '\0'));
}

TEST_CASE("a zero byte, a raw control character and anything after the value are refused") {
  using std::string_literals::operator""s;
  for (const std::string& text : {"{}\0"s, "\0{}"s, "{}\0{}"s, "[1,\0 2]"s, "\"a\0b\""s, "\"a\nb\""s, "{} {}"s, "1 2"s,
                                  "{}x"s, ""s, " "s, "{"s, "\"a"s, "{'a':1}"s, "[1,]"s, "{\"a\":1,}"s, "// x\n1"s}) {
    CAPTURE(text);
    CHECK(refusal(text) != "");
  }
}

TEST_CASE("a refusal says where, and never what was there") {
  const std::string why = refusal(R"({"password":"hunter2","x":tru})");
  CHECK(why.find("hunter2") == why.npos);
  CHECK(why.find("tru") == why.npos);
  CHECK(why == "expected a value at byte 27");
}

TEST_CASE("what is taken and what is refused, another reader takes and refuses too") {
  using std::string_literals::operator""s;
  const std::string pieces[] = {"{",
                                "}",
                                "[",
                                "]",
                                ",",
                                ":",
                                " ",
                                "\t",
                                "\"",
                                "\\",
                                "\"a\"",
                                "\"b\":",
                                "\"\"",
                                "\"\\u00e4\"",
                                "\\ud83d\\ude00",
                                "\\ud800",
                                "\\u12",
                                "\\n",
                                "\\x",
                                "true",
                                "false",
                                "null",
                                "nul",
                                "0",
                                "-",
                                "-0",
                                "1",
                                "12.5",
                                ".",
                                "e",
                                "E+",
                                "1e5",
                                "1e-400",
                                "18446744073709551615",
                                "18446744073709551616",
                                "-9223372036854775808",
                                "-9223372036854775809",
                                "0.1e1",
                                "123456789012345678901234567890",
                                "ä",
                                "€",
                                "😀",
                                "\xc3",
                                "\xed\xa0\x80",
                                "\xf4\x90\x80\x80",
                                "\x7f",
                                "\x01"};
  test::Dice dice(9);
  int taken = 0;
  for (int i = 0; i < 300'000; ++i) {
    std::string text;
    for (std::size_t n = 1 + dice.below(9); n > 0; --n) text += dice.pick(std::span<const std::string>(pieces));
    if (dice.one_in(2)) text = "[" + text + "]";
    if (dice.one_in(4)) text = "{\"k\":" + text + "}";
    const auto ours = parse_json(text);
    if (!ours && ours.error().what == "key given twice in one object") continue;
    const Json theirs = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    CAPTURE(text);
    REQUIRE(ours.ok() == !theirs.is_discarded());
    if (!ours) continue;
    ++taken;
    CHECK(*ours == theirs);
    CHECK(dump_json(*ours) == dump_json(theirs));  // whole numbers and fractions told apart alike
  }
  CHECK(taken > 10'000);
}

TEST_CASE("what is written reads back, whatever its bytes") {
  test::Dice dice(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (std::size_t n = dice.below(20); n > 0; --n) {
      const char* pieces[] = {"a", "\"", "\\", "\n", "\x01", "\x7f", "ä", "€", "😀", "/", "\t", "\x1f"};
      text += pieces[dice.below(12)];
      if (dice.one_in(10)) text += '\0';
    }
    const auto back = parse_json(json_string(text));
    REQUIRE(back.ok());
    CHECK(back->get<std::string>() == text);
    CHECK(dump_json(*back) == dump_json(Json(text)));
  }
}

TEST_CASE("dumping never throws: what is not UTF-8 becomes a replacement character") {
  CHECK(dump_json(Json("a\xff"
                       "b")) ==
        "\"a\xEF\xBF\xBD"
        "b\"");
  CHECK(dump_json(Json{{"a", 1}}) == R"({"a":1})");
  CHECK(dump_json_pretty(Json{{"a", 1}}) == "{\n  \"a\": 1\n}");
}

TEST_CASE("numbers are written as the shortest text that reads back") {
  CHECK(number_text(0) == "0");
  CHECK(number_text(-1) == "-1");
  CHECK(number_text(0.1) == "0.1");
  CHECK(number_text(12.5) == "12.5");
  CHECK(number_text(86'400'000) == "86400000");
  CHECK(number_text(1e15) == "1000000000000000");
  CHECK(number_text(9007199254740991.0) == "9007199254740991");
  test::Dice dice(8);
  for (int i = 0; i < 20'000; ++i) {
    double number = 0;
    const std::uint64_t bits = dice.next();
    static_assert(sizeof number == sizeof bits);
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) continue;
    const std::string text = number_text(number);
    const auto back = parse_json(text);
    REQUIRE_MESSAGE(back.ok(), text);
    CHECK(back->get<double>() == number);
  }
}

TEST_CASE("a JSON pointer escapes what has a meaning in it") {
  CHECK(pointer("b") == "/a/b");
  CHECK(pointer("") == "/a/");
  CHECK(pointer("m~n") == "/a/m~0n");
  CHECK(pointer("a/b") == "/a/a~1b");
  CHECK(pointer("~1") == "/a/~01");
}
