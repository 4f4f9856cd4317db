#include "events.h"

#include <algorithm>
#include <charconv>

namespace fortium::claude {

namespace {

constexpr bool kWanted = true;

// From the list of events inside each version of the client, and from its change log where no version in between was at
// hand. In the order of a session.
constexpr KnownEvent kEvents[] = {
    {"SessionStart", {1, 0, 62}, kWanted},
    {"UserPromptSubmit", {1, 0, 54}, kWanted},
    {"UserPromptExpansion", {2, 1, 197}, kWanted},
    {"PreToolUse", kFirstWithHooks, kWanted},
    {"PermissionRequest", {2, 0, 45}, kWanted},
    {"PermissionDenied", {2, 1, 89}, kWanted},
    {"PostToolUse", kFirstWithHooks, kWanted},
    {"PostToolUseFailure", {2, 1, 100}, kWanted},
    {"PostToolBatch", {2, 1, 197}},
    {"SubagentStart", {2, 0, 43}, kWanted},
    {"SubagentStop", kFirstWithHooks, kWanted},
    {"PreCompact", {1, 0, 48}, kWanted},
    {"PostCompact", {2, 1, 76}, kWanted},
    {"Stop", kFirstWithHooks, kWanted},
    {"StopFailure", {2, 1, 78}, kWanted},
    {"SessionEnd", {1, 0, 85}, kWanted},
    {"Notification", kFirstWithHooks},
    {"Setup", {2, 1, 10}},
    {"TeammateIdle", {2, 1, 33}},
    {"TaskCreated", {2, 1, 84}},
    {"TaskCompleted", {2, 1, 33}},
    {"ConfigChange", {2, 1, 49}},
    {"WorktreeCreate", {2, 1, 50}},
    {"WorktreeRemove", {2, 1, 50}},
    {"InstructionsLoaded", {2, 1, 69}},
    {"Elicitation", {2, 1, 76}},
    {"ElicitationResult", {2, 1, 76}},
    {"CwdChanged", {2, 1, 83}},
    {"FileChanged", {2, 1, 83}},
    {"DirectoryAdded", {2, 1, 219}},
    {"MessageDisplay", {2, 1, 152}},  // holds up what is shown: never asked for
    {"PreModelSwitch", {2, 1, 296}},
    {"PostModelSwitch", {2, 1, 296}},
};

// The ends of tool calls: the most frequent events, whose begins have said what needs a look at all of the input.
constexpr std::string_view kForServer[] = {"PostToolUse", "PostToolUseFailure"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string Version::text() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

std::optional<Version> read_version(std::string_view text) {
  const char* at = std::find_if(text.data(), text.data() + text.size(), is_digit);
  const char* const end = text.data() + text.size();
  Version version;
  for (int* part : {&version.major, &version.minor, &version.patch}) {
    if (part != &version.major && (at == end || *at++ != '.')) return std::nullopt;
    const auto [after, code] = std::from_chars(at, end, *part);
    if (code != std::errc() || *part < 0) return std::nullopt;
    at = after;
  }
  return version;
}

std::span<const KnownEvent> known_events() { return kEvents; }

std::span<const std::string_view> events_for_server() { return kForServer; }

std::vector<std::string_view> wanted_events(const Version& version) {
  std::vector<std::string_view> names;
  for (const KnownEvent& event : kEvents)
    if (event.wanted && version >= event.since) names.push_back(event.name);
  return names;
}

}  // namespace fortium::claude
