#include "fortium/metrics/alerts.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fortium::metrics {

namespace {

constexpr std::size_t kMostTold = 1'000;  // memory: names come from outside

double error_rate(const Load& load) {
  return load.calls > 0 ? static_cast<double>(load.failed) / static_cast<double>(load.calls) : 0;
}
double mean_ms(const Load& load) { return load.timed > 0 ? load.total_ms / static_cast<double>(load.timed) : 0; }
double calls_an_hour(const Load& load) {
  return load.hours > 0 ? static_cast<double>(load.calls) / static_cast<double>(load.hours) : 0;
}

std::string_view severity(double actual, double critical) { return kAlertSeverities[actual >= critical ? 1 : 0]; }

bool fails(const Load& now, const AlertRules& rules) {
  return rules.error_rate > 0 && now.calls >= kFewestCalls && error_rate(now) >= rules.error_rate;
}
bool is_slow(const Load& now, const AlertRules& rules) {
  return rules.slow_ms > 0 && now.timed >= kFewestCalls && mean_ms(now) >= rules.slow_ms;
}
bool may_be_often(const Load& now, const AlertRules& rules) { return rules.usage > 0 && now.calls >= kFewestToBeOften; }

}  // namespace

bool is_suspicious(const Load& now, const AlertRules& rules) {
  return fails(now, rules) || is_slow(now, rules) || may_be_often(now, rules);
}

std::vector<Alert> judge(const Load& now, const Load& usual, const AlertRules& rules) {
  std::vector<Alert> alerts;
  const bool known = usual.calls >= kEnoughUsual;
  const auto beyond = [&](double actual, double usually) { return !known || actual > kUnusual * usually; };
  const std::string last = "of the last " + std::to_string(now.calls) + " calls, ";
  if (fails(now, rules) && beyond(error_rate(now), error_rate(usual)))
    alerts.push_back({kAlertTypes[0], severity(error_rate(now), kMuchTooOften * rules.error_rate),
                      last + std::to_string(now.failed) + " did not succeed", rules.error_rate, error_rate(now)});
  if (is_slow(now, rules) && beyond(mean_ms(now), mean_ms(usual)))
    alerts.push_back({kAlertTypes[1], severity(mean_ms(now), kMuchTooSlow * rules.slow_ms),
                      "the last " + std::to_string(now.timed) + " calls were slow on average", rules.slow_ms,
                      mean_ms(now)});
  const double often = rules.usage * calls_an_hour(usual);
  if (known && may_be_often(now, rules) && static_cast<double>(now.calls) > often)
    alerts.push_back({kAlertTypes[2], kAlertSeverities[0],
                      std::to_string(now.calls) + " calls, in a usual hour there are " +
                          std::to_string(static_cast<std::int64_t>(std::llround(calls_an_hour(usual)))),
                      often, static_cast<double>(now.calls)});
  return alerts;
}

Result<Loads> loads_of(Reader& reader, const Period& period, unsigned kinds, std::string_view name) {
  struct Counting {
    Load load;
    std::int64_t hour = INT64_MIN;  // up to which hours were counted
  };
  std::map<std::pair<std::size_t, std::string>, Counting> all;
  FM_TRY_(reader.name_spans(period, {.kinds = kinds, .durations = false}, [&](const NameSpan& span) {
    if (!has_outcome(span.kind) || (!name.empty() && span.name != name)) return true;
    auto& [load, last] = all[{span.kind, span.name}];
    load.calls += span.figures.count;
    load.failed += span.figures.errors();
    load.timed += span.figures.timed;
    load.total_ms += static_cast<double>(span.figures.total_us) / 1'000;
    for (const auto& [hour, count] : span.hours) load.hours += hour > std::exchange(last, std::max(last, hour)) ? 1 : 0;
    return true;
  }));
  Loads out;
  for (const auto& [about, counting] : all) out[about] = counting.load;
  return out;
}

Period usual_period(WallTime now) { return {now - kAlertWindow - kUsualDays, now - kAlertWindow}; }

Result<std::vector<NamedAlert>> current_alerts(Reader& reader, const AlertRules& rules, WallTime now) {
  std::vector<NamedAlert> out;
  FM_TRY(const Loads last, loads_of(reader, {now - kAlertWindow, now + Millis(1)}));
  const bool any = std::ranges::any_of(last, [&](const auto& one) { return is_suspicious(one.second, rules); });
  if (!any) return out;
  FM_TRY(Loads usual, loads_of(reader, usual_period(now)));
  for (const auto& [about, load] : last)
    for (Alert& alert : judge(load, usual[about], rules)) out.push_back({about.first, about.second, std::move(alert)});
  std::stable_partition(out.begin(), out.end(),
                        [](const NamedAlert& one) { return one.alert.severity == kAlertSeverities[1]; });
  return out;
}

std::vector<Alert> AlertMemory::fresh(const std::string& about, std::vector<Alert> alerts) {
  if (told_.size() >= kMostTold && !told_.contains(about)) told_.clear();
  const auto before = std::exchange(told_[about], {});
  std::vector<Alert> news;
  for (Alert& alert : alerts) {
    const auto at = before.find(alert.type);
    const bool was_critical = at != before.end() && at->second == kAlertSeverities[1];
    told_[about][alert.type] = was_critical ? at->second : alert.severity;
    if (at == before.end() || (!was_critical && alert.severity == kAlertSeverities[1]))
      news.push_back(std::move(alert));
  }
  if (told_[about].empty()) told_.erase(about);
  return news;
}

}  // namespace fortium::metrics
