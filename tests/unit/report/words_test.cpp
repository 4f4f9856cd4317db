#include "fortium/report/words.h"

#include <doctest/doctest.h>

#include <string>

#include "support/dice.h"

using namespace fortium;
using namespace fortium::report;

TEST_CASE("numbers as people read them") {
  CHECK(with_thousands(0) == "0");
  CHECK(with_thousands(-1234) == "-1,234");
  CHECK(with_thousands(1'234'567) == "1,234,567");
  CHECK(human_tokens(9'999) == "9,999");
  CHECK(human_tokens(10'000) == "10.0k");
  CHECK(human_tokens(999'949) == "999.9k");
  CHECK(human_tokens(999'950) == "1.0M");
  CHECK(human_tokens(1'234'567'890) == "1.2G");
  CHECK(human_ms(9.94) == "9.9 ms");
  CHECK(human_ms(850) == "850 ms");
  CHECK(human_ms(12'400) == "12.4 s");
  CHECK(human_ms(119'999) == "120.0 s");
  CHECK(human_ms(120'000) == "2 min");
  CHECK(human_ms(3 * 3'600'000.0 + 5 * 60'000) == "3 h 05 min");
}

TEST_CASE("the width of a text is that of a terminal") {
  CHECK(width_of("Bash") == 4);
  CHECK(width_of("größe") == 5);
  CHECK(width_of("日本") == 4);
  CHECK(width_of("e\u0301") == 1);
  CHECK(width_of("🎉") == 2);
}

TEST_CASE("a text that is too long loses its end, never half a character") {
  CHECK(shortened("abcdef", 6) == "abcdef");
  CHECK(shortened("abcdef", 5) == "abcd…");
  CHECK(shortened("日本語", 4) == "日…");
  CHECK(shortened("日本語", 1) == "…");
  test::Dice dice(5);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (std::int64_t i = dice.between(0, 30); i > 0; --i) text += dice.one_in(3) ? "語" : dice.one_in(2) ? "é" : "x";
    for (std::size_t width = 1; width < 20; ++width) CHECK(width_of(shortened(text, width)) <= width);
  }
}

TEST_CASE("what steers a terminal, or the direction of writing, does not reach it") {
  CHECK(harmless("a\x1b[31mb\r\n\t\x7f") == "a�[31mb����");
  CHECK(harmless("a\u202eb\u200bc\u2066d") == "a�b�c�d");
  CHECK(harmless("\u009b31m") == "�31m");
  CHECK(harmless("ok – 日本 🎉") == "ok – 日本 🎉");
  CHECK(harmless("\xff\xc3(\xe2\x82") == "��(��");
  CHECK(harmless("\xed\xa0\x80").find('\xed') == std::string::npos);
}

TEST_CASE("without Unicode, the same width in ASCII") {
  CHECK(to_ascii("a – b · c…") == "a - b - c~");
  CHECK(to_ascii("▁▂▃▄▅▆▇█") == "_.-=+*%#");
  CHECK(to_ascii("日本x") == "????x");
  CHECK(to_ascii("e\u0301") == "e");
}
