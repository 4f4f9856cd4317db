// The wire form: what is sent later is byte for byte what was accepted.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "fortium/metrics/event.h"
#include "support/dice.h"
#include "support/events.h"

using namespace fortium;
using namespace fortium::metrics;
using test::Dice;

namespace {

const WallTime kNow = from_ms(test::FakeClock::kStart);

// A value that passes the check, of any type.
schema::Value made_up(const schema::Field& field, Dice& dice);

std::string json_object(Dice& dice, std::int64_t most) {
  Json out = Json::object();
  for (std::size_t n = dice.below(static_cast<std::size_t>(std::min<std::int64_t>(most, 4)) + 1); n > 0; --n)
    out[dice.letters(3)] = dice.one_in(2) ? Json("ä\"\\\n😀") : Json::array({1, 2.5, nullptr});
  return dump_json(out);
}

struct Make {
  Dice& dice;

  schema::Value operator()(const schema::Text& type) const {
    constexpr const char* kPieces[] = {"a", "\"", "\\", "/", "ä", "€", "😀", " ", "\x80\x80"};
    std::string out;
    const auto most = static_cast<std::size_t>(std::min<std::int64_t>(type.max_chars, 20));
    for (std::size_t n = static_cast<std::size_t>(type.min_chars) + dice.below(most); n > 0; --n) {
      if (static_cast<std::int64_t>(out.size()) >= type.max_chars) break;
      out += kPieces[dice.below(8)];
    }
    if (type.multiline) out += "\n\t";
    if (out.empty() && type.min_chars > 0) out = "x";
    return out;
  }
  schema::Value operator()(const schema::Integer& type) const { return dice.between(type.min, type.max); }
  schema::Value operator()(const schema::Number& type) const {
    if (dice.one_in(5)) return dice.one_in(2) ? type.min : type.max;
    const double share = static_cast<double>(dice.next() >> 11) / 9007199254740992.0;
    const double number = type.min + (type.max - type.min) * share;
    return dice.one_in(2) ? std::trunc(number) + 0.0 : number;
  }
  schema::Value operator()(const schema::Boolean&) const { return static_cast<std::int64_t>(dice.below(2)); }
  schema::Value operator()(const schema::OneOf& type) const { return std::string(dice.pick(type.words)); }
  schema::Value operator()(const schema::Timestamp&) const {
    return dice.between(946'684'800'000, test::FakeClock::kStart + 86'400'000);
  }
  schema::Value operator()(const schema::Object& type) const { return json_object(dice, type.max_members); }
  schema::Value operator()(const schema::List& type) const {
    Json out = Json::array();
    for (std::size_t n = dice.below(4); n > 0; --n) out.push_back(std::get<std::string>(made_up(*type.item, dice)));
    return dump_json(out);
  }
};

schema::Value made_up(const schema::Field& field, Dice& dice) { return std::visit(Make{dice}, field.type); }

Event read(const Kind& kind, const std::string& json) {
  const auto parsed = parse_json(json);
  REQUIRE(parsed.ok());
  schema::Checked checked = check_event(kind, *parsed, kNow);
  if (!checked.ok()) FAIL(json << ": " << to_text(checked.violations));
  return {&kind, std::move(checked.row)};
}

std::string wrong(const char* kind, const char* json) {
  return to_text(check_event(*find_kind(kind), *parse_json(json), kNow).violations);
}

}  // namespace

TEST_CASE("golden bytes") {
  Event event = test::event_of("tool_usage", "019b7ca0-676e-7100-8000-000000000100");
  event.row[kUserId] = std::string("alice");
  event.row[kSeq] = std::int64_t{7};
  test::value_of(event, "execution_time_ms") = 12.5;
  test::value_of(event, "error_message") = std::string("line 1\n\"line\" 2 ä");
  test::value_of(event, "context") = std::string(R"({"a":1.5,"b":[null]})");
  const std::string wire =
      R"({"id":"019b7ca0-676e-7100-8000-000000000100","timestamp":"2026-01-02T02:54:05.678Z",)"
      R"("recorded_at":"2026-01-02T02:54:05.678Z","session_id":"s1","user_id":"alice","seq":7,"source":"mcp",)"
      R"("tool_name":"Edit","execution_time_ms":12.5,"status":"success","error_message":"line 1\n\"line\" 2 ä",)"
      R"("context":{"a":1.5,"b":[null]}})";
  CHECK(test::wire_of(event) == wire);
  std::string named;
  append_wire(named, event, /*named=*/true);
  CHECK(named == R"({"kind":"tool_usage",)" + wire.substr(1));
}

TEST_CASE("a record of any kind, written, read and written again is the same") {
  Dice dice(11);
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    for (int i = 0; i < 300; ++i) {
      Event event{&kind, schema::Row(kind.shape.size())};
      for (std::size_t at = 0; at < kind.shape.size(); ++at)
        if (kind.shape[at].need == schema::Need::required || dice.one_in(2))
          event.row[at] = made_up(kind.shape[at], dice);
      const std::string wire = test::wire_of(event);
      const Event back = read(kind, wire);
      for (std::size_t at = 0; at < event.row.size(); ++at)
        CHECK_MESSAGE(back.row[at] == event.row[at], kind.shape[at].name);
      CHECK(test::wire_of(back) == wire);
    }
  }
}

TEST_CASE("the version of a record is judged, and not kept") {
  const char* plain = R"({"id":"a","timestamp":"2026-01-02T00:00:00Z","tool_name":"t","status":"success")";
  const Kind& tool = *find_kind("tool_usage");
  CHECK(read(tool, std::string(plain) + R"(,"v":1})").row == read(tool, std::string(plain) + "}").row);
  CHECK(wrong("tool_usage", R"({"tool_name":"t","status":"success","v":0})") ==
        "/v: must be a whole number from 1 to 1");
  CHECK(wrong("tool_usage", R"({"tool_name":"t","status":"success","v":"1"})") != "");
  CHECK(wrong("tool_usage", R"({"tool_name":"t","status":"success","v":1.5})") != "");
  CHECK_FALSE(is_newer(tool, *parse_json(R"({"v":1})")));
  CHECK(is_newer(tool, *parse_json(R"({"v":2})")));
  CHECK(is_newer(tool, *parse_json(R"({"v":18446744073709551615})")));
  for (const char* json : {"{}", R"({"v":"2"})", R"({"v":2.5})", R"({"v":null})", "[]", "2"})
    CHECK_FALSE(is_newer(tool, *parse_json(json)));
}

TEST_CASE("a record may name its kind, and then it must be this one") {
  CHECK(wrong("tool_usage", R"({"kind":"tool_usage","tool_name":"t","status":"success"})") == "");
  CHECK(wrong("tool_usage", R"({"kind":"model_usage","tool_name":"t","status":"success"})") ==
        "/kind: must be tool_usage");
  CHECK(wrong("tool_usage", R"({"kind":7,"tool_name":"t","status":"success"})") == "/kind: must be tool_usage");
  CHECK(wrong("tool_usage", R"({"kind":"x","v":0,"tool_name":"","status":"success"})") ==
        "/v: must be a whole number from 1 to 1; /kind: must be tool_usage; /tool_name: must not be empty");
  CHECK(wrong("tool_usage", "[]") == "the value: must be an object");
}

TEST_CASE("the same content is everything but when it was recorded") {
  const Event a = test::tool_call("a");
  Event b = a;
  b.row[kRecordedAt] = std::int64_t{0};
  CHECK(same_content(a, b));
  for (std::size_t i = 0; i < a.row.size(); ++i) {
    if (i == kRecordedAt) continue;
    Event c = a;
    c.row[i] = std::string("another value");
    CHECK_FALSE(same_content(a, c));
  }
  CHECK_FALSE(same_content(a, test::event_of("command_execution", "a")));
}

TEST_CASE("the documented batch of the earlier service passes, member by member") {
  CHECK(
      wrong(
          "command_execution",
          R"({"command_name":"generate_component","execution_time_ms":1200,"status":"success","command_args":{"type":"react"},"context":{"project":"web_app"}})") ==
      "");
  CHECK(
      wrong(
          "agent_interaction",
          R"({"agent_name":"frontend-developer","interaction_type":"tool_call","input_tokens":300,"output_tokens":800,"processing_time_ms":2100,"success":true,"metadata":{"task":"component_creation"}})") ==
      "");
  CHECK(
      wrong(
          "productivity_metric",
          R"({"metric_type":"completion_rate","value":8.5,"unit":"tasks_per_hour","period_start":"2025-09-08T09:00:00Z","period_end":"2025-09-08T10:00:00Z","dimensions":{"complexity":"medium"}})") ==
      "");
}

TEST_CASE("a record without what only a caller must measure is complete") {
  CHECK(wrong("tool_usage", R"({"tool_name":"t","status":"cancelled"})") == "");
}
