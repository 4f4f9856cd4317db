// Every answer over a store that has added up its slices is the answer of one that has not.
#include "store/roll_ups.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "fortium/base/json.h"
#include "store/sqlite_reader.h"
#include "support/store_fixture.h"
#include "world.h"

using namespace fortium;
using namespace fortium::report;
using namespace fortium::test;

namespace {

constexpr std::int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;

struct Years : StoreFixture {
  explicit Years(std::vector<metrics::Event> events) { append(store::kNoLane, std::move(events)); }

  std::string answer(const Question& question, const Asked& asked) {
    store::SqliteReader reader(*database);
    return dump_json(to_json(must(question.answer(reader, asked))));
  }
};

}  // namespace

TEST_CASE("every answer is the same with and without what was added up, of any period, in any zone") {
  std::vector<metrics::Event> events = made_up_work(40, 7);
  Years fresh(events), folded(events);
  while (must(store::fold_slices(*folded.database, kNow))) {
  }
  REQUIRE(folded.number("SELECT count(*) FROM name_span") > 20);
  REQUIRE(fresh.number("SELECT count(*) FROM name_span") == 0);
  Dice dice(1);
  for (const char* name : {"UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe",
                           "Pacific/Kiritimati", "Asia/Kathmandu"}) {
    const TimeZone in(name);
    for (const Question& question : questions()) {
      Asked asked = asked_of(question);
      CAPTURE(name);
      CAPTURE(question.name);
      CHECK(folded.answer(question, asked) == fresh.answer(question, asked));
      for (int round = 0; round < 3; ++round) {
        const std::int64_t grain = dice.one_in(2) ? 1 : kHourMs;
        const std::int64_t since = (FakeClock::kStart - dice.between(0, 42 * kDayMs)) / grain * grain;
        asked.period = {from_ms(since), from_ms(since + dice.between(1, 20 * kDayMs) / grain * grain + grain)};
        if (dice.one_in(3)) asked.project = "shop";
        if (dice.one_in(3)) asked.source = "import";
        CHECK(folded.answer(question, asked) == fresh.answer(question, asked));
      }
    }
  }
}
