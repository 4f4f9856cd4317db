#include "refusals.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "audit.h"
#include "fortium/base/json.h"
#include "service/limits.h"

namespace fortium::service {

namespace {

constexpr std::size_t kMostNoted = 1000;
constexpr Millis kBetweenWrites{5'000};

}  // namespace

Refusals::Refusals(const Clock& clock) : clock_(clock), lines_({.units = kNotedRefusals}, clock, kNotedTime) {}

void Refusals::note(const Refusal& refusal, const std::string& peer) {
  waiting_.with([&](Waiting& waiting) {
    const auto known = waiting.refusals.find(refusal);
    if (known != waiting.refusals.end())
      ++known->second.times;
    else if (waiting.refusals.size() < kMostNoted)
      waiting.refusals.emplace(refusal, Noted{.times = 1, .peer = peer});
    else
      ++waiting.left_out[refusal.tenant];
  });
}

bool Refusals::due() {
  return waiting_.with([&](Waiting& waiting) { return !waiting.refusals.empty() && waiting.next <= clock_.steady(); });
}

Result<void> Refusals::write(Control& control) {
  const auto refusals = waiting_.with([&](Waiting& waiting) {
    waiting.next = clock_.steady() + kBetweenWrites;
    return std::exchange(waiting.refusals, {});
  });
  return control.sql().write([&]() -> Result<void> {
    for (const auto& [refusal, noted] : refusals) {
      const bool room = lines_.charge(refusal.tenant, 1).allowed;
      const std::int64_t left_out = waiting_.with([&, &refusal = refusal, &noted = noted](Waiting& waiting) {
        std::int64_t& count = waiting.left_out[refusal.tenant];
        return room ? std::exchange(count, 0) : count += noted.times;
      });
      if (!room) continue;
      Json detail = {{"times", noted.times}, {"address", noted.peer}};
      if (left_out > 0) detail["left_out"] = left_out;
      FM_TRY_(Audit(control.sql(), clock_)
                  .add(refusal.tenant, {.actor = refusal.actor,
                                        .action = refusal.action,
                                        .subject = refusal.subject,
                                        .detail = dump_json(detail)}));
    }
    return {};
  });
}

}  // namespace fortium::service
