#include "alert_watch.h"

#include <iterator>
#include <map>
#include <utility>

namespace fortium::app {

namespace {

constexpr auto kLookAgain = std::chrono::minutes(1);

}  // namespace

std::optional<Millis> AlertWatch::due_in() const {
  if (!rules_ || !server_.hears(mcp::Severity::warning)) return std::nullopt;
  return std::max(std::chrono::ceil<Millis>(look_again_ - local_.clock().steady()), Millis(0));
}

std::vector<std::string> AlertWatch::look() {
  std::vector<std::string> lines;
  if (due_in() != Millis(0)) return lines;
  look_again_ = local_.clock().steady() + kLookAgain;
  auto reader = local_.reader();
  if (!reader) return lines;
  auto alerts = current_alerts(**reader, *rules_, local_.clock().now());
  if (!alerts) return lines;
  std::map<std::string, std::vector<metrics::Alert>> by_name;
  for (const std::string& about : std::exchange(about_, {})) by_name[about];  // of these there may be nothing any more
  for (auto& [kind, name, alert] : *alerts) {
    const std::string about = std::string(metrics::kinds()[kind].name) + " " + name;
    about_.insert(about);
    by_name[about].push_back(std::move(alert));
  }
  for (auto& [about, now] : by_name)
    for (const metrics::Alert& alert : told_.fresh(about, std::move(now))) {
      auto said = server_.log(
          mcp::Severity::warning, "alerts",
          about + ": " + std::string(alert.type) + ", " + std::string(alert.severity) + ": " + alert.message);
      lines.insert(lines.end(), std::make_move_iterator(said.begin()), std::make_move_iterator(said.end()));
    }
  return lines;
}

}  // namespace fortium::app
