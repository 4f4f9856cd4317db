// `fortium-metrics sync` (also `flush`): deliver the backlog now.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "drain.h"
#include "terminal.h"

namespace fortium::app {

int run_sync(const Settings& settings, const SyncCommand& command) {
  tell_problems(settings);
  if (!settings.problems.empty()) return kConfiguration;
  if (auto can = can_send(settings); !can) return fail(kConfiguration, can.error().what);
  Local local(settings);
  // What waited in a store that was damaged goes out too.
  if (auto done = local.store().salvage(); !done) return fail_store(done.error());
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
  local.store().tidy_log();
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
