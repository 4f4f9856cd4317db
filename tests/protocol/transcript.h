// A transcript: lines in, lines out, and why. README.md of tests/ tells how to read and write one.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fortium/base/clock.h"

namespace fortium::test {

// Lines that go in together or one after the other, and the lines that are to come out. After time passed, the
// connection ended or the world changed nothing goes in, and what comes out was not asked for.
struct Exchange {
  int line = 0;  // of the file
  std::vector<std::string> in;
  bool group = false;  // all in one read
  std::vector<std::string> out;
};
struct Advance {
  Millis time{0};
};
struct Reconnect {};
// "! store: failing": the world changes.
struct Change {
  int line = 0;
  std::string key, value;
};
// Comments and empty lines, kept for rewriting.
struct Remark {
  std::string text;
};
using Step = std::variant<Exchange, Advance, Reconnect, Change, Remark>;

struct Transcript {
  std::string name;
  std::map<std::string, std::string> header;  // key to value
  std::vector<Step> steps;
  std::vector<std::string> problems;  // "line 7: …"
};

Transcript read_transcript(std::string name, std::string_view text);
// The file again.
std::string to_text(const Transcript& transcript, std::string_view old_text);

// What a `>` line stands for: `>` text as it is, `>\` with \xNN for any byte and \\ for a backslash, `>+ 4194305 bytes`
// for a line that was too long to be kept.
struct Input {
  std::string bytes;
  std::int64_t dropped = 0;
};
Input input_of(std::string_view line);

// Equal to the byte; a bare * in place of a JSON value stands for any value.
bool matches(std::string_view expected, std::string_view actual);

}  // namespace fortium::test
