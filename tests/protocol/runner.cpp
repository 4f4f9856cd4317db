// Runs transcripts: test_protocol [--fuzz-list FILE] [--messages FILE] PATH…
//
// Each answer is compared to the byte. Beyond that, every answer of a tool must fit the tool's output shape and hold
// the same in both of its forms; and, given a directory, every tool, resource and prompt of the catalog must be used by
// a transcript, and every tool be listed for the fuzzer. --messages writes what went in and came out, for other judges.
// FM_UPDATE=1 rewrites the expected lines instead.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "fortium/schema/render.h"
#include "session.h"
#include "support/json_schema.h"
#include "transcript.h"

namespace fortium::test {
namespace {

namespace fs = std::filesystem;

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What transcripts have used, over all of them.
struct Used {
  std::set<std::string> tools, resources, prompts;
};

class Runner {
 public:
  Runner(bool update, const std::string& messages) : update_(update) {
    if (!messages.empty()) messages_.open(messages);
  }

  void run(const fs::path& path);
  void check_coverage(const std::string& fuzz_list);
  int failures() const { return failures_; }
  int transcripts() const { return transcripts_; }

 private:
  void fail(int line, const std::string& why) {
    std::cout << name_ << ":" << line << ": " << why << "\n";
    ++failures_;
  }
  void exchange(Exchange& exchange, Session& session);
  std::vector<std::string> answers(const Exchange& exchange, Session& session);
  void note_requests(const std::string& line);
  void look_at(const std::string& answer, int line, const Session& session);
  void look_at_result(const Json& answer, int line, const Session& session);
  const JsonSchema& schema_of(const mcp::Tool& tool);
  void write_messages(const Exchange& exchange, const std::vector<std::string>& actual, const Session& session);

  const bool update_;
  std::ofstream messages_;
  bool inputs_are_good_ = true;  // of this transcript
  std::string name_;
  int failures_ = 0;
  int transcripts_ = 0;
  Used used_;
  std::map<std::string, Json> asked_;  // this exchange's requests, by their id's text
  std::map<std::string, std::unique_ptr<JsonSchema>, std::less<>> schemas_;
};

void Runner::run(const fs::path& path) {
  ++transcripts_;
  name_ = path.filename();
  const std::string text = read_all(path);
  Transcript transcript = read_transcript(name_, text);
  for (const std::string& problem : transcript.problems) fail(0, problem);
  if (!transcript.problems.empty()) return;
  inputs_are_good_ = !transcript.header.contains("inputs");
  Session session(transcript.header);
  for (Step& step : transcript.steps) {
    if (auto* lines = std::get_if<Exchange>(&step)) exchange(*lines, session);
    if (const auto* wait = std::get_if<Advance>(&step)) session.advance(wait->time);
    if (std::holds_alternative<Reconnect>(step)) session.reconnect();
    if (const auto* change = std::get_if<Change>(&step);
        change != nullptr && !session.change(change->key, change->value))
      fail(change->line, "there is no such change");
    else if (change != nullptr && change->key == "meanwhile")
      note_requests(change->value);
  }
  if (!update_) return;
  if (const std::string fresh = to_text(transcript, text); fresh != text) {
    std::ofstream(path, std::ios::binary) << fresh;
    std::cout << name_ << ": rewritten\n";
  }
}

std::vector<std::string> Runner::answers(const Exchange& exchange, Session& session) {
  if (exchange.in.empty()) return session.unasked();
  std::vector<Input> inputs;
  for (const std::string& line : exchange.in) inputs.push_back(input_of(line));
  std::vector<rpc::Line> lines;
  for (const Input& input : inputs) lines.push_back({input.bytes, input.dropped});
  for (const Input& input : inputs) note_requests(input.bytes);
  if (exchange.group) return session.handle(lines);
  std::vector<std::string> all;
  for (const rpc::Line& line : lines)
    for (std::string& answer : session.handle(std::span(&line, 1))) all.push_back(std::move(answer));
  return all;
}

void Runner::exchange(Exchange& exchange, Session& session) {
  std::vector<std::string> actual;
  try {
    actual = answers(exchange, session);
  } catch (const std::exception& escaped) {
    fail(exchange.line, std::string("an exception escaped: ") + escaped.what());
    asked_.clear();
    session.reconnect();
    return;
  }
  for (const std::string& answer : actual) look_at(answer, exchange.line, session);
  if (messages_.is_open()) write_messages(exchange, actual, session);
  // What stays open is answered later, as is what comes during long work.
  if (!exchange.in.empty())
    std::erase_if(asked_, [](const auto& asked) { return asked.second["method"] != "subscriptions/listen"; });
  for (std::size_t i = 0; i < std::max(actual.size(), exchange.out.size()); ++i) {
    const bool same = i < actual.size() && i < exchange.out.size() && matches(exchange.out[i], actual[i]);
    if (same && update_) actual[i] = exchange.out[i];  // keeps its wildcards
    if (!same && !update_)
      fail(exchange.line, "answer " + std::to_string(i + 1) + "\n  expected " +
                              (i < exchange.out.size() ? exchange.out[i] : "(none)") + "\n  got      " +
                              (i < actual.size() ? actual[i] : "(none)"));
  }
  if (update_) exchange.out = std::move(actual);
}

void Runner::write_messages(const Exchange& exchange, const std::vector<std::string>& actual, const Session& session) {
  Json asked = Json::object();
  for (const auto& [id, request] : asked_) asked[id] = request;
  Json in = Json::array();
  if (inputs_are_good_)
    for (const std::string& line : exchange.in) in.push_back(input_of(line).bytes);
  messages_ << dump_json({{"where", name_ + ":" + std::to_string(exchange.line)},
                          {"revision", session.revision() ? Json(mcp::name(*session.revision())) : Json()},
                          {"asked", std::move(asked)},
                          {"in", std::move(in)},
                          {"out", actual}})
            << "\n";
}

void Runner::note_requests(const std::string& line) {
  const auto parsed = parse_json(line);
  if (!parsed) return;
  const Json list = parsed->is_array() ? *parsed : Json::array({*parsed});
  for (const Json& message : list)
    if (message.is_object() && message.contains("id") && message.contains("method"))
      asked_[dump_json(message["id"])] = message;
}

// What holds for every answer, whatever a transcript expects.
void Runner::look_at(const std::string& answer, int line, const Session& session) {
  if (answer.find('\n') != answer.npos) fail(line, "an answer has a line end in it");
  const auto parsed = parse_json(answer);
  if (!parsed) return fail(line, "an answer is no JSON: " + parsed.error().what);
  const Json list = parsed->is_array() ? *parsed : Json::array({*parsed});
  if (list.empty()) fail(line, "an answer is an empty batch");
  for (const Json& one : list) {
    if (one.value("jsonrpc", "") != "2.0") fail(line, "an answer lacks jsonrpc");
    if (one.contains("method")) continue;  // a notification or request of ours
    if (one.contains("result") == one.contains("error")) fail(line, "an answer has not one of result and error");
    if (one.contains("result")) look_at_result(one, line, session);
  }
}

const JsonSchema& Runner::schema_of(const mcp::Tool& tool) {
  auto& schema = schemas_[std::string(tool.name)];
  if (!schema)
    schema = std::make_unique<JsonSchema>(schema::json_schema(tool.output, schema::Edge::call, /*open=*/true));
  return *schema;
}

// The revision that a request names, or that of the session.
mcp::Revision revision_of(const Json& request, const Session& session) {
  const Json params = request.value("params", Json::object());
  const Json meta = params.value("_meta", Json::object());
  if (meta.contains("io.modelcontextprotocol/protocolVersion")) return mcp::kNewest;
  return session.revision().value_or(mcp::kOldest);
}

// A client shows a model one of the two forms: each must hold the answer.
bool same_answer(const std::string& text, const Json& structured) {
  if (const auto parsed = parse_json(text); parsed && *parsed == structured) return true;
  if (structured.value("text", "") == text) return true;  // drawn: the drawing is among the data
  // The documented sentence of collect_metrics.
  return text == structured.value("message", "") + ". ID: " + structured.value("id", "") ||
         text == structured.value("message", "");
}

void Runner::look_at_result(const Json& answer, int line, const Session& session) {
  const auto request = asked_.find(dump_json(answer["id"]));
  if (request == asked_.end()) return fail(line, "an answer to nothing that was asked");
  const Json params = request->second.value("params", Json::object());
  const std::string method = request->second["method"];
  if (method == "resources/read") used_.resources.insert(params.value("uri", ""));
  if (method == "prompts/get") used_.prompts.insert(params.value("name", ""));
  if (method != "tools/call") return;

  const Json& result = answer["result"];
  const std::string name = params.value("name", "");
  const auto tool = std::ranges::find(session.catalog().tools, name, &mcp::Tool::name);
  if (tool == session.catalog().tools.end()) return fail(line, "an answer of a tool that is not in the catalog");
  const bool structured = result.contains("structuredContent");
  if (result.value("isError", false)) {
    if (structured) fail(line, "an error has structured content");
    return;
  }
  used_.tools.insert(name);
  if (structured != mcp::has_structured_content(revision_of(request->second, session)))
    fail(line, "structured content does not go with the revision");
  if (!structured) return;
  if (const std::string wrong = schema_of(*tool).complaint(result["structuredContent"]); !wrong.empty())
    fail(line, "does not fit the output schema of " + name + ": " + wrong);
  if (!same_answer(result["content"][0].value("text", ""), result["structuredContent"]))
    fail(line, "text and structured content of " + name + " differ");
}

void Runner::check_coverage(const std::string& fuzz_list) {
  name_ = "coverage";
  const Session session({});
  const mcp::Catalog& catalog = session.catalog();
  std::set<std::string> listed;
  std::istringstream list(read_all(fuzz_list));
  for (std::string line; std::getline(list, line);)
    if (!line.empty() && line.front() != '#') listed.insert(line.substr(0, line.find(' ')));
  for (const mcp::Tool& tool : catalog.tools) {
    const std::string name(tool.name);
    if (!used_.tools.contains(name)) fail(0, "no transcript calls " + name + " with success");
    if (listed.erase(name) == 0) fail(0, fuzz_list + " does not say whether " + name + " is fuzzed");
  }
  for (const std::string& name : listed) fail(0, fuzz_list + " names " + name + ", which is no tool");
  for (const mcp::Resource& resource : catalog.resources) {
    const std::string stem = resource.uri.substr(0, resource.uri.find('{'));
    if (std::ranges::none_of(used_.resources, [&](const std::string& uri) { return uri.starts_with(stem); }))
      fail(0, "no transcript reads " + resource.uri);
  }
  for (const mcp::Prompt& prompt : catalog.prompts)
    if (!used_.prompts.contains(std::string(prompt.name))) fail(0, "no transcript gets " + std::string(prompt.name));
}

int main_of(std::vector<std::string> arguments) {
  const bool update = std::getenv("FM_UPDATE") != nullptr;
  std::string fuzz_list, messages;
  std::vector<fs::path> paths;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool more = i + 1 < arguments.size();
    if (arguments[i] == "--fuzz-list" && more)
      fuzz_list = fs::absolute(arguments[++i]);
    else if (arguments[i] == "--messages" && more)
      messages = fs::absolute(arguments[++i]);
    else
      paths.push_back(fs::absolute(arguments[i]));
  }
  Runner runner(update, messages);
  bool whole = false;
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path)) {
      runner.run(path);
      continue;
    }
    whole = true;
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.path().extension() == ".mcp") files.insert(entry.path());
    for (const fs::path& file : files) runner.run(file);
  }
  if (whole && !fuzz_list.empty()) runner.check_coverage(fuzz_list);
  std::cout << runner.transcripts() << " transcripts, " << runner.failures() << " failures\n";
  return runner.failures() == 0 && runner.transcripts() > 0 ? 0 : 1;
}

}  // namespace
}  // namespace fortium::test

int main(int argc, char** argv) {
  // Some tools read the environment. Home is the directory of the transcript.
  for (const char* name :
       {"FORTIUM_SYNC_INTERVAL", "FORTIUM_BATCH_SIZE", "FORTIUM_PERFORMANCE_MONITORING", "CLAUDE_PROJECT_DIR"})
    ::unsetenv(name);
  ::setenv("HOME", ".", /*replace=*/1);
  return fortium::test::main_of(std::vector<std::string>(argv + 1, argv + argc));
}
