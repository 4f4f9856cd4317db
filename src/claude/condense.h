// A hook's event, read as a stream and made small: a file of 50 MB that a tool returned passes through, and its size is
// what is kept of it.
//
// What comes out is JSON of at most kMostBytes. Strings are cut after kStringBytes, what lies deeper than kLevels is
// null, and a member of the event that is larger than kMemberBytes after that is null too. How large each member was is
// told. Half surrogates, which JavaScript writes and JSON forbids, become U+FFFD. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "fortium/base/json.h"

namespace fortium::claude {

constexpr std::size_t kStringBytes = 4 << 10;
constexpr std::size_t kMemberBytes = 64 << 10;
constexpr std::size_t kMostBytes = 256 << 10;
constexpr std::size_t kMostMembers = 60;
constexpr int kLevels = 12;

struct Size {
  std::int64_t bytes = 0;  // of its JSON text, without blanks around
  std::int64_t chars = 0;  // of a string: code points
  std::int64_t lines = 0;  // ends of lines, in all the strings of it
};

struct Condensed {
  std::string text;                               // JSON, an object
  std::map<std::string, Size, std::less<>> size;  // of each member, as it came
};

class Condenser {
 public:
  void feed(std::string_view bytes);
  // invalid: it was no JSON object, or not a whole one.
  Result<Condensed> finish();

 private:
  void outside_string(char c);
  void begin_value();
  void end_member();
  void open(char c);
  void close(char c);
  void begin_string();
  void in_string(char c);
  void end_string();
  void unit(std::string_view unit, bool first_byte);
  void escape(std::string_view escaped);
  void put(std::string_view text);

  Condensed out_;
  enum class State { before, inside, done, wrong } state_ = State::before;
  int depth_ = 0;
  bool string_ = false, key_ = false;  // inside a string; which is the key of a member of the event
  bool member_ = false;                // inside the value of a member
  bool dropped_ = false;               // the value is larger than what is kept
  bool cut_ = false;                   // so is the string
  std::size_t kept_ = 0;               // bytes of the string
  std::string escape_, high_;          // what there is of an escape; one that waits for its second half
  std::string name_;
  std::size_t begin_ = 0;  // of the member's value, in text
  Size size_;
};

}  // namespace fortium::claude
