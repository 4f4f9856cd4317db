// The hook events of Claude Code: since which version each is known, and which of them we ask for.
//
// An event that a version does not know makes older ones ignore the whole settings file, the hooks of others included.
// So an installer writes what the version at hand knows and nothing else. One table; values; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace fortium::claude {

struct Version {
  int major = 0, minor = 0, patch = 0;
  bool operator==(const Version&) const = default;
  bool operator>=(const Version& other) const {
    return std::tie(major, minor, patch) >= std::tie(other.major, other.minor, other.patch);
  }
  std::string text() const;
};

// The first version that runs hooks at all: what it knows, every version knows.
constexpr Version kFirstWithHooks{1, 0, 38};

// The first "1.2.3" in what `claude --version` says; nothing if there is none.
std::optional<Version> read_version(std::string_view text);

struct KnownEvent {
  std::string_view name;
  Version since;        // the first version that is known to know it
  bool wanted = false;  // it becomes a record
};

std::span<const KnownEvent> known_events();
// Hooks may call a tool of a running server since this version.
constexpr Version kFirstWithToolHooks{2, 1, 118};
// Of the wanted events, those that a running server can take: a session's begin and end are told when there is none.
std::span<const std::string_view> events_for_server();
// What is wanted and known to this version, in the order of the table.
std::vector<std::string_view> wanted_events(const Version& version);

}  // namespace fortium::claude
