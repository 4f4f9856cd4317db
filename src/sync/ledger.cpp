#include "fortium/sync/ledger.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_set>

namespace fortium::sync {

namespace {

Tally tally_at(const Ledger& ledger, const LedgerKey& key) {
  const auto at = ledger.find(key);
  return at != ledger.end() ? at->second : Tally{};
}

// What is not there under this installation may be there under another one, which told the same thing first.
Result<void> leave_out_told(RemoteLedger& there, DayResult& day) {
  if (day.missing.empty()) return {};
  std::vector<std::string> names, missing;
  for (const std::string& id : day.missing) {
    FM_TRY(std::string name, there.kept_as(id));
    names.push_back(std::move(name));
  }
  FM_TRY(const std::vector<bool> counted, there.counted(day.key.kind, names));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (counted[i])
      ++day.twice_told;
    else
      missing.push_back(std::move(day.missing[i]));
  }
  day.missing = std::move(missing);
  return {};
}

// By ids. Here is read before there, so that what was delivered in between is there; what appears to be only there is
// then looked up here once more, as it may have been recorded in between.
Result<void> look_closer(LocalLedger& here, RemoteLedger& there, DayResult& day) {
  FM_TRY(const LocalLedger::Row row, here.row(day.key));
  std::vector<std::string> ids;
  if (day.remote > 0) {
    FM_TRY(ids, there.ids(day.key));
  }
  std::unordered_set<std::string> only_there(ids.begin(), ids.end());
  const std::unordered_set<std::string> all_there = only_there;
  day.local = row.recorded.count;
  day.remote = static_cast<std::int64_t>(all_there.size());
  for (const Held& held : row.held) {
    FM_TRY(const std::string name, there.kept_as(held.id));
    only_there.erase(name);
    if (all_there.contains(name)) continue;
    switch (held.state) {
      case Held::State::waiting: ++day.waiting; break;
      case Held::State::set_aside: ++day.set_aside; break;
      case Held::State::delivered: day.missing.push_back(held.id); break;
    }
  }
  FM_TRY_(leave_out_told(there, day));
  const std::vector<std::string> unclear(only_there.begin(), only_there.end());
  FM_TRY(const std::vector<bool> known, here.known(day.key.kind, unclear));
  std::int64_t let_go = 0;  // since, and counted there
  for (std::size_t i = 0; i < unclear.size(); ++i) {
    if (known[i])
      ++let_go;
    else
      day.extra.push_back(unclear[i]);
  }
  std::ranges::sort(day.extra);
  const std::int64_t not_here = row.recorded.count - static_cast<std::int64_t>(row.held.size());
  day.lost = std::max<std::int64_t>(0, not_here - let_go);
  return {};
}

}  // namespace

bool Comparison::ok() const { return std::ranges::all_of(days, &DayResult::ok); }

Result<Comparison> compare(LocalLedger& here, RemoteLedger& there, const Days& days) {
  FM_TRY(const Ledger local, here.tallies(days));
  FM_TRY(const Ledger remote, there.tallies(days));
  std::optional<LocalLedger::Undelivered> undelivered;
  std::set<LedgerKey> keys;
  for (const auto& [key, tally] : local) keys.insert(key);
  for (const auto& [key, tally] : remote) keys.insert(key);

  Comparison comparison;
  for (const LedgerKey& key : keys) {
    const Tally ours = tally_at(local, key), theirs = tally_at(remote, key);
    DayResult day{.key = key, .local = ours.count, .remote = theirs.count};
    if (ours != theirs) {
      if (!undelivered) {
        FM_TRY(undelivered, here.undelivered());
      }
      const Tally waiting = tally_at(undelivered->waiting, key), set_aside = tally_at(undelivered->set_aside, key);
      Tally expected = theirs;
      expected.add(waiting);
      expected.add(set_aside);
      // The usual difference is a queue, and the digest tells that it is nothing else.
      if (expected == ours) {
        day.waiting = waiting.count;
        day.set_aside = set_aside.count;
      } else {
        FM_TRY_(look_closer(here, there, day));
      }
    }
    comparison.days.push_back(std::move(day));
  }
  return comparison;
}

}  // namespace fortium::sync
