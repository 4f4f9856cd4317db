// The largest answer of a session, against a program that has nothing to do but to write as many bytes.
#include <fstream>

#include "measure.h"
#include "session.h"

namespace bench {

namespace {

// The echo answers each line with the file, so it is not greeted.
class Echo {
 public:
  explicit Echo(const Command& command) : child_(command) {}

  Seconds ask(std::size_t expected) {
    const auto begin = Clock::now();
    child_.send(kQuestion);
    const std::string answer = child_.read_line();
    const Seconds time = Clock::now() - begin;
    if (answer.size() != expected) throw Failure{"the echo answers with " + std::to_string(answer.size()) + " bytes"};
    return time;
  }

 private:
  static constexpr std::string_view kQuestion = R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}})"
                                                "\n";

  Child child_;
};

}  // namespace

Rows measure_tools_list(const Bench& bench) {
  const TempDir dir = bench.scratch();
  Session ours(bench.mcp(dir));
  std::string answer;
  ours.list_tools(answer);
  const std::string blob = answer;
  std::ofstream(dir.file("answer")) << blob << '\n';
  Echo echo(bench.echo(dir, dir.file("answer")));

  Samples our_times, echo_times;
  const int lists = bench.effort().lists_a_round;
  take_turns(
      bench.effort().rounds,
      [&] {
        for (int i = 0; i < lists; ++i) our_times.add(ours.list_tools(answer));
      },
      [&] {
        for (int i = 0; i < lists; ++i) echo_times.add(echo.ask(blob.size()));
      });
  ours.finish();
  return {{.name = "tools/list: p50",
           .ours = our_times.median(),
           .floor = echo_times.median(),
           .budget = ratio_at_most(3),
           .note = std::to_string(blob.size()) + " bytes"}};
}

}  // namespace bench
