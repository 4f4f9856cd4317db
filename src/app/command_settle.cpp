// `fortium-metrics queue settle`: receipts that came back by hand. The queue empties on the service's word only.
#include <iostream>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "../net/receipt.h"
#include "commands.h"
#include "fortium/base/api_key.h"
#include "fortium/base/files.h"
#include "fortium/sync/signed_file.h"
#include "local.h"
#include "terminal.h"

namespace fortium::app {

namespace {

constexpr sync::BatchLimits kPage{.records = 1000, .bytes = 64 << 20};

using Outcomes = std::unordered_map<std::string, sync::RecordOutcome>;

Result<Outcomes> read_receipts(const std::string& path, const Settings& settings, const KeyParts& key,
                               const std::string& device_id) {
  FM_TRY(const std::string text, read_file(path, sync::kMostSignedBytes));
  FM_TRY(const sync::ClaimedFile claimed, sync::read_signed(text, sync::kReceiptFile));
  if (claimed.file.key_id != key.id)
    return Error{Errc::invalid, path + ": these receipts belong to another key than the one that is set"};
  if (!is_signed_by(claimed, key.hash))
    return Error{Errc::invalid, path + ": the signature does not fit: the file was changed on the way"};
  // Two machines may hold records of one id, which differ.
  if (claimed.file.device_id != device_id)
    return Error{Errc::invalid, path + ": these receipts are for another machine"};
  Outcomes outcomes;
  std::string_view left = claimed.file.payload;
  while (!left.empty()) {
    const auto end = std::min(left.find('\n'), left.size());
    FM_TRY(std::vector<sync::RecordOutcome> lines, net::read_outcomes(left.substr(0, end), settings.api_key));
    for (sync::RecordOutcome& line : lines) outcomes[line.id] = std::move(line);
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return outcomes;
}

struct Settled {
  std::int64_t delivered = 0, set_aside = 0;
};

Result<Settled> settle(store::SqliteOutbox& outbox, const Outcomes& outcomes, const Clock& clock) {
  Settled settled;
  std::int64_t after = 0;
  while (true) {
    FM_TRY(const std::vector<sync::Waiting> rows, outbox.peek(kPage, after));
    if (rows.empty()) return settled;
    after = rows.back().place;
    std::vector<sync::Outcome> fates;
    for (const sync::Waiting& row : rows) {
      const auto told = outcomes.find(row.id);
      if (told == outcomes.end() || told->second.verdict == sync::RecordVerdict::retry) continue;
      const bool refused = told->second.verdict == sync::RecordVerdict::rejected;
      ++(refused ? settled.set_aside : settled.delivered);
      fates.push_back({row.place, refused ? sync::Fate::refused : sync::Fate::delivered, told->second.reason});
    }
    FM_TRY_(outbox.settle(fates, clock.now()));
  }
}

}  // namespace

int settle_queue(const Settings& settings, Local& local, const QueueCommand& command) {
  if (auto can = can_send(settings); !can) return fail(kConfiguration, can.error().what);
  const auto key = read_key(settings.api_key.reveal());
  if (!key) return fail(kConfiguration, "api_key has not the form of a key of the service");
  auto database = local.store().database();
  if (!database) return fail_store(database.error());
  auto outcomes = read_receipts(command.file, settings, *key, (*database)->device_id());
  if (!outcomes) return fail(kFailed, outcomes.error().what);
  auto lane = local.store().lane();
  if (!lane) return fail_store(lane.error());
  store::SqliteOutbox outbox(**database, *lane, local.entropy(), settings.mode != Mode::remote);
  auto settled = settle(outbox, *outcomes, local.clock());
  if (!settled) return fail_store(settled.error());
  auto left = outbox.waiting();
  if (!left) return fail_store(left.error());
  if (command.json)
    std::cout << dump_json({{"delivered", settled->delivered}, {"set_aside", settled->set_aside}, {"remaining", *left}})
              << "\n";
  else
    std::cout << with_thousands(settled->delivered) << " delivered, " << with_thousands(settled->set_aside)
              << " refused; " << with_thousands(*left) << " still wait\n";
  if (settled->set_aside > 0) std::cerr << "refused records and why: fortium-metrics queue list --failed\n";
  return settled->set_aside > 0 ? kPartly : kDone;
}

}  // namespace fortium::app
