#include "claude/condense.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace fortium;
using namespace fortium::claude;

namespace {

// In pieces of `piece` bytes: where a piece ends must not matter.
Result<Condensed> condensed(const std::string& text, std::size_t piece = 1 << 20) {
  Condenser condenser;
  for (std::size_t at = 0; at < text.size(); at += piece) condenser.feed(std::string_view(text).substr(at, piece));
  return condenser.finish();
}

Json fields_of(const std::string& text, std::size_t piece = 1 << 20) {
  const auto result = condensed(text, piece);
  REQUIRE(result.ok());
  const auto json = parse_json(result->text);
  REQUIRE_MESSAGE(json.ok(), result->text);
  return *json;
}

std::string string_of(std::size_t bytes) { return "\"" + std::string(bytes, 'x') + "\""; }

}  // namespace

TEST_CASE("a small event comes out as it went in, whatever pieces it comes in") {
  const std::string text =
      R"( { "a" : 1.5e3 , "b\n" : [ true , null, { } , [] ] , "c": "q\"\\\u00e9 é {[,:" , "d":{"e":{"f":"g"}} } )";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000}})
    CHECK(fields_of(text, piece) == *parse_json(text));
}

TEST_CASE("the size of every member is told, and how many characters a text has") {
  const auto result = condensed(R"({"a": "é\n\ud83d\ude00" , "b" : [1, 2], "c":{}})");
  REQUIRE(result.ok());
  CHECK(result->size.at("a").chars == 3);
  CHECK(result->size.at("a").bytes == 18);
  CHECK(result->size.at("b").bytes == 5);
  CHECK(result->size.at("c").bytes == 2);
}

TEST_CASE("a text is kept up to its limit, and cut between characters") {
  CHECK(fields_of("{\"a\":" + string_of(kStringBytes) + "}")["a"].get<std::string>().size() == kStringBytes);
  CHECK(fields_of("{\"a\":" + string_of(kStringBytes + 1) + "}")["a"].get<std::string>().size() == kStringBytes);
  const std::string before(kStringBytes - 1, 'x');
  CHECK(fields_of("{\"a\":\"" + before + "é\"}")["a"] == before + "é");
  CHECK(fields_of("{\"a\":\"" + before + "yé\"}")["a"] == before + "y");
  CHECK(fields_of("{\"a\":\"" + before + "\\ud83d\\ude00z\"}")["a"] == before + "\xF0\x9F\x98\x80");
  CHECK(condensed("{\"a\":" + string_of(3'000'000) + "}")->size.at("a").chars == 3'000'000);
}

TEST_CASE("half a character of JavaScript becomes a mark, not the end of the event") {
  CHECK(fields_of(R"({"a":"x\ud83d","b":"\ude00y","c":"\ud83d\ud83d\ude00","d":"\ud83dz"})") ==
        Json{{"a", "x\uFFFD"}, {"b", "\uFFFDy"}, {"c", "\uFFFD\U0001F600"}, {"d", "\uFFFDz"}});
}

TEST_CASE("a member that is too large, or what lies too deep, is null; what comes after it is kept") {
  std::string many = "[0";
  while (many.size() < kMemberBytes) many += ",\"some text\"";
  const Json fields = fields_of("{\"a\":" + many + "],\"tool_use_id\":\"t\"}");
  CHECK(fields["a"].is_null());
  CHECK(fields["tool_use_id"] == "t");

  const auto nested = [](int levels) {
    const auto n = static_cast<std::size_t>(levels);
    return "{\"a\":" + std::string(n, '[') + "1" + std::string(n, ']') + ",\"b\":2}";
  };
  CHECK(fields_of(nested(kLevels - 1)) == *parse_json(nested(kLevels - 1)));
  CHECK(fields_of(nested(kLevels)) != *parse_json(nested(kLevels)));
  CHECK(fields_of(nested(100'000))["b"] == 2);
}

TEST_CASE("whatever comes, what is kept is bounded, and the names at its end are among it") {
  std::string text = "{";
  for (int i = 0; i < 50; ++i)
    text += "\"m" + std::to_string(i) + "\":[" + string_of(4000) + "," + string_of(9000) + "],";
  text += "\"tool_use_id\":\"t\"}";
  const auto result = condensed(text);
  REQUIRE(result.ok());
  CHECK(result->text.size() < kMostBytes);
  CHECK((*parse_json(result->text))["tool_use_id"] == "t");

  std::string names = "{\"a\":1";
  for (int i = 0; i < 10'000; ++i) names += ",\"n" + std::to_string(i) + "\":" + std::to_string(i);
  CHECK(fields_of(names + "}").size() == kMostMembers);
  CHECK(fields_of("{\"" + std::string(1'000, 'n') + "\":1,\"b\":2}") == Json{{"b", 2}});
}

TEST_CASE("what is no whole object is refused") {
  for (const char* text : {"", " ", "[1]", "null", "\"a\"", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":\"",
                           "{\"a\":[}", "{a:1}", "{[1]:2}"}) {
    CAPTURE(text);
    const auto result = condensed(text);
    CHECK_FALSE((result.ok() && parse_json(result->text).ok()));
  }
  CHECK(fields_of("{}\nanything after it") == Json::object());
}
