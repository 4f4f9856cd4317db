// Which hook events exist since when, and what is asked of which version.
#include "claude/events.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace fortium::claude;

namespace {

bool asks(const Version& version, std::string_view event) {
  const auto events = wanted_events(version);
  return std::ranges::find(events, event) != events.end();
}

}  // namespace

TEST_CASE("a version is read from what the client says of itself") {
  CHECK(read_version("2.1.330 (Claude Code)\n") == Version{2, 1, 330});
  CHECK(read_version("1.0.38") == Version{1, 0, 38});
  CHECK(read_version("v10.20.30-beta.1") == Version{10, 20, 30});
  for (const char* text : {"", "claude", "2", "2.1", "2.1.", "2.1.x", "2..1", "99999999999.1.1", "-"})
    CHECK_FALSE(read_version(text).has_value());
  CHECK(Version{2, 1, 330}.text() == "2.1.330");
}

TEST_CASE("every event is named once, and since a version that runs hooks") {
  std::set<std::string_view> names;
  for (const KnownEvent& event : known_events()) {
    CHECK(names.insert(event.name).second);
    CHECK(event.since >= kFirstWithHooks);
  }
  CHECK(names.size() == 33);
}

TEST_CASE("an event is asked of the versions that know it, and of no other") {
  CHECK(wanted_events({1, 0, 37}).empty());
  CHECK(wanted_events(kFirstWithHooks) ==
        std::vector<std::string_view>{"PreToolUse", "PostToolUse", "SubagentStop", "Stop"});
  CHECK_FALSE(asks({2, 1, 77}, "StopFailure"));
  CHECK(asks({2, 1, 78}, "StopFailure"));
  CHECK_FALSE(asks({2, 1, 196}, "UserPromptExpansion"));
  CHECK(asks({2, 1, 197}, "UserPromptExpansion"));
  CHECK(asks({3, 0, 0}, "SessionEnd"));
}

TEST_CASE("nothing is asked for that holds up what is shown") { CHECK_FALSE(asks({99, 0, 0}, "MessageDisplay")); }
