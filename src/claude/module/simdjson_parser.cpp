// The lines of a transcript, by simdjson: members are looked at in the order in which they come, and what is not
// counted is stepped over without being read.
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <new>

#include "../parser_abi.h"

namespace fortium::claude {

namespace {

namespace sj = simdjson::ondemand;

constexpr std::string_view kInterrupted = "[Request interrupted";  // the client's word for it
constexpr std::size_t kLongestName = 255;                          // of models, tools, agents, commands, in bytes

std::string text_of(sj::value value) {
  if (value.type() != sj::json_type::string) return {};
  const std::string_view text = value.get_string();
  return std::string(text.substr(0, kLongestName));
}

bool flag_of(sj::value value) { return value.type() == sj::json_type::boolean && value.get_bool(); }

double number_of(sj::value value) { return value.type() == sj::json_type::number ? double(value.get_double()) : 0; }

// Tokens: nothing below zero, nothing that is no number.
std::int64_t count_of(sj::value value) {
  const double number = number_of(value);
  return number >= 0 && number < 1e15 ? static_cast<std::int64_t>(number) : 0;
}

std::int64_t count_or(sj::value value, std::int64_t none) {
  return value.type() == sj::json_type::number ? count_of(value) : none;
}

// The first bytes of a string, as they stand there. Bytes behind the line may be read, see kPadding.
bool begins_with(sj::value value, std::string_view text) {
  if (value.type() != sj::json_type::string) return false;
  return std::string_view(value.get_raw_json_string().value().raw(), kPadding).starts_with(text);
}

template <class Use>
void each_member(sj::value value, Use&& use) {
  if (value.type() != sj::json_type::object) return;
  for (auto field : value.get_object()) {
    const std::string_view key = field.unescaped_key();
    sj::value member = field.value();
    use(key, member);
  }
}

template <class Use>
void each_item(sj::value value, Use&& use) {
  if (value.type() != sj::json_type::array) return;
  for (auto item : value.get_array()) {
    sj::value one = item.value();
    use(one);
  }
}

Usage usage_of(sj::value value) {
  Usage usage;
  std::int64_t nested = 0;
  each_member(value, [&](std::string_view key, sj::value member) {
    if (key == "input_tokens") usage.input = count_of(member);
    if (key == "output_tokens") usage.output = count_of(member);
    if (key == "cache_read_input_tokens") usage.cache_read = count_of(member);
    if (key == "cache_creation_input_tokens") usage.cache_creation = count_of(member);
    if (key == "cache_creation")
      each_member(member, [&](std::string_view name, sj::value part) {
        if (name != "ephemeral_5m_input_tokens" && name != "ephemeral_1h_input_tokens") return;
        const std::int64_t tokens = count_of(part);
        nested += tokens;
        if (name == "ephemeral_1h_input_tokens") usage.cache_creation_1h = tokens;
      });
    if (key == "server_tool_use")
      each_member(member, [&](std::string_view name, sj::value part) {
        if (name == "web_search_requests") usage.web_searches = count_of(part);
      });
    if (key == "speed") usage.fast = text_of(member) == "fast";
  });
  // Older clients left the sum at zero.
  if (nested > usage.cache_creation) usage.cache_creation = nested;
  return usage;
}

void read_block(sj::value block, Line& line) {
  std::string type, id, name, result_id, agent, skill;
  bool error = false;
  each_member(block, [&](std::string_view key, sj::value member) {
    if (key == "type") type = text_of(member);
    if (key == "id") id = text_of(member);
    if (key == "name") name = text_of(member);
    if (key == "tool_use_id") result_id = text_of(member);
    if (key == "is_error") error = flag_of(member);
    if (key == "text" && begins_with(member, kInterrupted)) line.interrupted = true;
    if (key == "input")
      each_member(member, [&](std::string_view part, sj::value argument) {
        if (part == "subagent_type") agent = text_of(argument);
        if (part == "skill") skill = text_of(argument);
      });
  });
  if (type == "tool_use" && !id.empty()) line.tool_uses.push_back({id, name, agent, skill});
  if (type == "tool_result" && !result_id.empty()) line.tool_results.push_back({result_id, error});
}

// "<command-name>/compact</command-name> …": the client's form of a slash command.
void read_text(std::string_view text, Line& line) {
  line.interrupted = line.interrupted || text.starts_with(kInterrupted);
  constexpr std::string_view kOpen = "<command-name>", kClose = "</command-name>", kMessage = "<command-message>";
  const std::size_t at = text.starts_with(kMessage) ? text.find(kOpen) : text.starts_with(kOpen) ? 0 : text.npos;
  if (at == text.npos) return;
  const std::string_view rest = text.substr(at + kOpen.size());
  const auto end = rest.find(kClose);
  if (end > kLongestName) return;  // or there is none
  line.command = rest.substr(0, end);
}

void read_message(sj::value message, Line& line) {
  each_member(message, [&](std::string_view key, sj::value member) {
    if (key == "id") line.message_id = text_of(member);
    if (key == "model") line.model = text_of(member);
    if (key == "stop_reason") line.stop_reason = text_of(member);
    if (key == "usage" && member.type() == sj::json_type::object) {
      line.has_usage = true;
      line.usage = usage_of(member);
    }
    if (key != "content") return;
    if (member.type() == sj::json_type::string)
      read_text(std::string_view(member.get_string()), line);
    else
      each_item(member, [&](sj::value block) { read_block(block, line); });
  });
}

// Ends of lines in a string, as the client counts them.
std::int64_t line_ends(sj::value value) {
  const std::string_view text = value.raw_json_token();
  std::int64_t count = 0;
  for (std::size_t at = text.find('\\'); at < text.size() - 1; at = text.find('\\', at + 2))
    count += text[at + 1] == 'n';
  return count;
}

void read_patch(sj::value patch, ChangedLines& changed) {
  each_item(patch, [&](sj::value hunk) {
    each_member(hunk, [&](std::string_view key, sj::value lines) {
      if (key != "lines") return;
      changed = {std::max<std::int64_t>(changed.added, 0), std::max<std::int64_t>(changed.removed, 0)};
      each_item(lines, [&](sj::value line) {
        if (line.type() != sj::json_type::string) return;
        const char first = *line.get_raw_json_string().value().raw();
        changed.added += first == '+';
        changed.removed += first == '-';
      });
    });
  });
}

void read_tool_result(sj::value result, Line& line) {
  bool created = false;
  std::int64_t content = -1;
  each_member(result, [&](std::string_view key, sj::value member) {
    if (key == "type") created = text_of(member) == "create";
    if (key == "content" && member.type() == sj::json_type::string) content = line_ends(member) + 1;
    if (key == "structuredPatch") read_patch(member, line.changed);
    if (key == "status") line.agent.status = text_of(member);
    if (key == "agentId") line.agent.id = text_of(member);
    if (key == "agentType") line.agent.type = text_of(member);
    if (key == "totalDurationMs" && member.type() == sj::json_type::number) {
      line.has_agent = true;
      line.agent.duration_ms = member.get_double();
    }
  });
  if (!line.agent.id.empty()) line.has_agent = true;
  if (created && content >= 0) line.changed = {content, 0};
}

void read_models(sj::value models, Line& line) {
  Usage& all = line.cost.usage;
  each_member(models, [&](std::string_view, sj::value model) {
    each_member(model, [&](std::string_view key, sj::value member) {
      if (key == "inputTokens") all.input += count_of(member);
      if (key == "outputTokens") all.output += count_of(member);
      if (key == "cacheReadInputTokens") all.cache_read += count_of(member);
      if (key == "cacheCreationInputTokens") all.cache_creation += count_of(member);
    });
  });
}

void read_compaction(sj::value metadata, Compaction& compaction) {
  each_member(metadata, [&](std::string_view key, sj::value member) {
    if (key == "trigger") compaction.trigger = text_of(member);
    if (key == "preTokens") compaction.tokens_before = count_or(member, -1);
    if (key == "postTokens") compaction.tokens_after = count_or(member, -1);
    if (key == "durationMs" && member.type() == sj::json_type::number) compaction.duration_ms = number_of(member);
  });
}

// A word of the client's own, or what the service answered.
void read_error(sj::value error, Line& line) {
  if (error.type() == sj::json_type::string) line.error = text_of(error);
  each_member(error, [&](std::string_view key, sj::value member) {
    if (key == "status") line.http_status = count_of(member);
  });
}

// What the client writes as the result of a call that was not let run to its end; newer ones say it by a member, too.
bool is_denial(std::string_view result) {
  constexpr std::string_view kWords[] = {"User rejected", "Error: Claude requested permissions",
                                         "Error: This command requires approval", "Error: [Request interrupted",
                                         "Error: The user doesn't want"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return result.starts_with(word); });
}

void read_line(sj::value whole, Line& line) {
  each_member(whole, [&](std::string_view key, sj::value member) {
    if (key == "type") {
      const std::string type = text_of(member);
      line.type = type == "assistant"    ? Line::Type::assistant
                  : type == "user"       ? Line::Type::user
                  : type == "system"     ? Line::Type::system
                  : type == "cost-state" ? Line::Type::cost_state
                                         : Line::Type::other;
    }
    if (key == "uuid") line.uuid = text_of(member);
    if (key == "timestamp") line.timestamp = text_of(member);
    if (key == "sessionId") line.session_id = text_of(member);
    if (key == "promptId") line.prompt_id = text_of(member);
    if (key == "requestId") line.request_id = text_of(member);
    if (key == "cwd" && member.type() == sj::json_type::string) line.cwd = std::string_view(member.get_string());
    if (key == "isSidechain") line.sidechain = flag_of(member);
    if (key == "isApiErrorMessage") line.api_error = flag_of(member);
    if (key == "toolDenialKind") line.denied = true;
    if (key == "isMeta") line.meta = flag_of(member);
    if (key == "isCompactSummary") line.compacted = flag_of(member);
    if (key == "interruptedMessageId") line.interrupted = true;
    if (key == "subtype") line.subtype = text_of(member);
    if (key == "compactMetadata") read_compaction(member, line.compaction);
    if (key == "durationMs" && member.type() == sj::json_type::number) line.duration_ms = number_of(member);
    if (key == "apiErrorStatus") line.http_status = count_of(member);
    if (key == "retryAttempt") line.retry = count_of(member);
    if (key == "error") read_error(member, line);
    if (key == "message") read_message(member, line);
    if (key == "toolUseResult") {
      if (member.type() == sj::json_type::string)
        line.denied = line.denied || is_denial(std::string_view(member.get_string()));
      else
        read_tool_result(member, line);
    }
    if (key == "totalCostUSD") line.cost.cost_usd = number_of(member);
    if (key == "startTime") line.cost.start_ms = number_of(member);
    if (key == "modelUsage") read_models(member, line);
  });
  if (line.model == "<synthetic>") line.api_error = true;
  if (line.type == Line::Type::system && line.subtype == "api_error") line.api_error = true;
}

void throw_if(simdjson::error_code error) {
  if (error != simdjson::SUCCESS) throw simdjson::simdjson_error(error);
}

class SimdjsonParser final : public LineParser {
 public:
  bool parse(std::string_view text, Line& line, std::string& why) noexcept override {
    line = {};
    try {
      if (text.size() > parser_.capacity()) throw_if(parser_.allocate(std::bit_ceil(text.size())));
      sj::document document = parser_.iterate(text.data(), text.size(), text.size() + kPadding);
      if (document.type() != sj::json_type::object) {
        why = "not an object";
        return false;
      }
      sj::value whole = document.get_value();
      read_line(whole, line);
      return true;
    } catch (const simdjson::simdjson_error& error) {
      why = std::string("not JSON: ") + error.what();
    } catch (const std::bad_alloc&) {
      why = "no memory";
    }
    return false;
  }

 private:
  static_assert(kPadding >= simdjson::SIMDJSON_PADDING);
  sj::parser parser_;
};

}  // namespace

}  // namespace fortium::claude

fortium::claude::LineParser* fortium_make_line_parser() noexcept {
  return new (std::nothrow) fortium::claude::SimdjsonParser();
}

const char* fortium_transcript_version() noexcept { return FORTIUM_VERSION; }
