#include "drain.h"

#include <chrono>
#include <optional>
#include <thread>

#include "commands.h"
#include "terminal.h"

namespace fortium::app {

namespace {

constexpr Millis kTakenAgain{100};  // another process sends: look again then
constexpr int kFollowed = 10;       // batches of what was recorded meanwhile: to go on would have no end

void add(Drained& drained, const sync::StepReport& report) {
  drained.sent += report.sent;
  drained.accepted += report.accepted;
  drained.duplicates += report.duplicates;
  drained.rejected += report.rejected;
  drained.batches += report.sent > 0;
  drained.error = report.error;
  drained.verdict = report.verdict;
  drained.unreachable = report.unreachable;
  drained.rate_limited = report.rate_limited;
}

bool final_verdict(sync::Verdict verdict) {
  return verdict == sync::Verdict::unauthorized || verdict == sync::Verdict::misconfigured;
}

}  // namespace

Result<Drained> drain(Sender& sender, const Settings& settings, const Clock& clock, Millis timeout, bool quiet) {
  Drained drained;
  FM_TRY(const std::int64_t waiting, sender.outbox().waiting());
  std::optional<Progress> progress;
  if (!quiet || waiting > 10'000) progress.emplace("sync", waiting);
  const SteadyTime start = clock.steady();
  const SteadyTime end = start + timeout;
  int followed = 0;
  std::int64_t retries = settings.number("retry_attempts");
  while (true) {
    FM_TRY(const sync::StepReport report, sender.engine().step(clock.now(), sync::Asked::by_person));
    add(drained, report);
    if (progress) progress->show(drained.sent, std::chrono::duration_cast<Millis>(clock.steady() - start).count());
    if (report.step == sync::Step::idle || (report.last && ++followed > kFollowed)) break;
    if (clock.steady() >= end) {
      drained.timed_out = true;
      break;
    }
    if (report.step == sync::Step::failed && (final_verdict(report.verdict) || retries-- <= 0)) {
      drained.gave_up = true;
      break;
    }
    const Millis wait = report.step == sync::Step::taken ? kTakenAgain : report.wake;
    if (clock.steady() + wait >= end) {
      drained.timed_out = true;
      if (report.step == sync::Step::taken) drained.error = "another process is sending";
      break;
    }
    std::this_thread::sleep_for(wait);
  }
  FM_TRY_(sender.engine().finish());
  return drained;
}

int exit_code(const Drained& drained, std::int64_t remaining, std::int64_t held) {
  if (drained.verdict == sync::Verdict::unauthorized && drained.gave_up) return kCredentials;
  if (drained.verdict == sync::Verdict::misconfigured && drained.gave_up) return kConfiguration;
  if (remaining > 0 && drained.unreachable) return kUnreachable;
  return remaining > 0 || held > 0 || drained.rejected > 0 ? kPartly : kDone;
}

}  // namespace fortium::app
