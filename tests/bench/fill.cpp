// A store as years of work leave it, made in minutes: for measures of what reads it. Not part of the driver, which
// makes what it needs by the program itself.
//
//   bench_fill DIR RECORDS DAYS     DIR/metrics.db, until now
//
// Eleven hours a day, five days a week; sessions of about two hours, two at once; per record one tool call in two, one
// model request in three, and of the rest commands, agents and session changes.
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "fortium/base/files.h"
#include "store/database.h"
#include "store/sqlite_store.h"
#include "support/dice.h"
#include "support/events.h"

using namespace fortium;

namespace {

constexpr std::size_t kBatch = 1'000;
constexpr int kMostFrames = 8'000;
constexpr std::int64_t kDayMs = 86'400'000, kHourMs = 3'600'000;
constexpr std::string_view kTools[] = {"Bash", "Read", "Edit", "Grep",     "Glob",      "Write",         "Bash",
                                       "Read", "Edit", "Task", "WebFetch", "TodoWrite", "mcp__db__query"};
constexpr std::string_view kModels[] = {"claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5"};
constexpr std::string_view kProjects[] = {"shop", "billing", "infra", "docs"};

metrics::Event record(test::Dice& dice, std::int64_t number, std::int64_t at) {
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

// The working time of `days`, from its begin (0) to its end (1), as a time before now.
std::int64_t when(double part, std::int64_t days, std::int64_t now) {
  const double hours = part * static_cast<double>(days / 7 * 5 + days % 7) * 11;
  const auto day = static_cast<std::int64_t>(hours / 11);
  const std::int64_t week_day = day / 5 * 7 + day % 5;
  return now - days * kDayMs + week_day * kDayMs + static_cast<std::int64_t>(std::fmod(hours, 11) * kHourMs);
}

int fill(const std::string& dir, std::int64_t records, std::int64_t days) {
  if (!make_private_dir(dir)) return 1;
  SystemEntropy entropy;
  auto database = store::Database::open({dir + "/metrics.db", store::Durability::normal}, entropy);
  if (!database) return std::fprintf(stderr, "%s\n", database.error().what.c_str()), 1;
  auto store = store::SqliteStore::open(**database);
  if (!store) return std::fprintf(stderr, "%s\n", store.error().what.c_str()), 1;
  test::Dice dice(1);
  const std::int64_t now = to_ms(SystemClock().now());
  const auto begun = std::chrono::steady_clock::now();
  std::vector<metrics::Event> batch;
  for (std::int64_t i = 0; i < records; ++i) {
    batch.push_back(record(dice, i, when(static_cast<double>(i) / static_cast<double>(records), days, now)));
    if (batch.size() < kBatch && i + 1 < records) continue;
    if (auto done = (*store)->append(batch); !done) return std::fprintf(stderr, "%s\n", done.error().what.c_str()), 1;
    batch.clear();
    if (auto done = (*database)->tidy(kMostFrames); !done) return 1;
  }
  (void)(*database)->leave(0);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("%lld records, %.0f a second\n", static_cast<long long>(records),
              static_cast<double>(records) / took.count());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  ::umask(077);
  if (count != 4) return std::fprintf(stderr, "usage: bench_fill DIR RECORDS DAYS\n"), 2;
  return fill(words[1], std::atoll(words[2]), std::atoll(words[3]));
}
