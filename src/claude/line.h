// What one line of a transcript says, as far as it is counted. Values; any thread.
//
// Only names, numbers and times are taken: no prompt, no answer, no argument, no output of a tool.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fortium/base/result.h"

namespace fortium::claude {

struct Usage {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t cache_read = 0;
  std::int64_t cache_creation = 0;  // for five minutes and for an hour together
  std::int64_t cache_creation_1h = 0;
  std::int64_t web_searches = 0;
  bool fast = false;

  std::int64_t total() const { return input + output + cache_read + cache_creation; }
  bool operator==(const Usage&) const = default;
};

struct ToolUse {
  std::string id;
  std::string name;
  std::string agent;  // of Task and Agent: the type of subagent that is asked for
  std::string skill;  // of Skill
};

struct ToolResult {
  std::string id;
  bool error = false;
};

// What the call of a subagent brought back.
struct AgentResult {
  std::string id;
  std::string type;
  std::string status;       // empty in older clients: it has completed
  double duration_ms = -1;  // below zero: not said
};

// The client's own total of a session, over all its requests, as it wrote it when a run ended.
struct CostState {
  double cost_usd = 0;
  Usage usage;
  double start_ms = 0;  // the same in a fork and what it was forked from
};

// What an edit changed; below zero: not said.
struct ChangedLines {
  std::int64_t added = -1;
  std::int64_t removed = -1;
};

struct Compaction {
  std::string trigger;
  std::int64_t tokens_before = -1, tokens_after = -1;  // below zero: not said
  double duration_ms = -1;
};

struct Line {
  enum class Type { other, assistant, user, system, cost_state };

  Type type = Type::other;
  std::string uuid, timestamp, session_id, prompt_id, request_id, cwd;
  bool sidechain = false;
  bool api_error = false;    // "<synthetic>", the client's word about a request that failed, or one about a retry
  bool meta = false;         // of the client's own, and not a prompt
  bool compacted = false;    // the summary that a conversation goes on from
  bool interrupted = false;  // a person stopped the turn
  bool denied = false;       // a person, a rule or a hook refused the tool call

  std::string message_id, model, stop_reason;
  bool has_usage = false;
  Usage usage;
  std::vector<ToolUse> tool_uses;
  std::vector<ToolResult> tool_results;
  std::string command;  // what stands where the name of a slash command does; it may be anything
  bool has_agent = false;
  AgentResult agent;
  ChangedLines changed;
  std::string subtype;  // of a line of the system
  Compaction compaction;
  double duration_ms = -1;  // of a turn; below zero: not said
  std::string error;        // the client's word for what failed
  std::int64_t http_status = 0, retry = 0;
  CostState cost;
};

constexpr std::size_t kPadding = 64;  // readable bytes behind a line that is parsed

// One instance belongs to one thread.
class LineParser {
 public:
  virtual ~LineParser() = default;
  // Fills `line`, or says what is wrong with the text. `text` is followed by kPadding bytes that may be read.
  virtual bool parse(std::string_view text, Line& line, std::string& why) noexcept = 0;
};

// From the module transcript.so, which is loaded at the first call.
Result<std::unique_ptr<LineParser>> make_line_parser();

// Nothing in this line is counted; told by its first bytes, without parsing. False for what looks unfamiliar.
bool skippable(std::string_view text);

}  // namespace fortium::claude
