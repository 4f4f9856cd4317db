#include "session.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>

namespace bench {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kInitialize =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},)"
    R"("clientInfo":{"name":"bench","version":"1"}}})"
    "\n";
constexpr std::string_view kInitialized = R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
                                          "\n";

void append_request(std::string& out, std::int64_t id, std::string_view rest) {
  out += R"({"jsonrpc":"2.0","id":)";
  out += std::to_string(id);
  out += rest;
  out += '\n';
}

constexpr std::string_view kCall =
    R"(,"method":"tools/call","params":{"name":"record-tool-usage","arguments":{"tool_name":"Read",)"
    R"("execution_time_ms":12.5,"status":"success","context":{"framework":"none","language":"c++"}})";
constexpr std::string_view kMeta = R"(,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                                   R"("io.modelcontextprotocol/clientCapabilities":{},)"
                                   R"("io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}})";

void append_call(std::string& out, std::int64_t id, Era era = Era::session) {
  append_request(out, id, std::string(kCall) + (era == Era::stateless ? std::string(kMeta) : "") + "}}");
}

struct Answer {
  std::int64_t id = -1;
  Json result;
};

Answer parse_answer(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("result") || !json.contains("id") || !json["id"].is_number_integer())
    throw Failure{"not an answer with a result: " + std::string(text.substr(0, 300))};
  return {json["id"], json["result"]};
}

// The result of the answer to `id`.
Json result_of(std::string_view text, std::int64_t id) {
  Answer answer = parse_answer(text);
  if (answer.id == id) return std::move(answer.result);
  throw Failure{"wrong answer to request " + std::to_string(id) + ": " + std::string(text.substr(0, 300))};
}

void check_recorded(const Json& result, std::string_view answer) {
  if (!result.is_object() || !result.contains("content") || result.value("isError", false))
    throw Failure{"not recorded: " + std::string(answer.substr(0, 300))};
}

// Lines one after another, and where each begins: what is to be sent is then a slice.
struct Requests {
  std::string text;
  std::vector<std::size_t> begin;

  Requests(std::int64_t first_id, std::int64_t count) {
    for (std::int64_t id = first_id; id < first_id + count; ++id) {
      begin.push_back(text.size());
      append_call(text, id);
    }
    begin.push_back(text.size());
  }
  std::string_view slice(std::int64_t from, std::int64_t to) const {
    const std::size_t start = begin[static_cast<std::size_t>(from)];
    return std::string_view(text).substr(start, begin[static_cast<std::size_t>(to)] - start);
  }
};

// Every request is answered with success, none twice, in any order.
void check_all_recorded(std::string_view answers, std::int64_t first_id, std::int64_t count) {
  std::vector<bool> seen(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t end = answers.find('\n');
    const std::string_view answer = answers.substr(0, end);
    const Answer parsed = parse_answer(answer);
    const std::int64_t index = parsed.id - first_id;
    if (index < 0 || index >= count || seen[static_cast<std::size_t>(index)])
      throw Failure{"not asked, or answered twice: " + std::string(answer.substr(0, 300))};
    seen[static_cast<std::size_t>(index)] = true;
    check_recorded(parsed.result, answer);
    answers.remove_prefix(end + 1);
  }
  if (!answers.empty()) throw Failure{"more answers than requests: " + std::string(answers.substr(0, 300))};
}

}  // namespace

Session::Session(const Command& command) : begin_(Clock::now()), child_(command) {
  child_.send(kInitialize);
  const std::string answer = child_.read_line();
  start_ = Clock::now() - begin_;
  if (!result_of(answer, 0).contains("protocolVersion")) throw Failure{"wrong answer to initialize: " + answer};
  child_.send(kInitialized);
}

Seconds Session::exchange(const std::string& line, std::string& answer) {
  const auto begin = Clock::now();
  child_.send(line);
  answer = child_.read_line();
  return Clock::now() - begin;
}

Seconds Session::call(Era era) {
  const std::int64_t id = next_id_++;
  std::string line;
  append_call(line, id, era);
  std::string answer;
  const Seconds time = exchange(line, answer);
  check_recorded(result_of(answer, id), answer);
  ++calls_;
  return time;
}

Seconds Session::list_tools(std::string& answer) {
  const std::int64_t id = next_id_++;
  std::string line;
  append_request(line, id, R"(,"method":"tools/list","params":{}})");
  const Seconds time = exchange(line, answer);
  const Json result = result_of(answer, id);
  if (!result.contains("tools") || result["tools"].empty()) throw Failure{"no tools in: " + answer.substr(0, 300)};
  return time;
}

Seconds Session::pipeline(std::int64_t calls) {
  const std::int64_t first_id = next_id_;
  const Requests requests(first_id, calls);
  std::string answers;
  answers.reserve(static_cast<std::size_t>(calls) * 400);  // the measured loop should not move it about

  const auto begin = Clock::now();
  std::int64_t sent = std::min(calls, kInFlight);
  child_.send(requests.slice(0, sent));
  for (std::int64_t answered = 0; answered < calls;) {
    const std::size_t before = answers.size();
    if (child_.read_more(answers) == 0) throw child_.failure("ended instead of answering");
    answered += std::count(answers.begin() + static_cast<std::ptrdiff_t>(before), answers.end(), '\n');
    const std::int64_t next = std::min(calls, answered + kInFlight);
    child_.send(requests.slice(sent, next));
    sent = next;
  }
  const Seconds time = Clock::now() - begin;

  check_all_recorded(answers, first_id, calls);
  next_id_ += calls;
  calls_ += calls;
  return time;
}

void Session::finish() {
  child_.close_input();
  std::string rest;
  if (child_.read_more(rest) > 0) throw Failure{"said something unasked: " + rest.substr(0, 300)};
  if (const int status = child_.wait(); status != 0) throw child_.failure("ended with " + std::to_string(status));
}

}  // namespace bench
