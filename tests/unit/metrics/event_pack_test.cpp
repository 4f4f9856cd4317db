#include "fortium/metrics/event_pack.h"

#include <doctest/doctest.h>

using namespace fortium;  // NOLINT(google-build-using-namespace)
using metrics::Event;
using metrics::EventPack;

namespace {

Event event_of(const char* kind, std::string id) {
  Event event{metrics::find_kind(kind)};
  event.row.resize(event.kind->shape.size());
  event.row[metrics::kId] = std::move(id);
  return event;
}

}  // namespace

TEST_CASE("what was packed is read as it was, whatever was read before into the same event") {
  Event tool = event_of("tool_usage", "t1"), request = event_of("model_usage", "m1"),
        empty = event_of("tool_usage", "");
  tool.row[metrics::kTimestamp] = std::int64_t{-1};
  tool.row[metrics::kProject] = std::string(70'000, 'x');
  tool.row.back() = std::string("{\"a\":\"\0\"}", 9);
  request.row.back() = 0.25;
  EventPack pack;
  for (const Event& one : {tool, request, empty}) pack.add(one);
  REQUIRE(pack.size() == 3);
  Event out;
  for (const std::size_t place : {0U, 1U, 2U, 0U, 2U, 1U}) {
    const Event& expected = place == 0 ? tool : place == 1 ? request : empty;
    pack.read(place, out);
    CHECK(out.kind == expected.kind);
    CHECK(out.row == expected.row);
    CHECK(&pack.kind(place) == expected.kind);
    CHECK(pack.id(place) == expected.id());
  }
}

TEST_CASE("events go from one pack to another") {
  EventPack from, to;
  for (const char* id : {"a", "b", "c"}) from.add(event_of("user_session", id));
  for (const std::size_t place : {2U, 0U}) to.add(from, place);
  REQUIRE(to.size() == 2);
  CHECK(to.id(0) == "c");
  CHECK(to.id(1) == "a");
}

TEST_CASE("an event without an id has none when it is packed") {
  Event event = event_of("tool_usage", "");
  event.row[metrics::kId] = {};
  event.row[metrics::kProject] = std::string("p");
  EventPack pack;
  pack.add(event);
  CHECK(pack.id(0).empty());
}
