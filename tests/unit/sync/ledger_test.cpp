// Is everything that was recorded here counted there? The comparison, held against sets that are compared by hand.
#include "fortium/sync/ledger.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "support/dice.h"

using namespace fortium;
using namespace fortium::sync;
using fortium::test::Dice;

namespace {

using Ids = std::set<std::string>;
const LedgerKey kKey{"2026-01-02", 1};

Tally tally_of(const Ids& ids) {
  Tally tally;
  for (const std::string& id : ids) tally.add(id);
  return tally;
}

// Two ends with one row: everything there is to get wrong happens within a row.
struct Ends final : LocalLedger, RemoteLedger {
  Ids recorded, gone, waiting, set_aside;  // here; `gone` are recorded, and no longer here
  Ids there, told;                         // `told`: there, under another installation
  int ids_asked = 0;
  // What happens while one looks: between reading here and reading there.
  std::function<void()> meanwhile;

  Result<Ledger> tallies(const Days&) override {
    Ledger ledger;
    const Ids& mine = asked_here_ ? there : recorded;
    asked_here_ = !asked_here_;
    if (!mine.empty()) ledger[kKey] = tally_of(mine);
    return ledger;
  }
  Result<Undelivered> undelivered() override {
    return Undelivered{{{kKey, tally_of(waiting)}}, {{kKey, tally_of(set_aside)}}};
  }
  Result<Row> row(const LedgerKey& key) override {
    CHECK(key == kKey);
    Row row{tally_of(recorded), {}};
    for (const std::string& id : recorded)
      if (!gone.contains(id))
        row.held.push_back({id, waiting.contains(id)     ? Held::State::waiting
                                : set_aside.contains(id) ? Held::State::set_aside
                                                         : Held::State::delivered});
    if (meanwhile) meanwhile();
    return row;
  }
  Result<std::vector<bool>> known(std::size_t, std::span<const std::string> ids) override {
    std::vector<bool> out;
    for (const std::string& id : ids) out.push_back(recorded.contains(id));
    return out;
  }
  Result<std::vector<std::string>> ids(const LedgerKey&) override {
    ++ids_asked;
    return std::vector<std::string>(there.begin(), there.end());
  }
  Result<std::vector<bool>> counted(std::size_t, std::span<const std::string> ids) override {
    std::vector<bool> out;
    for (const std::string& id : ids) out.push_back(told.contains(id));
    return out;
  }
  Result<std::string> kept_as(std::string_view id) override { return std::string(id); }

  DayResult compare_one() {
    const auto comparison = compare(*this, *this, {});
    REQUIRE(comparison.ok());
    if (comparison->days.empty()) return {};
    REQUIRE(comparison->days.size() == 1);
    CHECK(comparison->ok() == comparison->days[0].ok());
    return comparison->days[0];
  }

 private:
  bool asked_here_ = false;  // compare() asks here first
};

Ids minus(const Ids& a, const Ids& b) {
  Ids out;
  std::ranges::set_difference(a, b, std::inserter(out, out.end()));
  return out;
}

}  // namespace

TEST_CASE("what is missing, lost, unknown or waits is exactly what comparing the sets gives") {
  Dice dice(7);
  int differing = 0;
  for (int round = 0; round < 2000; ++round) {
    Ends ends;
    const std::size_t odds = 1 + dice.below(6);
    for (std::size_t i = dice.below(30); i > 0; --i) {
      const std::string id = "id-" + std::to_string(dice.below(1000));
      if (!ends.recorded.insert(id).second) continue;
      if (dice.one_in(4))
        ends.waiting.insert(id);
      else if (dice.one_in(6))
        ends.set_aside.insert(id);
      else if (dice.one_in(3))
        ends.gone.insert(id);
      const bool queued = ends.waiting.contains(id) || ends.set_aside.contains(id);
      // Also what waits may be there: its receipt was lost.
      if (queued ? dice.one_in(5) : !dice.one_in(odds)) ends.there.insert(id);
    }
    for (std::size_t i = dice.one_in(2) ? dice.below(3) : 0; i > 0; --i)
      ends.there.insert("stranger-" + std::to_string(dice.below(1000)));

    const Ids absent = minus(ends.recorded, ends.there);
    const Ids delivered = minus(minus(absent, ends.waiting), ends.set_aside);
    const Ids missing = minus(delivered, ends.gone), extra = minus(ends.there, ends.recorded);
    const DayResult day = ends.compare_one();
    CAPTURE(round);
    CHECK(day.local == static_cast<std::int64_t>(ends.recorded.size()));
    CHECK(day.remote == static_cast<std::int64_t>(ends.there.size()));
    if (ends.recorded == ends.there) {
      CHECK(day.ok());
      CHECK(ends.ids_asked == 0);
      continue;
    }
    CHECK(Ids(day.missing.begin(), day.missing.end()) == missing);
    CHECK(Ids(day.extra.begin(), day.extra.end()) == extra);
    CHECK(day.lost == static_cast<std::int64_t>(delivered.size() - missing.size()));
    CHECK(day.waiting == static_cast<std::int64_t>(minus(absent, minus(absent, ends.waiting)).size()));
    CHECK(day.set_aside == static_cast<std::int64_t>(minus(absent, minus(absent, ends.set_aside)).size()));
    CHECK(day.ok() == (delivered.empty() && extra.empty()));
    ++differing;
  }
  CHECK(differing > 1000);
}

TEST_CASE("what somebody else told first is counted, and not missing") {
  Ends ends;
  ends.recorded = {"a", "b", "c"};
  ends.there = {"a"};
  ends.told = {"a", "b", "z"};
  const DayResult day = ends.compare_one();
  CHECK(day.twice_told == 1);
  CHECK(day.missing == std::vector<std::string>{"c"});
  CHECK(day.local - day.lost - static_cast<std::int64_t>(day.missing.size()) - day.twice_told == day.remote);
}

TEST_CASE("ids are asked for only where count and digest say that something differs") {
  Ends ends;
  ends.recorded = {"a", "b", "c", "d"};
  ends.there = {"a", "b"};
  SUBCASE("a queue explains the difference") {
    ends.waiting = {"c"};
    ends.set_aside = {"d"};
    const DayResult day = ends.compare_one();
    CHECK(day.ok());
    CHECK(day.waiting == 1);
    CHECK(day.set_aside == 1);
    CHECK(ends.ids_asked == 0);
  }
  SUBCASE("nothing of the row is there: there is nothing to ask for") {
    ends.there.clear();
    CHECK(ends.compare_one().missing.size() == 4);
    CHECK(ends.ids_asked == 0);
  }
  SUBCASE("as many, but others") {
    ends.there = {"a", "b", "c", "x"};
    const DayResult day = ends.compare_one();
    CHECK(day.missing == std::vector<std::string>{"d"});
    CHECK(day.extra == std::vector<std::string>{"x"});
    CHECK(ends.ids_asked == 1);
  }
}

TEST_CASE("what is recorded and delivered while one looks is neither missing nor unknown") {
  Ends ends;
  ends.recorded = {"a", "b"};
  ends.waiting = {"b"};
  ends.there = {"a", "x"};
  ends.meanwhile = [&] {
    ends.waiting.clear();
    ends.recorded.insert("new");
    ends.there = {"a", "b", "new"};
  };
  const DayResult day = ends.compare_one();
  CHECK(day.ok());
}

TEST_CASE("an error of either end is the answer") {
  struct Failing final : RemoteLedger {
    Result<Ledger> tallies(const Days&) override { return Error{Errc::unauthorized, "no"}; }
    Result<std::vector<std::string>> ids(const LedgerKey&) override { return std::vector<std::string>(); }
    Result<std::vector<bool>> counted(std::size_t, std::span<const std::string>) override {
      return std::vector<bool>();
    }
    Result<std::string> kept_as(std::string_view id) override { return std::string(id); }
  } failing;
  Ends ends;
  const auto comparison = compare(ends, failing, {});
  REQUIRE_FALSE(comparison.ok());
  CHECK(comparison.error().code == Errc::unauthorized);
}
