// Records of made-up work, as those that store them for a measure need them: sessions of about two hours, two at once;
// one tool call in two, one model request in three, and of the rest commands, agents and session changes.
#pragma once

#include <cmath>
#include <cstdio>

#include "support/dice.h"
#include "support/events.h"

namespace bench {

namespace metrics = fortium::metrics;
namespace test = fortium::test;

inline constexpr std::int64_t kDayMs = 86'400'000, kHourMs = 3'600'000;
inline constexpr std::string_view kTools[] = {"Bash", "Read", "Edit", "Grep",     "Glob",      "Write",         "Bash",
                                              "Read", "Edit", "Task", "WebFetch", "TodoWrite", "mcp__db__query"};
inline constexpr std::string_view kModels[] = {"claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5"};
inline constexpr std::string_view kProjects[] = {"shop", "billing", "infra", "docs"};

inline metrics::Event record(test::Dice& dice, std::int64_t number, std::int64_t at) {
  // Of the two sessions of these two hours one.
  const std::int64_t session = at / (2 * kHourMs) * 2 + static_cast<std::int64_t>(dice.below(2));
  char id[64], session_id[64];
  std::snprintf(id, sizeof id, "%012llx-7%03llx-8000-%012llx", static_cast<unsigned long long>(at),
                static_cast<unsigned long long>(number & 0xFFF), static_cast<unsigned long long>(dice.next() >> 16));
  std::snprintf(session_id, sizeof session_id, "5e551011-0000-4000-8000-%012llx",
                static_cast<unsigned long long>(session));
  const std::size_t which = dice.below(12);
  const char* kind = which < 6    ? "tool_usage"
                     : which < 10 ? "model_usage"
                     : which < 11 ? (dice.one_in(2) ? "command_execution" : "agent_interaction")
                                  : (dice.one_in(4) ? "user_session" : "tool_usage");
  metrics::Event event = test::event_of(kind, id, session_id, at);
  event.row[metrics::kUserId] = std::string("alice");
  event.row[metrics::kProject] = std::string(kProjects[static_cast<std::size_t>(session) % std::size(kProjects)]);
  event.row[metrics::kSource] = std::string("hook");
  const std::string_view name(event.kind->name);
  if (name == "tool_usage") {
    test::value_of(event, "tool_name") = std::string(kTools[dice.below(std::size(kTools))]);
    test::value_of(event, "execution_time_ms") = std::exp2(static_cast<double>(dice.below(16'000)) / 1'000);
    if (dice.one_in(30)) test::value_of(event, "status") = std::string("error");
  } else if (name == "model_usage") {
    test::value_of(event, "model") = std::string(kModels[dice.below(std::size(kModels))]);
    test::value_of(event, "input_tokens") = dice.between(1, 5'000);
    test::value_of(event, "output_tokens") = dice.between(1, 2'000);
    test::value_of(event, "cache_read_tokens") = dice.between(0, 100'000);
    test::value_of(event, "cost_usd") = static_cast<double>(dice.below(100'000)) / 1e6;
  } else if (name == "user_session") {
    test::value_of(event, "change") = std::string("update");
  }
  return event;
}

}  // namespace bench
