// One client's conversation with an MCP server over stdio, timed where it matters and checked everywhere.
//
// The clock runs from just before the first byte goes out to just after the last byte of the answer came in; whether
// the answer is right is looked at after that. A wrong, missing or doubled answer is a Failure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "process.h"

namespace bench {

// Of the protocol: a session begun by `initialize`, or requests that each name their revision (2026-07-28).
enum class Era { session, stateless };

class Session {
 public:
  // Starts the server and greets it.
  explicit Session(const Command& command);

  Seconds start_time() const { return start_; }  // from before the spawn to `initialize` answered
  Seconds call(Era era = Era::session);          // one recorded tool usage
  Seconds list_tools(std::string& answer);
  Seconds pipeline(std::int64_t calls);          // kInFlight at any time
  std::int64_t calls() const { return calls_; }  // answered with success so far
  void finish();                                 // end of input; it must end well

  Child& process() { return child_; }

  static constexpr std::int64_t kInFlight = 64;

 private:
  Seconds exchange(const std::string& line, std::string& answer);

  Clock::time_point begin_;  // first member: the clock runs before the process does
  Child child_;
  Seconds start_{};
  std::int64_t next_id_ = 1;
  std::int64_t calls_ = 0;
};

}  // namespace bench
