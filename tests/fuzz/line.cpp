// Whole sessions: lines for Server::handle. An empty line ends a group of lines that came together.
#include <nlohmann/json.hpp>

#include "fortium/mcp/server.h"
#include "fortium/metrics/empty_reader.h"
#include "fuzz/target.h"
#include "support/fakes.h"
#include "support/memory_store.h"

namespace {

using namespace fortium;
using fuzz::must;

void look_at(const std::string& answer) {
  must(answer.find('\n') == answer.npos, "an answer is one line");
  const auto parsed = parse_json(answer);
  must(parsed.ok(), "an answer is JSON");
  const Json list = parsed->is_array() ? *parsed : Json::array({*parsed});
  must(!list.empty(), "a batch of answers is not empty");
  for (const Json& one : list) {
    must(one.is_object() && one.contains("jsonrpc") && one["jsonrpc"] == "2.0", "an answer says jsonrpc 2.0");
    must(one.contains("result") != one.contains("error"), "an answer has one of result and error");
    must(one.contains("id") || one.contains("error"), "a result names its request");
  }
}

struct World {
  test::FakeClock clock;
  test::CountingEntropy entropy;
  test::MemoryRecords records;
  test::MemoryStore store{records};
  metrics::EmptyReader reader;
  metrics::Recorder recorder{store, clock, entropy, {"mcp", "session-1", "alice", "shop"}};
};

const mcp::Catalog& catalog() {
  static const mcp::Catalog all = mcp::standard_catalog();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  World world;
  // A fresh catalog's alerts would cost more than the rest; what they remember only adds to answers.
  mcp::Server server(
      catalog(),
      {world.clock, world.recorder, {}, [&world]() -> Result<metrics::Reader*> { return &world.reader; }, "local"},
      "1.0.0");
  std::vector<rpc::Line> group;
  const auto send = [&] {
    const auto answers = server.handle(group);
    must(answers.size() <= group.size(), "at most one answer a line");
    for (const std::string& answer : answers) look_at(answer);
    group.clear();
  };
  std::string_view left = fuzz::text_of(bytes, size);
  while (!left.empty()) {
    const auto end = left.find('\n');
    const std::string_view line = left.substr(0, end);
    left = end == left.npos ? std::string_view() : left.substr(end + 1);
    if (line.empty())
      send();
    else
      group.push_back({line, 0});
  }
  send();
  return 0;
}
