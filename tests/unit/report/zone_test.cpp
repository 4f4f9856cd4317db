#include "fortium/report/zone.h"

#include <doctest/doctest.h>

#include "support/dice.h"
#include "support/time_zone.h"

using namespace fortium;
using namespace fortium::report;
using fortium::test::TimeZone;
using namespace std::chrono_literals;

namespace {

constexpr const char* kZones[] = {"UTC",
                                  "Europe/Berlin",
                                  "America/New_York",
                                  "Asia/Kolkata",
                                  "Asia/Kathmandu",
                                  "Pacific/Apia",
                                  "Australia/Lord_Howe",
                                  "America/Sao_Paulo",
                                  "Asia/Beirut",
                                  "Pacific/Kiritimati",
                                  "America/St_Johns",
                                  "Africa/Casablanca"};

WallTime time(const char* text) { return *parse_rfc3339(text); }
std::chrono::sys_days day(const char* text) {
  return std::chrono::floor<std::chrono::days>(time((std::string(text) + "T00:00:00Z").c_str()));
}
std::string begin(const char* text) { return to_rfc3339(Zone::system().begin_of(day(text))); }

}  // namespace

TEST_CASE("the name is what TZ says, and UTC has one name") {
  const std::pair<const char*, const char*> names[] = {{"Europe/Berlin", "Europe/Berlin"},
                                                       {":Asia/Kolkata", "Asia/Kolkata"},
                                                       {"/usr/share/zoneinfo/Asia/Kolkata", "Asia/Kolkata"},
                                                       {"Etc/UTC", "UTC"},
                                                       {"", "UTC"},
                                                       {"UTC", "UTC"}};
  for (const auto& [told, name] : names) {
    const TimeZone held(told);
    CHECK(Zone::system().name() == name);
  }
}

TEST_CASE("a day begins at midnight, summer and winter") {
  const TimeZone held("Europe/Berlin");
  CHECK(begin("2026-01-15") == "2026-01-14T23:00:00.000Z");
  CHECK(begin("2026-07-15") == "2026-07-14T22:00:00.000Z");
  CHECK(begin("2026-03-29") == "2026-03-28T23:00:00.000Z");  // has 23 hours
  CHECK(begin("2026-03-30") == "2026-03-29T22:00:00.000Z");
  CHECK(begin("2026-10-25") == "2026-10-24T22:00:00.000Z");  // has 25
  CHECK(begin("2026-10-26") == "2026-10-25T23:00:00.000Z");
}

TEST_CASE("where midnight itself is skipped, a day begins at one") {
  const TimeZone held("America/Sao_Paulo");
  CHECK(begin("2018-11-04") == "2018-11-04T03:00:00.000Z");
  CHECK(Zone::system().local(time("2018-11-04T03:00:00Z")).hour == 1);
}

TEST_CASE("a day that was skipped begins when the next one does") {
  const TimeZone held("Pacific/Apia");
  CHECK(begin("2011-12-30") == begin("2011-12-31"));
  CHECK(begin("2011-12-31") == "2011-12-30T10:00:00.000Z");
  CHECK(day_text(Zone::system().local(time("2011-12-30T09:59:59Z")).day) == "2011-12-29");
  CHECK(day_text(Zone::system().local(time("2011-12-30T10:00:00Z")).day) == "2011-12-31");
}

TEST_CASE("local time in zones of half and quarter hours") {
  const TimeZone held("Asia/Kathmandu");
  const LocalTime local = Zone::system().local(time("2026-01-02T18:20:05.678Z"));
  CHECK(day_text(local.day) == "2026-01-03");
  CHECK(local.hour == 0);
  CHECK(local.minute == 5);
  CHECK(local.second == 5);
  CHECK(local.ahead == 5h + 45min);
}

TEST_CASE("in any zone: days follow each other without a gap, and each begins on itself") {
  for (const char* name : kZones) {
    CAPTURE(name);
    const TimeZone held(name);
    const Zone zone = Zone::system();
    for (auto one = day("2011-12-01"); one < day("2013-02-01"); one += std::chrono::days(1)) {
      const WallTime from = zone.begin_of(one), until = zone.begin_of(one + std::chrono::days(1));
      REQUIRE(from <= until);
      if (from == until) continue;
      CHECK(zone.local(from).day == one);
      CHECK(zone.local(until - 1ms).day == one);
      CHECK(zone.local(from - 1ms).day < one);
    }
  }
}

TEST_CASE("in any zone: the local times of many moments are those of each") {
  test::Dice dice(5);
  for (const char* name : kZones) {
    CAPTURE(name);
    const TimeZone held(name);
    const Zone zone = Zone::system();
    LocalTimes times(zone);
    const WallTime from = day("2011-01-01"), until = day("2014-01-01");
    for (WallTime time = from; time < until; time += Millis(dice.between(1, 4 * 3'600'000))) {
      const LocalTime one = zone.local(time), same = times.of(time);
      REQUIRE(std::tie(one.day, one.hour, one.minute, one.second, one.ahead) ==
              std::tie(same.day, same.hour, same.minute, same.second, same.ahead));
    }
  }
}

TEST_CASE("in any zone: the parts of a period are the period, and in each of them hours begin where local hours do") {
  test::Dice dice(3);
  for (const char* name : kZones) {
    CAPTURE(name);
    const TimeZone held(name);
    const Zone zone = Zone::system();
    for (int round = 0; round < 20; ++round) {
      const WallTime since = time("2010-01-01T00:00:00Z") + Millis(dice.between(0, 500'000'000'000));
      const metrics::Period period{since, since + Millis(dice.between(1, 40'000'000'000))};
      const std::vector<Zone::Part> parts = zone.parts(period, Zone::Grain::hour);
      REQUIRE(!parts.empty());
      CHECK(parts.front().period.since == period.since);
      CHECK(parts.back().period.until == period.until);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) CHECK(parts[i].period.since == parts[i - 1].period.until);
        CHECK(parts[i].period.since < parts[i].period.until);
        for (int sample = 0; sample < 20; ++sample) {
          const Millis length = parts[i].period.until - parts[i].period.since;
          const WallTime at = parts[i].period.since + Millis(dice.between(0, length.count() - 1));
          const WallTime hour = metrics::begin_of(metrics::hour_of(at, parts[i].phase), parts[i].phase);
          CHECK(zone.local(std::max(hour, parts[i].period.since)).hour == zone.local(at).hour);
        }
      }
    }
  }
}

TEST_CASE("a zone that changes by half an hour has parts, others have one") {
  const metrics::Period year{time("2026-01-01T00:00:00Z"), time("2027-01-01T00:00:00Z")};
  for (const char* name : {"UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu"}) {
    const TimeZone held(name);
    CHECK(Zone::system().parts(year, Zone::Grain::hour).size() == 1);
  }
  const TimeZone held("Australia/Lord_Howe");
  const auto parts = Zone::system().parts(year, Zone::Grain::hour);
  REQUIRE(parts.size() == 3);
  CHECK(to_rfc3339(parts[1].period.since) == "2026-04-04T15:00:00.000Z");
  CHECK(parts[0].phase == 0min);
  CHECK(parts[1].phase == 30min);
}

TEST_CASE("by days: no hour of UTC is on two local days in one part, and only zones that need it have parts") {
  const metrics::Period month{time("2026-03-15T12:34:56Z"), time("2026-04-15T01:02:03Z")};
  for (const char* name : kZones) {
    CAPTURE(name);
    const TimeZone held(name);
    const Zone zone = Zone::system();
    const auto parts = zone.parts(month, Zone::Grain::day);
    CHECK(parts.front().period.since == month.since);
    CHECK(parts.back().period.until == month.until);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      CHECK(parts[i].phase == 0ms);
      if (i > 0) CHECK(parts[i].period.since == parts[i - 1].period.until);
      if (parts.size() > 1) CHECK(zone.local(parts[i].period.since).day == zone.local(parts[i].period.until - 1ms).day);
    }
    const bool half = zone.local(month.since).ahead % 1h != 0ms || zone.local(month.until).ahead % 1h != 0ms;
    const auto days = (zone.local(month.until - 1ms).day - zone.local(month.since).day).count() + 1;
    CHECK(parts.size() == (half ? static_cast<std::size_t>(days) : 1));
  }
}

TEST_CASE("weeks begin on Monday, months on their first day") {
  CHECK(day_text(monday_of(day("2026-01-05"))) == "2026-01-05");
  CHECK(day_text(monday_of(day("2026-01-04"))) == "2025-12-29");
  CHECK(day_text(first_of_month(day("2026-02-28"))) == "2026-02-01");
}
