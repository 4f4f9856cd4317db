// What transcripts cannot show of the server: tools that break, and rows that every client must be able to take.
#include "fortium/mcp/server.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "fortium/metrics/empty_reader.h"
#include "fortium/rpc/message.h"
#include "support/fakes.h"
#include "support/memory_store.h"

using namespace fortium;
using namespace fortium::mcp;

namespace {

struct World {
  test::FakeClock clock;
  test::CountingEntropy entropy;
  test::MemoryRecords records;
  test::MemoryStore store{records};
  metrics::EmptyReader reader;
  metrics::Recorder recorder{store, clock, entropy, {"mcp", "session-1", "alice", "shop"}};

  Context context() {
    return {clock, recorder, {}, [this]() -> Result<metrics::Reader*> { return &reader; }, "local"};
  }
};

constexpr const char* kHello =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})";

Json answer(Server& server, const std::string& line) {
  const auto text = server.handle(line);
  REQUIRE(text);
  return Json::parse(*text);
}

std::string call(const std::string& tool) {
  return R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":")" + tool + R"("}})";
}

Tool broken(std::string_view name, std::function<CallResult(Context&, const Json&)> run) {
  return {.name = name, .title = "Broken", .doc = "Breaks.", .input = {}, .output = {}, .run = std::move(run)};
}

// A tool that looks up twenty times, unless it is told to stop.
Tool long_work(World& world) {
  return broken("long", [&world](Context& context, const Json&) -> CallResult {
    for (int i = 0; i < 20; ++i) {
      world.clock.advance(kProgressInterval);
      if (!context.pulse(i, 0, "working")) break;
    }
    return CallResult::json(Json::object());
  });
}

}  // namespace

TEST_CASE("a tool that breaks is an internal error, and the session goes on") {
  World world;
  Catalog catalog;
  catalog.tools.push_back(broken("bug", [](Context&, const Json&) -> CallResult { throw Bug{"check failed: x"}; }));
  catalog.tools.push_back(broken("library", [](Context&, const Json& arguments) -> CallResult {
    return CallResult::failure(arguments.at("none").get<std::string>());  // what a JSON library throws
  }));
  catalog.tools.push_back(
      broken("other", [](Context&, const Json&) -> CallResult { throw std::runtime_error("secret words"); }));
  catalog.resources.push_back(
      {"x://y", "x", "x", "x", [](Context&, const std::string&) -> Result<Json> { throw std::runtime_error("x"); }});
  Server server(catalog, world.context(), "1");
  answer(server, kHello);
  for (const char* tool : {"bug", "library", "other"}) {
    CAPTURE(tool);
    Json error;
    REQUIRE_NOTHROW(error = answer(server, call(tool)));
    CHECK(error["id"] == 1);
    CHECK(error["error"]["code"] == rpc::kInternalError);
    CHECK(dump_json(error).find("secret") == std::string::npos);
  }
  Json error;
  REQUIRE_NOTHROW(error =
                      answer(server, R"({"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"x://y"}})"));
  CHECK(error["error"]["code"] == rpc::kInternalError);
  CHECK(answer(server, R"({"jsonrpc":"2.0","id":3,"method":"ping"})")["result"] == Json::object());
}

TEST_CASE("a tool that breaks takes nothing of its group along") {
  World world;
  Catalog catalog = standard_catalog();
  catalog.tools.push_back(broken("bug", [](Context&, const Json&) -> CallResult { throw Bug{"x"}; }));
  Server server(catalog, world.context(), "1");
  answer(server, kHello);
  const std::string record =
      R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"record-tool-usage","arguments":{"tool_name":"Edit","execution_time_ms":1,"status":"success"}}})";
  const std::string bug = call("bug");
  const std::vector<rpc::Line> lines = {{record, 0}, {bug, 0}, {record, 0}};
  const auto answers = server.handle(lines);
  REQUIRE(answers.size() == 3);
  CHECK(Json::parse(answers[0])["result"]["isError"] == false);
  CHECK(Json::parse(answers[1])["error"]["code"] == rpc::kInternalError);
  CHECK(Json::parse(answers[2])["result"]["isError"] == false);
  CHECK(world.records.events.size() == 2);
}

TEST_CASE("no lines, no answers") {
  World world;
  const Catalog catalog = standard_catalog();
  Server server(catalog, world.context(), "1");
  CHECK(server.handle(std::span<const rpc::Line>()).empty());
  CHECK_FALSE(server.handle(R"({"jsonrpc":"2.0","method":"notifications/initialized"})"));
}

TEST_CASE("hosts put a prefix before a tool's name, and model interfaces allow 64 signs of few kinds") {
  const Catalog catalog = standard_catalog();
  std::set<std::string_view> names;
  for (const Tool& tool : catalog.tools) {
    CAPTURE(tool.name);
    CHECK(names.insert(tool.name).second);
    const std::string shown = "mcp__fortium-metrics__" + std::string(tool.name);
    CHECK(shown.size() <= 64);
    CHECK(std::ranges::all_of(
        tool.name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }));
    CHECK(tool.doc.ends_with('.'));
    CHECK_FALSE(tool.title.empty());
    CHECK(static_cast<bool>(tool.run));
  }
}

TEST_CASE("every documented tool is there") {
  const Catalog catalog = standard_catalog();
  for (const char* name :
       {"record-session-start", "record-session-end", "record-tool-usage", "get-session-metrics", "get-tool-metrics",
        "record-agent-interaction", "collect_metrics", "query_dashboard", "record-command-execution",
        "record-session-update", "record-productivity-metric", "record-model-usage"})
    CHECK(std::ranges::count(catalog.tools, std::string_view(name), &Tool::name) == 1);
}

TEST_CASE("a resource's address is unique, and has a scheme of its own") {
  const Catalog catalog = standard_catalog();
  std::set<std::string> seen;
  for (const Resource& resource : catalog.resources) {
    CHECK(seen.insert(resource.uri).second);
    CHECK(resource.uri.find("://") != std::string::npos);
    CHECK_FALSE(resource.uri.starts_with("http"));
  }
}

TEST_CASE("a long list comes in pages, and a cursor leads to the next") {
  World world;
  Catalog catalog;
  std::vector<std::string> names;
  for (int i = 0; i < 250; ++i) names.push_back("tool-" + std::to_string(i));
  for (const std::string& name : names)
    catalog.tools.push_back(broken(name, [](Context&, const Json&) -> CallResult { return {}; }));
  Server server(catalog, world.context(), "1");
  answer(server, kHello);
  std::vector<std::string> seen;
  Json params = Json::object();
  std::vector<std::size_t> sizes;
  while (true) {
    const Json result = answer(
        server, dump_json({{"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/list"}, {"params", params}}))["result"];
    sizes.push_back(result["tools"].size());
    for (const Json& tool : result["tools"]) seen.push_back(tool["name"]);
    if (!result.contains("nextCursor")) break;
    params = {{"cursor", result["nextCursor"]}};
  }
  CHECK(seen == names);
  CHECK(sizes == std::vector<std::size_t>{100, 100, 50});
  // The same cursor gives the same page again; one of another list is none here.
  CHECK(answer(
            server,
            dump_json({{"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/list"}, {"params", params}}))["result"]["tools"]
            .size() == 50);
  CHECK(answer(server,
               dump_json(
                   {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "prompts/list"}, {"params", params}}))["error"]["code"] ==
        rpc::kInvalidParams);
}

TEST_CASE("subscriptions are bounded") {
  World world;
  Catalog catalog;
  catalog.resources.push_back(
      {"x://{name}", "x", "x", "X.", [](Context&, const std::string&) -> Result<Json> { return Json(); }});
  Server server(catalog, world.context(), "1");
  answer(server, kHello);
  const auto subscribe = [&](int n) {
    return answer(server, R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"x://)" +
                              std::to_string(n) + R"("}})");
  };
  for (int i = 0; i < 1'000; ++i) REQUIRE(subscribe(i).contains("result"));
  CHECK(subscribe(1'000)["error"]["code"] == rpc::kInvalidParams);
  CHECK(subscribe(999).contains("result"));  // one that is there already
  answer(server, R"({"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe","params":{"uri":"x://7"}})");
  CHECK(subscribe(1'000).contains("result"));
}

TEST_CASE("requests that stay open are bounded, and an id is free again when one is over") {
  World world;
  const Catalog catalog = standard_catalog();
  Server server(catalog, world.context(), "1");
  const auto listen = [&](int id) {
    const auto said = server.handle(
        R"({"jsonrpc":"2.0","id":)" + std::to_string(id) +
        R"(,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["metrics://agents/usage"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})");
    REQUIRE(said);
    return Json::parse(*said);
  };
  for (int i = 0; i < 100; ++i) REQUIRE(listen(i)["method"] == "notifications/subscriptions/acknowledged");
  CHECK(listen(100)["error"]["code"] == rpc::kInvalidParams);
  CHECK(listen(99)["method"] == "notifications/subscriptions/acknowledged");
  CHECK_FALSE(server.handle(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}})"));
  CHECK(listen(100)["method"] == "notifications/subscriptions/acknowledged");
  CHECK(server.close().size() == 200);
  CHECK(server.close().empty());
}

TEST_CASE("who subscribed to nothing costs nothing") {
  World world;
  const Catalog catalog = standard_catalog();
  Server server(catalog, world.context(), "1");
  answer(server, kHello);
  CHECK_FALSE(server.notices_in());
  answer(server,
         R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"metrics://agents/usage"}})");
  CHECK(server.notices_in() == kWatchInterval);
  world.clock.advance(Millis(400));
  CHECK(server.notices_in() == Millis(600));
  world.clock.advance(Millis(5'000));
  CHECK(server.notices_in() == Millis(0));
  CHECK(server.notices().empty());
  CHECK(server.notices_in() == kWatchInterval);
  answer(server,
         R"({"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe","params":{"uri":"metrics://agents/usage"}})");
  CHECK_FALSE(server.notices_in());
}

TEST_CASE("lines that come during long work wait in bounded memory") {
  World world;
  Catalog catalog;
  int looks = 0, taken = 0;
  catalog.tools.push_back(long_work(world));
  Server server(catalog, world.context(), "1");
  answer(server, kHello);
  const std::string big =
      R"({"jsonrpc":"2.0","id":2,"method":"ping","params":{"x":")" + std::string(900'000, 'x') + "\"}}";
  const std::string notification = R"({"jsonrpc":"2.0","method":"n/)" + std::string(900'000, 'x') + "\"}";
  std::vector<std::string> left;
  server.use([&](std::vector<std::string>& out, std::vector<rpc::Line>* in) {
    ++looks;
    for (std::string& line : std::exchange(out, {})) left.push_back(std::move(line));
    if (in == nullptr) return true;
    ++taken;
    in->push_back({taken == 1 ? big : notification, 0});
    return true;
  });
  const auto rest = server.handle(call("long"));
  REQUIRE(rest);
  CHECK(left == std::vector<std::string>{R"({"jsonrpc":"2.0","id":2,"result":{}})"});
  CHECK(taken == 6);  // a ping, and the notifications that fit into 4 MiB
  CHECK(looks > 15);  // it is still looked whether the program is to end
}

TEST_CASE("who does not read what is said during long work is not listened to") {
  World world;
  Catalog catalog;
  catalog.tools.push_back(long_work(world));
  Server server(catalog, world.context(), "1");
  answer(server, kHello);
  int taken = 0;
  server.use([&](std::vector<std::string>&, std::vector<rpc::Line>* in) {
    if (in != nullptr) {
      ++taken;
      in->push_back({R"({"jsonrpc":"2.0","id":2,"method":"ping"})", 0});
    }
    return true;
  });
  const std::string line = call("long");
  const rpc::Line one{line, 0};
  CHECK(server.handle(std::span(&one, 1)).size() == 2);  // the answers to one ping and to the call
  CHECK(taken == 1);
}

TEST_CASE("one long question to the store hears the client too, and stops when it is cancelled") {
  // What SQLite does with the question: asks it again and again until it says no.
  struct SlowReader : metrics::EmptyReader {
    test::FakeClock& clock;
    std::function<bool()> go_on;
    int asked = 0;
    explicit SlowReader(test::FakeClock& time) : clock(time) {}
    void while_reading(const std::function<bool()>& question) override { go_on = question; }
    Result<metrics::Summary> summary(const metrics::Period&) override {
      for (; asked < 100; ++asked) {
        clock.advance(kProgressInterval);
        if (!go_on()) return Error{Errc::cancelled, "interrupted"};
      }
      return metrics::Summary();
    }
  };
  World world;
  SlowReader slow(world.clock);
  Context context = world.context();
  context.reader = [&slow]() -> Result<metrics::Reader*> { return &slow; };
  Catalog catalog;
  catalog.tools.push_back(broken("ask", [](Context& given, const Json&) -> CallResult {
    const auto answer = (*given.reader())->summary({});
    return answer ? CallResult::json(Json::object()) : CallResult::failure(answer.error().what);
  }));
  Server server(catalog, std::move(context), "1");
  answer(server, kHello);
  std::vector<std::string> said;
  constexpr const char* kComing[] = {
      R"({"jsonrpc":"2.0","id":2,"method":"ping"})",
      R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})"};
  std::size_t come = 0;
  server.use([&](std::vector<std::string>& out, std::vector<rpc::Line>* in) {
    for (std::string& line : std::exchange(out, {})) said.push_back(std::move(line));
    if (in != nullptr && come < std::size(kComing)) in->push_back({kComing[come++], 0});
    return true;
  });
  const std::string line = call("ask");
  const rpc::Line one{line, 0};
  CHECK(server.handle(std::span(&one, 1)).empty());
  CHECK(std::ranges::count(said, R"({"jsonrpc":"2.0","id":2,"result":{}})") == 1);
  CHECK(slow.asked < 5);
}

TEST_CASE("what came during long work is caught up with group by group, in its order") {
  World world;
  Catalog catalog;
  catalog.tools.push_back(broken("long", [&](Context& context, const Json&) -> CallResult {
    (void)context.pulse(1, 0, "working");
    return CallResult::json(Json::object());
  }));
  Server server(catalog, world.context(), "1");
  answer(server, kHello);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 2 * kMostGroup + 1; ++i)
    lines.push_back(R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"method":"prompts/list"})");
  server.use([&](std::vector<std::string>&, std::vector<rpc::Line>* in) {
    if (in != nullptr)
      for (const std::string& line : lines) in->push_back({line, 0});
    return true;
  });
  REQUIRE(server.handle(call("long")));
  std::vector<std::size_t> groups;
  std::size_t id = 0;
  while (server.is_behind()) {
    const auto answers = server.catch_up();
    groups.push_back(answers.size());
    for (const std::string& one : answers) CHECK(Json::parse(one)["id"] == id++);
  }
  CHECK(groups == std::vector<std::size_t>{kMostGroup, kMostGroup, 1});
}

TEST_CASE("a batch of 1000 messages is answered, one more is refused") {
  World world;
  const Catalog catalog;
  for (const std::size_t size : {kMostBatch, kMostBatch + 1}) {
    Server server(catalog, world.context(), "1");
    std::string hello = kHello;
    answer(server, hello.replace(hello.find("2025-11-25"), 10, "2025-03-26"));
    std::string batch = "[";
    for (std::size_t i = 0; i < size; ++i)
      batch +=
          (i > 0 ? "," : "") + std::string(R"({"jsonrpc":"2.0","id":)") + std::to_string(i) + R"(,"method":"ping"})";
    const Json said = answer(server, batch + "]");
    if (size == kMostBatch)
      CHECK(said.size() == kMostBatch);
    else
      CHECK(said["error"]["code"] == rpc::kInvalidRequest);
  }
}
