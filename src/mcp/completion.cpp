#include "completion.h"

#include <nlohmann/json.hpp>

#include "rows.h"

namespace fortium::mcp {

namespace {

using namespace std::chrono_literals;

constexpr auto kKeptFor = 1s;
constexpr Millis kLookBack = 90 * 24h;  // the longest period of any question
constexpr std::int64_t kMostWords = 10'000;

// Letters of ASCII without their case: whoever types does not look at it.
std::string folded(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

Result<const std::vector<std::string>*> Completion::known(Context& context, std::string_view argument) {
  const SteadyTime now = context.clock.steady();
  const auto at = known_.find(argument);
  if (at != known_.end() && now < at->second.until) return &at->second.words;
  Known fresh{now + kKeptFor, {}};
  if (argument == "organization_id") {
    fresh.words = {std::string(context.organization)};
  } else if (argument == "days") {
    fresh.words = {"7", "1", "14", "30", "90"};
  } else {
    FM_TRY(metrics::Reader* const reader, context.reader());
    FM_TRY(fresh.words, reader->words(argument, metrics::last(kLookBack, context.clock.now()), kMostWords));
  }
  return &known_.insert_or_assign(std::string(argument), std::move(fresh)).first->second.words;
}

Result<Json> Completion::complete(Context& context, std::string_view argument, std::string_view typed) {
  FM_TRY(const std::vector<std::string>* const words, known(context, argument));
  const std::string wanted = folded(typed);
  std::vector<std::string> values, within;
  for (const std::string& word : *words) {
    const auto at = folded(word).find(wanted);
    if (at != std::string::npos) (at == 0 ? values : within).push_back(word);
  }
  values.insert(values.end(), within.begin(), within.end());
  const std::size_t total = values.size();
  if (total > kMostCompleted) values.resize(kMostCompleted);
  return Json{{"values", std::move(values)}, {"total", total}, {"hasMore", total > kMostCompleted}};
}

}  // namespace fortium::mcp
