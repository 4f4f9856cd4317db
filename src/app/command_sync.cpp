// `fortium-metrics sync` (also `flush`): deliver the backlog now.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.h"
#include "local.h"
#include "terminal.h"

namespace fortium::app {

namespace {

constexpr Millis kTakenAgain{100};  // another process sends: look again then

struct Totals {
  std::int64_t sent = 0, accepted = 0, duplicates = 0, rejected = 0, batches = 0;
  std::string error;
  sync::Verdict verdict = sync::Verdict::receipt;
  bool unreachable = false, rate_limited = false, timed_out = false, gave_up = false;
};

void add(Totals& totals, const sync::StepReport& report) {
  totals.sent += report.sent;
  totals.accepted += report.accepted;
  totals.duplicates += report.duplicates;
  totals.rejected += report.rejected;
  totals.batches += report.sent > 0;
  totals.error = report.error;
  totals.verdict = report.verdict;
  totals.unreachable = report.unreachable;
  totals.rate_limited = report.rate_limited;
}

bool final_verdict(sync::Verdict verdict) {
  return verdict == sync::Verdict::unauthorized || verdict == sync::Verdict::misconfigured;
}

// Steps until nothing waits, time is up, or it does not work.
Result<Totals> drain(Sender& sender, const Settings& settings, const Clock& clock, Millis timeout, bool quiet) {
  Totals totals;
  FM_TRY(const std::int64_t waiting, sender.outbox().waiting());
  std::optional<Progress> progress;
  if (!quiet || waiting > 10'000) progress.emplace("sync", waiting);
  const SteadyTime start = clock.steady();
  const SteadyTime end = start + timeout;
  std::int64_t retries = settings.number("retry_attempts");
  while (true) {
    FM_TRY(const sync::StepReport report, sender.engine().step(clock.now(), sync::Asked::by_person));
    add(totals, report);
    if (progress) progress->show(totals.sent, std::chrono::duration_cast<Millis>(clock.steady() - start).count());
    if (report.step == sync::Step::idle) break;
    if (clock.steady() >= end) {
      totals.timed_out = true;
      break;
    }
    if (report.step == sync::Step::sent) continue;
    if (report.step == sync::Step::failed && (final_verdict(report.verdict) || retries-- <= 0)) {
      totals.gave_up = true;
      break;
    }
    const Millis wait = report.step == sync::Step::taken ? kTakenAgain : report.wake;
    if (clock.steady() + wait >= end) {
      totals.timed_out = true;
      if (report.step == sync::Step::taken) totals.error = "another process is sending";
      break;
    }
    std::this_thread::sleep_for(wait);
  }
  FM_TRY_(sender.engine().finish());
  return totals;
}

int exit_code(const Totals& totals, std::int64_t remaining, std::int64_t held) {
  if (totals.verdict == sync::Verdict::unauthorized && totals.gave_up) return kCredentials;
  if (totals.verdict == sync::Verdict::misconfigured && totals.gave_up) return kConfiguration;
  if (remaining > 0 && totals.unreachable) return kUnreachable;
  return remaining > 0 || held > 0 || totals.rejected > 0 ? kPartly : kDone;
}

}  // namespace

int run_sync(const Settings& settings, const SyncCommand& command) {
  tell_problems(settings);
  if (!settings.problems.empty()) return kConfiguration;
  if (auto can = can_send(settings); !can) return fail(kConfiguration, can.error().what);
  Local local(settings);
  auto database = local.store().database();
  if (!database) return fail_store(database.error());
  auto lane = local.store().lane();
  if (!lane) return fail_store(lane.error());
  if (command.adopt) {
    auto adopted = store::adopt_unassigned(**database, *lane);
    if (!adopted) return fail_store(adopted.error());
    if (*adopted > 0) std::cerr << "adopted " << with_thousands(*adopted) << " records made without an account\n";
  }
  auto sender = Sender::open(settings, local);
  if (!sender) return fail(kFailed, sender.error().what);

  const SteadyTime start = local.clock().steady();
  auto totals = drain(**sender, settings, local.clock(), command.timeout, command.json);
  if (!totals) return fail_store(totals.error());
  auto counts = store::count_queue(**database, *lane, local.clock().now());
  if (!counts) return fail_store(counts.error());
  const double ms = std::chrono::duration<double, std::milli>(local.clock().steady() - start).count();
  const std::int64_t held = counts->unassigned + counts->elsewhere;

  if (command.json) {
    std::cout << Json{{"sent", totals->sent},
                      {"accepted", totals->accepted},
                      {"duplicates", totals->duplicates},
                      {"rejected", totals->rejected},
                      {"remaining", counts->pending},
                      {"held", held},
                      {"batches", totals->batches},
                      {"duration_ms", ms},
                      {"error", totals->error.empty() ? Json() : Json(totals->error)}}
                     .dump(-1, ' ', false, Json::error_handler_t::replace)
              << "\n";
  } else {
    std::cout << "sent " << with_thousands(totals->sent) << " records in " << human_ms(ms) << ": "
              << with_thousands(totals->accepted) << " accepted, " << with_thousands(totals->duplicates)
              << " known before, " << with_thousands(totals->rejected) << " refused; "
              << with_thousands(counts->pending) << " still wait\n";
  }
  if (!totals->error.empty() && counts->pending > 0) std::cerr << "fortium-metrics: " << totals->error << "\n";
  if (counts->unassigned > 0)
    std::cerr << with_thousands(counts->unassigned)
              << " records were made before there was an account; `fortium-metrics sync --adopt` sends them too\n";
  if (counts->elsewhere > 0)
    std::cerr << with_thousands(counts->elsewhere)
              << " records were made for another organization or service, and wait for it\n";
  if (totals->rejected > 0) std::cerr << "refused records and why: fortium-metrics queue list --failed\n";
  return exit_code(*totals, counts->pending, held);
}

}  // namespace fortium::app
