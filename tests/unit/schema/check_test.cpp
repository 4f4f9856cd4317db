// The rules of every type, at their limits and one beyond.
#include "fortium/schema/check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/fakes.h"

using namespace fortium;
using namespace fortium::schema;

namespace {

constexpr std::string_view kWords[] = {"red", "green"};
constexpr Field kInner[] = {
    {.name = "low", .type = Integer{.min = 0, .max = 9}, .doc = "A number."},
    {.name = "note", .type = Text{}, .doc = "A text.", .need = Need::optional},
};
constexpr Field kItem{.name = "item", .type = Text{.max_chars = 3}, .doc = "A text."};
constexpr Alias kFlag[] = {{"ok", Convert::success_flag}};
constexpr Alias kMinutes[] = {{"minutes", Convert::minutes_to_ms}};
constexpr Alias kOther[] = {{"other_number"}, {"third_number"}};
constexpr std::string_view kStatus[] = {"success", "error"};
constexpr Field kShape[] = {
    {.name = "text", .type = Text{}, .doc = "D.", .need = Need::optional},
    {.name = "empty", .type = Text{.min_chars = 0, .max_chars = 2}, .doc = "D.", .need = Need::optional},
    {.name = "long", .type = Text{.min_chars = 2}, .doc = "D.", .need = Need::optional},
    {.name = "lines", .type = Text{.multiline = true}, .doc = "D.", .need = Need::optional},
    {.name = "whole", .type = Integer{.min = -5, .max = 1000}, .doc = "D.", .need = Need::optional},
    {.name = "big", .type = Integer{.min = INT64_MIN, .max = INT64_MAX}, .doc = "D.", .need = Need::optional},
    {.name = "number", .type = Number{.min = -1.5, .max = 2.5}, .doc = "D.", .need = Need::optional, .aliases = kOther},
    {.name = "flag", .type = Boolean{}, .doc = "D.", .need = Need::optional},
    {.name = "word", .type = OneOf{kWords}, .doc = "D.", .need = Need::optional},
    {.name = "status", .type = OneOf{kStatus}, .doc = "D.", .need = Need::optional, .aliases = kFlag},
    {.name = "time", .type = Timestamp{}, .doc = "D.", .need = Need::optional},
    {.name = "length", .type = Number{.min = 0, .max = 1e9}, .doc = "D.", .need = Need::optional, .aliases = kMinutes},
    {.name = "detail", .type = Object{.max_members = 2, .max_bytes = 40}, .doc = "D.", .need = Need::optional},
    {.name = "inner", .type = Object{.fields = kInner}, .doc = "D.", .need = Need::optional},
    {.name = "list", .type = List{.item = &kItem, .max_items = 3}, .doc = "D.", .need = Need::optional},
    {.name = "hidden", .type = Text{}, .doc = "D.", .need = Need::optional, .given = Given::record},
};
static_assert(well_formed(kShape));

const WallTime kNow = from_ms(test::FakeClock::kStart);

Checked check_text(const std::string& json, Edge edge = Edge::call) {
  auto parsed = parse_json(json);
  if (!parsed) FAIL(json << ": " << parsed.error().what);
  return check(kShape, *parsed, edge, kNow);
}
// What is wrong with {"field":json}.
std::string wrong(const std::string& field, const std::string& json) {
  return to_text(check_text("{\"" + field + "\":" + json + "}").violations);
}
Value value(const std::string& field, const std::string& json, Edge edge = Edge::call) {
  const Checked checked = check_text("{\"" + field + "\":" + json + "}", edge);
  CHECK_MESSAGE(checked.ok(), to_text(checked.violations));
  for (const Value& one : checked.row)
    if (one.index() != 0) return one;
  return {};
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("text is counted in characters, whatever their bytes") {
  CHECK(wrong("text", json_string(repeated("x", 255))) == "");
  CHECK(wrong("text", json_string(repeated("x", 256))) == "/text: has 256 characters, limit is 255");
  CHECK(wrong("text", json_string(repeated("😀", 255))) == "");
  CHECK(wrong("text", json_string(repeated("😀", 256))) == "/text: has 256 characters, limit is 255");
  CHECK(wrong("text", json_string(repeated("ä", 255))) == "");
  CHECK(wrong("text", "\"" + repeated("\\ud83d\\ude00", 255) + "\"") == "");
  CHECK(wrong("text", json_string(repeated("e\u0301", 128))) == "/text: has 256 characters, limit is 255");
  CHECK(wrong("text", "\"\"") == "/text: must not be empty");
  CHECK(wrong("empty", "\"\"") == "");
  CHECK(wrong("empty", "\"abc\"") == "/empty: has 3 characters, limit is 2");
  CHECK(wrong("long", "\"a\"") == "/long: must have at least 2 characters");
  CHECK(wrong("long", "\"ab\"") == "");
  CHECK(std::get<std::string>(value("text", R"("a\"b\\cä")")) == "a\"b\\cä");
}

TEST_CASE("control characters are refused; lines only where they are expected") {
  for (const char* bad : {R"("\u0000")", R"("a\u0000b")", R"("\u0001")", R"("\u001f")", R"("\u007f")", R"("\n")",
                          R"("\r")", R"("\t")", R"("\b")"}) {
    CAPTURE(bad);
    CHECK(wrong("text", bad) == "/text: must not contain control characters");
  }
  CHECK(wrong("lines", R"("a\n\tb\r\n")") == "");
  for (const char* bad : {R"("\u0000")", R"("\u000b")", R"("\f")", R"("\u001b[31m")", R"("\u007f")"}) {
    CAPTURE(bad);
    CHECK(wrong("lines", bad) == "/lines: must not contain control characters");
  }
  CHECK(wrong("text", R"("\u0080\u00a0\u2028\ufeff")") == "");  // beyond ASCII nothing is judged
}

TEST_CASE("a whole number is whole, however it is written") {
  CHECK(std::get<std::int64_t>(value("whole", "3")) == 3);
  CHECK(std::get<std::int64_t>(value("whole", "3.0")) == 3);
  CHECK(std::get<std::int64_t>(value("whole", "1e3")) == 1000);
  CHECK(std::get<std::int64_t>(value("whole", "-0")) == 0);
  CHECK(std::get<std::int64_t>(value("whole", "-0.0")) == 0);
  CHECK(std::get<std::int64_t>(value("whole", "-5")) == -5);
  const std::string why = "/whole: must be a whole number from -5 to 1000";
  for (const char* bad : {"-6", "1001", "1.5", "1000.5", "1e300", "-1e300", "9223372036854775808",
                          "18446744073709551615", "18446744073709551616", "\"3\"", "true", "[3]", "{}"}) {
    CAPTURE(bad);
    CHECK(wrong("whole", bad) == why);
  }
}

TEST_CASE("the largest numbers are themselves, not their neighbours") {
  CHECK(std::get<std::int64_t>(value("big", "9223372036854775807")) == INT64_MAX);
  CHECK(std::get<std::int64_t>(value("big", "-9223372036854775808")) == INT64_MIN);
  CHECK(std::get<std::int64_t>(value("big", "9007199254740993")) == 9007199254740993);
  CHECK(wrong("big", "9223372036854775808") != "");   // 2^63
  CHECK(wrong("big", "18446744073709551615") != "");  // 2^64 - 1: not -1
  CHECK(wrong("big", "18446744073709551616") != "");  // 2^64
  CHECK(wrong("big", "9223372036854775808.0") != "");
  CHECK(wrong("big", "-9223372036854775808.0") == "");
}

TEST_CASE("a number keeps its fraction, and nought has no sign") {
  CHECK(std::get<double>(value("number", "0.1")) == 0.1);
  CHECK(std::get<double>(value("number", "2")) == 2.0);
  CHECK(std::get<double>(value("number", "2.5")) == 2.5);
  CHECK(std::get<double>(value("number", "-1.5")) == -1.5);
  CHECK_FALSE(std::signbit(std::get<double>(value("number", "-0.0"))));
  CHECK_FALSE(std::signbit(std::get<double>(value("number", "-0"))));
  CHECK_FALSE(std::signbit(std::get<double>(value("number", "-1e-999"))));
  const std::string why = "/number: must be a number from -1.5 to 2.5";
  for (const char* bad :
       {"2.5000000000000004", "-1.5000000000000002", "1e300", "18446744073709551615", "\"1\"", "true", "[]"}) {
    CAPTURE(bad);
    CHECK(wrong("number", bad) == why);
  }
}

TEST_CASE("flags and words") {
  CHECK(std::get<std::int64_t>(value("flag", "true")) == 1);
  CHECK(std::get<std::int64_t>(value("flag", "false")) == 0);
  for (const char* bad : {"0", "1", "\"true\"", "{}"}) CHECK(wrong("flag", bad) == "/flag: must be true or false");
  CHECK(std::get<std::string>(value("word", "\"green\"")) == "green");
  for (const char* bad : {"\"Green\"", "\"blue\"", "\"\"", "1", "true"})
    CHECK(wrong("word", bad) == "/word: must be one of red, green");
}

TEST_CASE("times are from the year 2000 to one day ahead, and kept in milliseconds") {
  CHECK(std::get<std::int64_t>(value("time", "\"2026-01-02T02:54:05.678Z\"")) == test::FakeClock::kStart);
  CHECK(wrong("time", "\"2000-01-01T00:00:00Z\"") == "");
  CHECK(wrong("time", "\"1999-12-31T23:59:59.999Z\"") == "/time: must be from 2000-01-01 to one day ahead");
  CHECK(wrong("time", "\"2000-01-01T00:30:00+01:00\"") == "/time: must be from 2000-01-01 to one day ahead");
  CHECK(wrong("time", "\"2026-01-03T02:54:05.678Z\"") == "");
  CHECK(wrong("time", "\"2026-01-03T02:54:05.679Z\"") == "/time: must be from 2000-01-01 to one day ahead");
  for (const char* bad : {"\"2026-01-02\"", "\"\"", "1767322445678", "true", "{}"})
    CHECK(wrong("time", bad).starts_with("/time: must be an RFC 3339 date and time"));
}

TEST_CASE("free-form detail is kept to the byte, up to its size") {
  CHECK(std::get<std::string>(value("detail", R"({"b": 1.50, "a": [null]})")) == R"({"a":[null],"b":1.5})");
  CHECK(std::get<std::string>(value("detail", "{}")) == "{}");
  CHECK(wrong("detail", R"({"a":1,"b":2})") == "");
  CHECK(wrong("detail", R"({"a":1,"b":2,"c":3})") == "/detail: has 3 members, limit is 2");
  CHECK(wrong("detail", "{\"a\":" + json_string(repeated("x", 32)) + "}") == "");
  CHECK(wrong("detail", "{\"a\":" + json_string(repeated("x", 33)) + "}") ==
        "/detail: is 41 bytes of JSON, limit is 40");
  CHECK(wrong("detail", "{\"a\":" + json_string(repeated("ä", 17)) + "}") ==
        "/detail: is 42 bytes of JSON, limit is 40");
  for (const char* bad : {"[]", "\"x\"", "1", "true"}) CHECK(wrong("detail", bad) == "/detail: must be an object");
}

TEST_CASE("an object with fields has those, and every place in it is named") {
  CHECK(wrong("inner", R"({"low":9,"note":"n"})") == "");
  CHECK(wrong("inner", "{}") == "/inner/low: is required");
  CHECK(wrong("inner", R"({"low":10,"note":"","what":1})") ==
        "/inner/low: must be a whole number from 0 to 9; /inner/note: must not be empty; /inner/what: is not a field "
        "(fields: low, note)");
}

TEST_CASE("lists have a length, and every item is looked at") {
  CHECK(std::get<std::string>(value("list", R"(["a","b"])")) == R"(["a","b"])");
  CHECK(std::get<std::string>(value("list", "[]")) == "[]");
  CHECK(wrong("list", R"(["a","b","c"])") == "");
  CHECK(wrong("list", R"(["a","b","c","d"])") == "/list: has 4 items, limit is 3");
  CHECK(wrong("list", R"(["long",1,"ok"])") == "/list/0: has 4 characters, limit is 3; /list/1: must be a string");
  for (const char* bad : {"{}", "\"a\"", "1"}) CHECK(wrong("list", bad) == "/list: must be an array");
}

TEST_CASE("null is absent") {
  for (const Field& field : kShape) {
    if (field.given == Given::record) continue;
    const Checked checked = check_text("{\"" + std::string(field.name) + "\":null}");
    CHECK(checked.ok());
    for (const Value& one : checked.row) CHECK(one.index() == 0);
  }
  CHECK(wrong("ok", "null") == "");
}

TEST_CASE("a synonym is the field, with its own way of saying it") {
  CHECK(std::get<std::string>(value("ok", "true")) == "success");
  CHECK(std::get<std::string>(value("ok", "false")) == "error");
  CHECK(wrong("ok", "1") == "/ok: must be true or false");
  CHECK(std::get<double>(value("minutes", "1.5")) == 90'000);
  CHECK(std::get<double>(value("minutes", "1440")) == 86'400'000);
  for (const char* bad : {"1440.1", "-1", "\"5\"", "1e300"})
    CHECK(wrong("minutes", bad) == "/minutes: must be a number from 0 to 1440");
  CHECK(std::get<double>(value("third_number", "1")) == 1);
  CHECK(wrong("third_number", "9") == "/third_number: must be a number from -1.5 to 2.5");
}

TEST_CASE("two names of one field must agree") {
  CHECK(check_text(R"({"number":1,"other_number":1.0,"third_number":1e0})").ok());
  CHECK(check_text(R"({"status":"error","ok":false})").ok());
  CHECK(check_text(R"({"number":1,"other_number":null})").ok());
  CHECK(to_text(check_text(R"({"number":1,"other_number":2})").violations) ==
        "/other_number: says otherwise than another name of number");
  CHECK_FALSE(check_text(R"({"status":"success","ok":false})").ok());
}

TEST_CASE("a field that was given wrongly is not also missing") {
  static constexpr Field kRequired[] = {
      {.name = "status", .type = OneOf{kStatus}, .doc = "D.", .aliases = kFlag},
      {.name = "length", .type = Number{.min = 0, .max = 1e9}, .doc = "D.", .aliases = kMinutes},
      {.name = "text", .type = Text{}, .doc = "D."},
  };
  const auto text = [](const char* json) {
    return to_text(check(kRequired, *parse_json(json), Edge::call, kNow).violations);
  };
  CHECK(text("{}") == "/status: is required; /length: is required; /text: is required");
  CHECK(text(R"({"status":1,"length":-1,"text":""})") ==
        "/length: must be a number from 0 to 1000000000; /status: must be one of success, error; /text: must not be "
        "empty");
  CHECK(text(R"({"ok":"yes","minutes":-1,"text":"t"})") ==
        "/minutes: must be a number from 0 to 1440; /ok: must be true or false");
  CHECK(text(R"({"status":null,"length":1,"text":"t"})") == "/status: is required");
}

TEST_CASE("what is measured must be told by a caller, and may be unknown in a complete record") {
  static constexpr Field kMeasured[] = {
      {.name = "ms", .type = Number{.min = 0, .max = 10}, .doc = "D.", .need = Need::measured}};
  CHECK(to_text(check(kMeasured, Json::object(), Edge::call, kNow).violations) == "/ms: is required");
  CHECK(check(kMeasured, Json::object(), Edge::record, kNow).ok());
}

TEST_CASE("fields of complete records are not for callers") {
  CHECK(wrong("hidden", "\"x\"").starts_with("/hidden: is not a field (fields: text, "));
  CHECK(wrong("hidden", "\"x\"").find(", hidden") == std::string::npos);
  CHECK(std::get<std::string>(value("hidden", "\"x\"", Edge::record)) == "x");
}

TEST_CASE("a field that nobody knows is named as it was given, escaped") {
  CHECK(wrong("colour", "1").starts_with("/colour: is not a field ("));
  CHECK(wrong("a/b~c", "1").starts_with("/a~1b~0c: is not a field ("));
  CHECK(wrong("", "1").starts_with("/: is not a field ("));
}

TEST_CASE("a caller who uses fields that nobody knows is told once which there are") {
  static constexpr Field kTwo[] = {{.name = "a", .type = Text{}, .doc = "D.", .need = Need::optional},
                                   {.name = "b", .type = Text{}, .doc = "D.", .need = Need::optional}};
  const Json given{{"x", 1}, {"y", 2}};
  CHECK(to_text(check(kTwo, given, Edge::call, kNow).violations) ==
        "/x: is not a field (fields: a, b); /y: is not a field");
  CHECK(to_text(check({}, {{"x", 1}}, Edge::call, kNow).violations) == "/x: is not a field (there are none)");
  CHECK(to_text(check(kTwo, given, Edge::record, kNow).violations) ==
        "/x: is not a field of this record; /y: is not a field of this record");
}

TEST_CASE("what is no object has no fields") {
  for (const char* bad : {"[]", "1", "\"x\"", "null", "true"})
    CHECK(to_text(check_text(bad).violations) == "the value: must be an object");
}

TEST_CASE("no message repeats what was given") {
  const std::string secret = "fm_live_secret";
  for (const Field& field : kShape)
    for (const std::string& json : {json_string(secret), "[\"" + secret + "\"]", "{\"x\":\"" + secret + "\"}"})
      CHECK(wrong(std::string(field.name), json).find(secret) == std::string::npos);
}

TEST_CASE("what was read is written back as the same JSON") {
  const std::string json =
      R"({"text":"a\"ä","whole":-5,"number":0.1,"flag":true,"word":"red","time":"2026-01-02T02:54:05.678Z","detail":{"a":[1]},"list":["a"]})";
  const Checked checked = check_text(json);
  REQUIRE(checked.ok());
  std::string out = "{";
  for (std::size_t i = 0; i < checked.row.size(); ++i) {
    if (checked.row[i].index() == 0) continue;
    if (out.size() > 1) out += ',';
    out += json_string(kShape[i].name) + ":";
    append_value(out, kShape[i], checked.row[i]);
  }
  CHECK(out + "}" == json);
}
