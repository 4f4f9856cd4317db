// `fortium-metrics verify`: is everything that this machine recorded counted by the service, once?
#include <iostream>
#include <nlohmann/json.hpp>

#include "../store/ledger.h"
#include "commands.h"
#include "drain.h"
#include "fortium/metrics/kind.h"
#include "fortium/sync/ledger.h"
#include "terminal.h"
#include "time_of.h"

namespace fortium::app {

namespace {

constexpr std::size_t kShownIds = 20;    // of those that are missing or unknown; --json has all
constexpr std::size_t kShownRows = 100;  // of days that differ

struct Totals {
  std::int64_t local = 0, remote = 0, waiting = 0, set_aside = 0, twice_told = 0, missing = 0, lost = 0, extra = 0;
};

std::int64_t size_of(const std::vector<std::string>& ids) { return static_cast<std::int64_t>(ids.size()); }

Totals add_up(const sync::Comparison& comparison) {
  Totals totals;
  for (const sync::DayResult& day : comparison.days) {
    totals.local += day.local;
    totals.remote += day.remote;
    totals.waiting += day.waiting;
    totals.set_aside += day.set_aside;
    totals.twice_told += day.twice_told;
    totals.missing += size_of(day.missing) + day.lost;
    totals.lost += day.lost;
    totals.extra += size_of(day.extra);
  }
  return totals;
}

std::string_view kind_of(const sync::DayResult& day) { return metrics::kinds()[day.key.kind].name; }

// What a script gets, whatever happened.
struct Verified {
  sync::Comparison comparison;
  std::int64_t repaired = 0;
  std::string error;
};

Json to_json(const Settings& settings, const Verified& verified) {
  Json days = Json::array();
  for (const sync::DayResult& day : verified.comparison.days) {
    Json row{{"day", day.key.day},
             {"kind", kind_of(day)},
             {"local", day.local},
             {"remote", day.remote},
             {"missing", size_of(day.missing) + day.lost},
             {"lost", day.lost},
             {"extra", day.extra.size()},
             {"waiting", day.waiting},
             {"set_aside", day.set_aside},
             {"twice_told", day.twice_told}};
    if (!day.missing.empty()) row["missing_ids"] = day.missing;
    if (!day.extra.empty()) row["extra_ids"] = day.extra;
    days.push_back(std::move(row));
  }
  const Totals totals = add_up(verified.comparison);
  return {{"ok", verified.error.empty() && verified.comparison.ok()},
          {"url", settings.text("url")},
          {"days", std::move(days)},
          {"local", totals.local},
          {"remote", totals.remote},
          {"missing", totals.missing},
          {"lost", totals.lost},
          {"extra", totals.extra},
          {"waiting", totals.waiting},
          {"set_aside", totals.set_aside},
          {"twice_told", totals.twice_told},
          {"repaired", verified.repaired},
          {"error", verified.error.empty() ? Json() : Json(verified.error)}};
}

void print_table(const sync::Comparison& comparison) {
  Table table;
  table.column("DAY");
  table.column("KIND");
  for (const char* title : {"HERE", "THERE", "WAITING", "REFUSED", "TOLD TWICE", "MISSING", "UNKNOWN"})
    table.column(title, Table::Align::right);
  std::size_t shown = 0, more = 0;
  for (const sync::DayResult& day : comparison.days) {
    if (day.ok() && day.waiting == 0 && day.set_aside == 0) continue;
    if (shown++ >= kShownRows) {
      ++more;
      continue;
    }
    table.row({day.key.day, std::string(kind_of(day)), with_thousands(day.local), with_thousands(day.remote),
               with_thousands(day.waiting), with_thousands(day.set_aside), with_thousands(day.twice_told),
               with_thousands(size_of(day.missing) + day.lost), with_thousands(size_of(day.extra))});
  }
  if (shown == 0) return;
  std::cout << table.text();
  if (more > 0)
    std::cout << "and " << with_thousands(static_cast<std::int64_t>(more)) << " more rows: --json has all\n";
  std::cout << "\n";
}

void print_ids(const sync::Comparison& comparison, const char* what,
               const std::vector<std::string> sync::DayResult::*which) {
  std::size_t shown = 0, all = 0;
  for (const sync::DayResult& day : comparison.days) {
    all += (day.*which).size();
    for (const std::string& id : day.*which)
      if (shown < kShownIds) {
        std::cout << what << "  " << day.key.day << "  " << kind_of(day) << "  " << id << "\n";
        ++shown;
      }
  }
  if (all > shown)
    std::cout << what << "  and " << with_thousands(static_cast<std::int64_t>(all - shown))
              << " more: --json has all\n";
}

std::string records(std::int64_t count) { return with_thousands(count) + (count == 1 ? " record" : " records"); }

// One sentence, and what to do.
void print_close(const Settings& settings, const Verified& verified) {
  const Totals totals = add_up(verified.comparison);
  const std::string& where = settings.text("url");
  std::string text;
  if (verified.repaired > 0) text += records(verified.repaired) + " queued again; ";
  if (totals.missing == 0 && totals.extra == 0) {
    text += totals.waiting + totals.set_aside + totals.twice_told == 0
                ? "all " + records(totals.local) + " that this machine recorded are counted at " + where
                : with_thousands(totals.remote + totals.twice_told) + " of " + records(totals.local) +
                      " are counted at " + where + ", and nothing is missing";
  } else {
    if (totals.missing > 0) text += records(totals.missing) + " missing at " + where;
    if (totals.extra > 0)
      text +=
          (totals.missing > 0 ? ", " : "") + records(totals.extra) + " counted there that this machine does not know";
  }
  if (totals.twice_told > 0)
    text += "; " + with_thousands(totals.twice_told) + " of them were told first by somebody else, such as telemetry";
  if (totals.waiting > 0)
    text += "; " + with_thousands(totals.waiting) + " wait to be delivered (fortium-metrics sync)";
  if (totals.set_aside > 0)
    text += "; " + with_thousands(totals.set_aside) + " were refused (fortium-metrics queue list --failed)";
  if (totals.missing > totals.lost) text += "; `fortium-metrics verify --repair` sends the missing ones again";
  if (totals.lost > 0)
    text += "; " + with_thousands(totals.lost) + " of the missing ones are no longer on this machine";
  std::cout << text << "\n";
}

int exit_of(const Error& error) {
  switch (error.code) {
    case Errc::unavailable:
    case Errc::busy:
    case Errc::cancelled: return kUnreachable;
    case Errc::unauthorized: return kCredentials;
    case Errc::not_found: return kConfiguration;
    case Errc::corrupt:
    case Errc::full: return kStore;
    case Errc::invalid:
    case Errc::conflict:
    case Errc::internal: break;
  }
  return kFailed;
}

// Errors of our own store are told apart from those of the service, whatever their code.
class StoreLedger final : public sync::LocalLedger {
 public:
  explicit StoreLedger(store::SqliteLedger& real) : real_(real) {}
  Result<sync::Ledger> tallies(const sync::Days& days) override { return seen(real_.tallies(days)); }
  Result<Undelivered> undelivered() override { return seen(real_.undelivered()); }
  Result<Row> row(const sync::LedgerKey& key) override { return seen(real_.row(key)); }
  Result<std::vector<bool>> known(std::size_t kind, std::span<const std::string> ids) override {
    return seen(real_.known(kind, ids));
  }

 private:
  template <class T>
  static Result<T> seen(Result<T> result) {
    if (!result) return Error{Errc::corrupt, result.error().what};
    return result;
  }
  store::SqliteLedger& real_;
};

Result<sync::Days> days_of(const VerifyCommand& command, WallTime now) {
  sync::Days days;
  for (const auto& [option, text, day] :
       {std::tuple("--since", &command.since, &days.from), std::tuple("--until", &command.until, &days.to)}) {
    if (text->empty()) continue;
    auto time = time_of(*text, now);
    if (!time) return Error{Errc::invalid, std::string(option) + ": " + time.error().what};
    *day = day_of(*time);
  }
  if (days.to < days.from) return Error{Errc::invalid, "--until: must not be before --since"};
  return days;
}

}  // namespace

int run_verify(const Settings& settings, const VerifyCommand& command) {
  tell_problems(settings);
  if (!settings.problems.empty()) return kConfiguration;
  if (auto can = can_send(settings); !can) return fail(kConfiguration, can.error().what);
  Local local(settings);
  auto days = days_of(command, local.clock().now());
  if (!days) return fail(kUsage, days.error().what);
  // What waited in a store that was damaged goes out too.
  if (auto done = local.store().salvage(); !done) return fail_store(done.error());
  auto database = local.store().database();
  if (!database) return fail_store(database.error());
  auto lane = local.store().lane();
  if (!lane) return fail_store(lane.error());
  auto sender = Sender::open(settings, local);
  if (!sender) return fail(kFailed, sender.error().what);
  store::SqliteLedger ledger(**database, *lane);
  StoreLedger here(ledger);

  Verified verified;
  int exit = kDone;
  const auto look = [&] {
    auto compared = sync::compare(here, (*sender)->ledger(), *days);
    if (!compared) {
      verified.error = compared.error().what;
      exit = exit_of(compared.error());
      return false;
    }
    verified.comparison = std::move(*compared);
    exit = verified.comparison.ok() ? kDone : kPartly;
    return true;
  };
  const auto repair = [&]() -> Result<void> {
    for (const sync::DayResult& day : verified.comparison.days) {
      FM_TRY(const std::int64_t queued,
             store::queue_again(**database, *lane, metrics::kinds()[day.key.kind], day.missing));
      verified.repaired += queued;
    }
    FM_TRY(const Drained drained, drain(**sender, settings, local.clock(), command.timeout, command.json));
    FM_TRY(const std::int64_t waiting, (*sender)->outbox().waiting());
    if (look() && exit == kDone) exit = exit_code(drained, waiting, /*held=*/0);
    if (waiting > 0) verified.error = drained.error;
    return {};
  };
  if (look() && command.repair)
    if (auto done = repair(); !done) return fail_store(done.error());

  if (command.json) {
    std::cout << dump_json(to_json(settings, verified)) << "\n";
  } else if (verified.error.empty()) {
    print_table(verified.comparison);
    print_ids(verified.comparison, "missing", &sync::DayResult::missing);
    print_ids(verified.comparison, "unknown", &sync::DayResult::extra);
    print_close(settings, verified);
  }
  if (!verified.error.empty()) return fail(exit, verified.error);
  return exit;
}

}  // namespace fortium::app
