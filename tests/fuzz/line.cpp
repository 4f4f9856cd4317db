// Whole sessions of both eras: lines for the server. An empty line ends a group of lines that came together; a line
// that begins with 0x01 comes while the next long work is done, and one with 0x02 lets a second pass.
#include <deque>
#include <nlohmann/json.hpp>

#include "fortium/mcp/server.h"
#include "fortium/metrics/empty_reader.h"
#include "fuzz/target.h"
#include "support/fakes.h"
#include "support/memory_store.h"

namespace {

using namespace fortium;
using fuzz::must;

struct World {
  test::FakeClock clock;
  test::CountingEntropy entropy;
  test::MemoryRecords records;
  test::MemoryStore store{records};
  metrics::EmptyReader reader;
  metrics::Recorder recorder{store, clock, entropy, {"mcp", "session-1", "alice", ""}};
};

const mcp::Catalog& catalog() {
  static const mcp::Catalog all = mcp::standard_catalog();
  return all;
}

// What comes out, held against what went in.
class Judge {
 public:
  void went_in(std::size_t lines) { lines_ += lines; }
  void came_out(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) look_at(line);
    must(answers_ <= lines_, "at most one answer a line");
  }

 private:
  void look_at(const std::string& line) {
    must(line.find('\n') == line.npos, "what comes out is one line");
    const auto parsed = parse_json(line);
    must(parsed.ok(), "what comes out is JSON");
    const Json list = parsed->is_array() ? *parsed : Json::array({*parsed});
    must(!list.empty(), "a batch of answers is not empty");
    if (!parsed->is_object() || !parsed->contains("method")) ++answers_;
    for (const Json& one : list) {
      must(one.is_object() && one.contains("jsonrpc") && one["jsonrpc"] == "2.0", "a message says jsonrpc 2.0");
      if (one.contains("method")) {
        must(!parsed->is_array(), "a batch holds answers only");
        must(!one.contains("id") || one["method"] == "roots/list", "nothing is asked for but roots");
        continue;
      }
      must(one.contains("result") != one.contains("error"), "an answer has one of result and error");
      must(one.contains("id") || one.contains("error"), "a result names its request");
      must(!one.contains("result") || one["result"].is_object(), "a result is an object");
    }
  }

  std::size_t lines_ = 0, answers_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  World world;
  // A fresh catalog's alerts would cost more than the rest; what they remember only adds to answers.
  mcp::Server server(
      catalog(),
      {world.clock, world.recorder, {}, [&world]() -> Result<metrics::Reader*> { return &world.reader; }, "local"},
      "1.0.0");
  Judge judge;
  std::deque<std::string_view> meanwhile;
  server.use([&](std::vector<std::string>& out, std::vector<rpc::Line>* in) {
    judge.came_out(out);
    out.clear();
    world.clock.advance(mcp::kProgressInterval);
    if (in != nullptr && !meanwhile.empty()) {
      in->push_back({meanwhile.front(), 0});
      meanwhile.pop_front();
      judge.went_in(1);
    }
    return true;
  });
  std::vector<rpc::Line> group;
  const auto send = [&] {
    judge.went_in(group.size());
    judge.came_out(server.handle(group));
    while (server.is_behind()) judge.came_out(server.catch_up());
    group.clear();
  };
  std::string_view left = fuzz::text_of(bytes, size);
  while (!left.empty()) {
    const auto end = left.find('\n');
    const std::string_view line = left.substr(0, end);
    left = end == left.npos ? std::string_view() : left.substr(end + 1);
    if (line.empty()) {
      send();
    } else if (line.front() == '\x01') {
      meanwhile.push_back(line.substr(1));
    } else if (line.front() == '\x02') {
      world.clock.advance(mcp::kWatchInterval);
      judge.came_out(server.notices());
    } else {
      group.push_back({line, 0});
    }
  }
  send();
  judge.came_out(server.log(mcp::Severity::error, "sync", "trouble"));
  judge.came_out(server.close());  // requests that stayed open, whose lines had no answer before
  return 0;
}
