// Random sessions, forks and copies, read in random pieces: the totals are those of a simple oracle that knows every
// line.
#include <algorithm>

#include "import_world.h"
#include "support/dice.h"

using namespace fortium;  // NOLINT(google-build-using-namespace)
using test::Dice;
using test::ImportWorld;
using test::Lines;

namespace {

struct Oracle {
  std::map<std::string, int> output;  // the largest, by request
  std::map<std::string, bool> tools;  // by id: whether it failed
};

// A message of one to four lines: with the same usage on each, or with placeholders before the last.
std::vector<std::string> message(Dice& dice, Lines& lines, const std::string& id, Oracle& oracle) {
  const bool old = dice.one_in(2);
  const int output = static_cast<int>(dice.between(5, 5'000));
  std::vector<std::string> out;
  for (std::size_t left = 1 + dice.below(4); left > 0; --left) {
    const std::string tool = id + "-tool-" + std::to_string(left);
    const bool call = dice.one_in(2);
    const bool last = left == 1;
    out.push_back(lines.assistant(id, "req-" + id, old && !last ? static_cast<int>(dice.between(1, 4)) : output,
                                  old && !last ? nullptr : "tool_use",
                                  call ? Lines::tool_use(tool) : R"({"type":"text","text":"a\\\"b\n"})"));
    if (call && !dice.one_in(8)) {
      oracle.tools[tool] = dice.one_in(3);
      out.push_back(lines.tool_result(tool, oracle.tools[tool]));
    }
    if (dice.one_in(5)) out.push_back(lines.noise());
  }
  oracle.output[id] = output;
  return out;
}

void once(std::uint64_t seed) {
  CAPTURE(seed);
  Dice dice(seed);
  Oracle oracle;
  std::map<std::string, std::string> files;
  const std::size_t sessions = 1 + dice.below(4);
  for (std::size_t s = 0; s < sessions; ++s) {
    const std::string name = "s" + std::to_string(s);
    Lines lines(name, false, static_cast<std::int64_t>(s) * 1'000);
    std::vector<std::vector<std::string>> parts;
    for (std::size_t m = dice.below(8); m > 0; --m)
      parts.push_back(message(dice, lines, "msg-" + name + "-" + std::to_string(m), oracle));
    std::string& text = files["p/" + name + ".jsonl"];
    for (const auto& part : parts)
      for (const std::string& line : part) text += line;
    if (dice.one_in(2)) {  // a fork: the same lines under another session, in another order of messages
      std::string& fork = files["p/fork-" + name + ".jsonl"];
      Lines own("fork-" + name, false, static_cast<std::int64_t>(s) * 1'000 + 500);
      fork = own.prompt("go on");
      for (std::size_t i = parts.size(); i > 0; --i) std::swap(parts[i - 1], parts[dice.below(i)]);
      for (const auto& part : parts)
        for (std::string line : part) {
          for (auto at = line.find("\"sessionId\":\"" + name); at != line.npos; at = line.npos)
            line.replace(at, 13 + name.size(), "\"sessionId\":\"fork-" + name);
          fork += line;
        }
      for (const std::string& line : message(dice, own, "msg-fork-" + name, oracle)) fork += line;
    }
    if (dice.one_in(3)) files["q/" + name + ".jsonl"] = text;  // the file of a session that moved
    if (dice.one_in(3)) {
      Lines side(name, true, static_cast<std::int64_t>(s) * 1'000 + 100);
      for (const std::string& line : message(dice, side, "msg-side-" + name, oracle))
        files["p/" + name + "/subagents/agent-a.jsonl"] += line;
    }
  }

  ImportWorld world;
  std::map<std::string, std::size_t> shown;
  for (bool more = true; more;) {
    more = false;
    for (const auto& [name, text] : files) {
      const std::size_t left = text.size() - shown[name];
      const std::size_t piece = dice.one_in(3) ? left : dice.below(left + 1);
      world.append(name, {text.substr(shown[name], piece)});
      shown[name] += piece;
      more = more || shown[name] < text.size();
    }
    if (dice.one_in(10)) world.progress.clear();  // as if nothing had been saved
    world.import();
  }
  world.import(claude::kEnded);

  std::int64_t expected = 0, calls = 0;
  for (const auto& [id, output] : oracle.output) expected += output;
  CHECK(world.of("model_usage").size() == oracle.output.size());
  CHECK(world.sum("output_tokens") == expected);
  for (const Json& one : world.of("tool_usage")) {
    const auto known = oracle.tools.find(one["tool_use_id"]);
    CHECK(one["status"] == (known == oracle.tools.end() ? "cancelled" : known->second ? "error" : "success"));
    calls += known != oracle.tools.end();
  }
  CHECK(calls == static_cast<std::int64_t>(oracle.tools.size()));
  CHECK(world.skipped.empty());

  const auto before = world.records;
  world.import(claude::kEnded);
  CHECK(world.records == before);
  CHECK(world.read_bytes == 0);
}

}  // namespace

TEST_CASE("random transcripts in random pieces add up to what an oracle counts") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) once(seed);
}
