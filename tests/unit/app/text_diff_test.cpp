// The difference of two texts, as `patch` reads it.
#include "app/text_diff.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/dice.h"

using namespace fortium;
using fortium::app::unified_diff;

namespace {

std::string diff(std::string_view before, std::string_view after) { return unified_diff(before, after, "a", "b"); }

// What `patch` makes of it: no fuzz, every line as told.
std::string patched(std::string_view before, std::string_view told) {
  const auto next = [](std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    return line;
  };
  std::string out;
  std::size_t taken = 0;  // lines of `before`
  REQUIRE(next(told) == "--- a\n");
  REQUIRE(next(told) == "+++ b\n");
  while (!told.empty()) {
    std::string_view line = next(told);
    if (line.starts_with("@@ -")) {
      const std::size_t first = std::stoul(std::string(line.substr(4)));
      const bool none = line.substr(0, line.find(" +")).ends_with(",0");
      for (; taken + (none ? 0 : 1) < first; ++taken) out += next(before);
      continue;
    }
    std::string text(line.substr(1));
    if (told.starts_with("\\")) {
      text.pop_back();
      next(told);
    }
    if (line[0] != '+') {
      REQUIRE(next(before) == text);
      ++taken;
    }
    if (line[0] != '-') out += text;
  }
  return out + std::string(before);
}

}  // namespace

TEST_CASE("equal texts have no difference") {
  CHECK(diff("", "") == "");
  CHECK(diff("a\nb", "a\nb") == "");
}

TEST_CASE("a change is told with three lines around it") {
  CHECK(diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n") ==
        "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
  CHECK(diff("", "a\nb\n") == "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  CHECK(diff("a\n", "") == "--- a\n+++ b\n@@ -1 +0,0 @@\n-a\n");
  CHECK(diff("a", "a\n") == "--- a\n+++ b\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
}

TEST_CASE("changes that are far from each other are told apart") {
  const std::string told = diff("x\n1\n2\n3\n4\n5\n6\n7\ny\n", "1\n2\n3\n4\n5\n6\n7\n");
  CHECK(told == "--- a\n+++ b\n@@ -1,4 +1,3 @@\n-x\n 1\n 2\n 3\n@@ -6,4 +5,3 @@\n 5\n 6\n 7\n-y\n");
}

TEST_CASE("what is told leads from one text to the other") {
  test::Dice dice(3);
  const auto text = [&dice] {
    std::string out;
    for (std::size_t n = dice.below(30); n > 0; --n) out += dice.letters(1).substr(0, dice.below(2)) + "\n";
    if (dice.one_in(3)) out += "end";
    return out;
  };
  for (int i = 0; i < 3'000; ++i) {
    const std::string before = text(), after = text();
    CAPTURE(before);
    CAPTURE(after);
    if (before != after) REQUIRE(patched(before, diff(before, after)) == after);
  }
}

TEST_CASE("texts too long to be compared line by line are told as replaced") {
  std::string before, after;
  for (int i = 0; i < 3'000; ++i) before += std::to_string(i) + "\n", after += std::to_string(-i - 1) + "\n";
  CHECK(patched("same\n" + before, diff("same\n" + before, "same\n" + after)) == "same\n" + after);
}
