#include "recount.h"

#include <map>
#include <set>

#include "fortium/sync/ledger.h"
#include "service/limits.h"
#include "tables.h"

namespace fortium::service {

namespace {

using metrics::Figures;
using metrics::SliceKey;

constexpr std::int64_t kHoursAtOnce = 31 * 24;

using sync::Tally;
using Day = std::pair<std::string, std::string>;  // kind, day

class Counting {
 public:
  explicit Counting(Snapshot& now) : now_(now) {}

  Result<Recount> run() {
    FM_TRY_(read_what_is_kept());
    FM_TRY_(count_records());
    compare_ledger();
    return std::move(out_);
  }

 private:
  const Table& table(std::string_view name) {
    for (const Table& one : place_tables())
      if (one.name == name) return one;
    throw Bug{"no such table"};
  }

  Result<void> read_what_is_kept() {
    FM_TRY_(now_.each_row(table("thinned"),
                          [&](const schema::Row& row) { thinned_.insert(std::get<std::int64_t>(row[0])); }));
    FM_TRY_(now_.each_row(table("gone"), [&](const schema::Row& row) {
      gone_[std::get<std::string>(row[0])].add(std::get<std::string>(row[1]));
    }));
    return now_.each_row(table("ledger"), [&](const schema::Row& row) {
      ledger_[{std::get<std::string>(row[2]), std::get<std::string>(row[1])}].add(
          {std::get<std::int64_t>(row[5]), LedgerDigest::from_hex(std::get<std::string>(row[4]))});
    });
  }

  // From the first month in which there is anything to the last.
  Result<void> count_records() {
    std::set<std::int64_t> months;
    for (const Table& one : place_tables().first(metrics::kinds().size()))
      FM_TRY_(now_.each_row(one, [&](const schema::Row& row) {
        months.insert(metrics::hour_of(from_ms(std::get<std::int64_t>(row[metrics::kTimestamp]))) / kHoursAtOnce);
      }));
    const Table& slices = table("slice");
    FM_TRY_(now_.each_row(
        slices, [&](const schema::Row& row) { months.insert(std::get<std::int64_t>(row[6]) / kHoursAtOnce); }));
    for (const std::int64_t month : months) FM_TRY_(count_hours(month * kHoursAtOnce, (month + 1) * kHoursAtOnce));
    return {};
  }

  Result<void> count_hours(std::int64_t from, std::int64_t until) {
    metrics::Slicer slicer;
    for (const metrics::Kind& kind : metrics::kinds())
      FM_TRY_(now_.each_record(kind, {metrics::begin_of(from), metrics::begin_of(until)}, std::nullopt,
                               [&](const metrics::Event& event) {
                                 slicer.add(event);
                                 counted_[{std::string(kind.name), day_of(event.timestamp())}].add(event.id());
                                 ++out_.records;
                                 return true;
                               }));
    std::map<SliceKey, Figures> kept;
    FM_TRY_(now_.each_slice(from, until, [&](const metrics::Slice& slice) {
      kept.emplace(slice.key, slice.figures);
      return true;
    }));
    for (const auto& [key, figures] : slicer.slices()) {
      const auto at = kept.find(key);
      const bool fits =
          at != kept.end() && (thinned_.contains(key.hour) ? at->second.count >= figures.count : at->second == figures);
      if (!fits) differs("slice", key);
      if (at != kept.end()) kept.erase(at);
    }
    for (const auto& [key, figures] : kept)
      if (!thinned_.contains(key.hour)) differs("slice without records", key);
    return {};
  }

  // What was let go is known by its ids alone, not by its days: then only the sums of a kind can be compared.
  void compare_ledger() {
    std::map<std::string, Tally> there, should;
    for (const auto& [day, tally] : ledger_) there[day.first].add(tally);
    for (const auto& [day, tally] : counted_) should[day.first].add(tally);
    for (const auto& [kind, tally] : gone_) should[kind].add(tally);
    for (const metrics::Kind& kind : metrics::kinds()) {
      const std::string name(kind.name);
      if (there[name] != should[name]) differs("ledger of " + name);
    }
    for (const auto& [day, tally] : counted_)
      if (!gone_.contains(day.first) && ledger_[day] != tally) differs("ledger of " + day.first + " on " + day.second);
  }

  void differs(const std::string& what, const SliceKey& key) {
    differs(what + " of " + std::string(metrics::kinds()[key.kind].name) + " at " +
            to_rfc3339(metrics::begin_of(key.hour)));
  }
  void differs(std::string what) {
    if (++out_.wrong <= static_cast<std::int64_t>(kMostDifferences)) out_.differences.push_back(std::move(what));
  }

  Snapshot& now_;
  Recount out_;
  std::set<std::int64_t> thinned_;
  std::map<std::string, Tally> gone_;  // by kind
  std::map<Day, Tally> ledger_, counted_;
};

}  // namespace

Result<Recount> recount(Records& records) {
  Recount out;
  FM_TRY_(records.at_one_moment([&](Snapshot& now) -> Result<void> {
    FM_TRY(out, Counting(now).run());
    return {};
  }));
  return out;
}

}  // namespace fortium::service
