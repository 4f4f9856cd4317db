// Who makes records value by value is told the same as who makes them as JSON.
#include "fortium/schema/check_row.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "support/fakes.h"

using namespace fortium;
using namespace fortium::schema;

namespace {

constexpr std::string_view kWords[] = {"red", "green"};
constexpr Field kItem{.name = "item", .type = Text{}, .doc = "A text."};
constexpr Field kShape[] = {
    {.name = "id", .type = Text{.max_chars = 5}, .doc = "D."},
    {.name = "lines", .type = Text{.multiline = true}, .doc = "D.", .need = Need::optional},
    {.name = "whole", .type = Integer{.min = -5, .max = 9}, .doc = "D.", .need = Need::optional},
    {.name = "number", .type = Number{.min = -1.5, .max = 2.5}, .doc = "D.", .need = Need::optional},
    {.name = "word", .type = OneOf{kWords}, .doc = "D.", .need = Need::optional},
    {.name = "time", .type = Timestamp{}, .doc = "D.", .need = Need::optional},
    {.name = "flag", .type = Boolean{}, .doc = "D.", .need = Need::optional},
    {.name = "detail", .type = Object{.max_bytes = 20}, .doc = "D.", .need = Need::optional},
    {.name = "items", .type = List{.item = &kItem}, .doc = "D.", .need = Need::optional},
};
const WallTime kNow = from_ms(test::FakeClock::kStart);

std::size_t place_of(std::string_view name) {
  std::size_t place = 0;
  while (kShape[place].name != name) ++place;
  return place;
}

// What both say of one value, which must be the same; "" where it is right, and then the rows are the same, too.
std::string of(std::string_view name, Value value, Json json) {
  Row row(std::size(kShape));
  row[0] = std::string("id");
  row[place_of(name)] = std::move(value);
  const auto wrong = check_row(kShape, row, kNow);
  Json object = {{"id", "id"}};
  object[std::string(name)] = std::move(json);
  const Checked other = check(kShape, object, Edge::record, kNow);
  CHECK(to_text(wrong) == to_text(other.violations));
  if (wrong.empty()) CHECK(row == other.row);
  return to_text(wrong);
}

std::string of_text(std::string_view name, const std::string& text) { return of(name, text, text); }

}  // namespace

TEST_CASE("a row is checked as the JSON that it stands for") {
  CHECK(of_text("id", "12345").empty());
  CHECK(of_text("id", "123456") == "/id: has 6 characters, limit is 5");
  CHECK(of_text("id", "") == "/id: must not be empty");
  CHECK(of_text("id", "a\nb") == "/id: must not contain control characters");
  CHECK(of_text("lines", "a\nb").empty());
  CHECK(of("whole", std::int64_t{9}, 9).empty());
  CHECK(of("whole", std::int64_t{10}, 10) == "/whole: must be a whole number from -5 to 9");
  CHECK(of("number", 2.5, 2.5).empty());
  CHECK(of("number", 2.6, 2.6) == "/number: must be a number from -1.5 to 2.5");
  CHECK(of("number", -0.0, -0.0).empty());
  CHECK(of_text("word", "green").empty());
  CHECK(of_text("word", "blue") == "/word: must be one of red, green");
  CHECK(of_text("time", "2026-01-01T00:00:00.5+01:00").empty());
  CHECK_FALSE(of_text("time", "yesterday").empty());
  CHECK(of_text("time", "1999-12-31T23:59:59Z") == "/time: must be from 2000-01-01 to one day ahead");
  CHECK(of("flag", std::int64_t{1}, true).empty());
  CHECK(of("flag", std::string("yes"), "yes") == "/flag: must be true or false");
  CHECK(of("detail", std::string(R"({"a":"1234567890"})"), {{"a", "1234567890"}}).empty());
  CHECK(of("detail", std::string(R"({"a":"1234567890abc"})"), {{"a", "1234567890abc"}}) ==
        "/detail: is 21 bytes of JSON, limit is 20");
  CHECK(of("items", std::string(R"(["a"])"), {"a"}).empty());
}

TEST_CASE("a value of another type is refused") {
  CHECK(of("id", std::int64_t{1}, 1) == "/id: must be a string");
  CHECK_FALSE(of("whole", std::string("1"), "1").empty());
  CHECK_FALSE(of("number", std::string("1"), "1").empty());
  CHECK_FALSE(of("word", std::int64_t{1}, 1).empty());
  CHECK_FALSE(of("time", std::int64_t{1}, 1).empty());
  CHECK(of("detail", std::int64_t{1}, 1) == "/detail: must be an object");
  CHECK(of("items", std::int64_t{1}, 1) == "/items: must be an array");
}

TEST_CASE("what is required of a complete record is required of a row") {
  Row row(std::size(kShape));
  CHECK(to_text(check_row(kShape, row, kNow)) == "/id: is required");
}
